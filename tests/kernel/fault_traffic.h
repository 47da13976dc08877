#pragma once
/// Numbered datagrams and connections between endpoints of a World, and what became of them.

#include <chrono>
#include <cstdint>
#include <vector>

#include <netinet/in.h>

#include "src/base/unique_fd.h"
#include "tests/kernel/fabric_world.h"

namespace tinet::testing {

struct Arrival {
  std::uint32_t number = 0;
  std::chrono::nanoseconds took{};  ///< from the send call to the arrival in the kernel
  std::chrono::nanoseconds at{};    ///< of the arrival, on CLOCK_REALTIME
  bool intact = false;              ///< the payload is what was sent
};

/// A receiver at one endpoint and port, and senders elsewhere.
class Datagrams {
 public:
  Datagrams(World& world, Link link, std::uint16_t port, int family = AF_INET);

  /// Sends datagrams `first` to `first + count - 1`, `gap` apart. What arrives meanwhile is taken
  /// off the receiver's buffer, which may be small, and kept for receive().
  /// @return when each was sent, on CLOCK_MONOTONIC
  std::vector<MonoTime> send(std::uint32_t first, std::uint32_t count,
                             std::chrono::microseconds gap = {}, std::size_t size = 64);
  /// What arrives until nothing has for `patience`.
  [[nodiscard]] std::vector<Arrival> receive(std::chrono::milliseconds patience);
  /// receive() in between, so that no buffer overflows; for many datagrams.
  [[nodiscard]] std::vector<Arrival> exchange(std::uint32_t count,
                                              std::chrono::milliseconds patience,
                                              std::chrono::microseconds gap = {});
  /// errno of the sender's socket, e.g. ECONNREFUSED after an ICMP error.
  [[nodiscard]] int sender_error() const;

 private:
  /// One datagram into `arrivals_`; false when none is there.
  bool take_one();

  UniqueFd receiver_;
  UniqueFd sender_;
  std::vector<Arrival> arrivals_;
};

/// A TCP connection from link.from to a listener at link.to.
struct Stream {
  UniqueFd client;
  UniqueFd server;
};

enum class Dialled { Connected, Refused, TimedOut, Unreachable };

class Listener {
 public:
  Listener(World& world, Endpoint endpoint, std::uint16_t port, int family = AF_INET);
  /// Tries to connect from another endpoint.
  [[nodiscard]] Dialled dial(Endpoint from, std::chrono::milliseconds patience);
  /// The connection of the last dial() that connected.
  [[nodiscard]] Stream take();

 private:
  World& world_;
  Endpoint endpoint_;
  std::uint16_t port_;
  int family_;
  UniqueFd socket_;
  UniqueFd client_;
};

}  // namespace tinet::testing
