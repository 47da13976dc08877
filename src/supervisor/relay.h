#pragma once
/// One TCP connection carried through to another: bytes both ways, with everything TCP says about
/// their end.

#include <array>
#include <cstddef>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "src/base/unique_fd.h"

namespace tinet {

/// A reader that stops reading stops the writer (one buffer per direction, no queue); an end of
/// input is passed on as such, the other direction goes on; a reset or a refused connection becomes
/// a reset. Single-threaded.
class Relay : public std::enable_shared_from_this<Relay> {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  static constexpr std::size_t kBufferBytes = 64U << 10U;

  /// @param client    connected
  /// @param service   not yet connected
  Relay(Socket client, Socket service);

  /// Connects to the service and carries bytes until both directions have ended. Does not throw.
  boost::asio::awaitable<void> run(boost::asio::ip::tcp::endpoint service);

  /// Resets both connections.
  void cut() noexcept;

 private:
  using Buffer = std::array<char, kBufferBytes>;

  boost::asio::awaitable<void> carry(Socket& from, Socket& to, Buffer& buffer);

  Socket client_;
  Socket service_;
  Buffer to_service_;
  Buffer to_client_;
};

}  // namespace tinet
