#pragma once
/// A service of one instance at 127.0.0.1:PORT of the host. Connects from inside the instance's own
/// namespace, so it works, and shows that instance's own view, whatever is cut.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "src/base/unique_fd.h"
#include "src/model/address.h"

namespace tinet {

struct PublisherOptions {
  std::string name;            ///< "tidb-0:client", for messages
  std::uint16_t port = 0;      ///< of the host; 0: any free one
  bool explicit_port = false;  ///< a taken port is an error; otherwise the next free one is used
  Ipv4 address{};              ///< of the service, in the instance's network
  std::uint16_t service_port = 0;
  /// Further connections wait in the kernel's queue until one of these ends.
  std::size_t connections_max = 1024;
};

/// Listens as long as it lives, in the network namespace of its caller. Single-threaded.
class Publisher {
 public:
  /// A fresh TCP socket in the instance's network, close-on-exec; throws Error when it can't.
  using OpenSocket = std::function<UniqueFd()>;

  /// @throws Error Conflict when the explicit port is taken, or none of the next 100 is free
  Publisher(const boost::asio::any_io_executor& executor, PublisherOptions options,
            OpenSocket open_socket);
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  Publisher(Publisher&&) = delete;
  Publisher& operator=(Publisher&&) = delete;
  /// Resets every connection and stops listening.
  ~Publisher();

  /// The port that was really taken.
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// One sentence when that is not the one asked for; empty otherwise.
  [[nodiscard]] const std::string& note() const noexcept;
  /// Connections that are open now.
  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace tinet
