#pragma once
/// A SmallNetwork whose switch gives the packets of chosen links a wire class and queues those, as
/// the fabric does, and the wire's client for it.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "netns/nft/batch.h"
#include "src/wire/client.h"
#include "tests/kernel/small_network.h"

namespace tinet::testing {

/// A datagram that arrived.
struct Arrival {
  std::uint32_t number = 0;
  std::chrono::nanoseconds sent{};      ///< CLOCK_REALTIME, by the sender's program
  std::chrono::nanoseconds received{};  ///< the same clock, by the receiver's kernel
  [[nodiscard]] double delay_ms() const {
    return static_cast<double>((received - sent).count()) / 1e6;
  }
};

class WireWorld {
 public:
  explicit WireWorld(std::size_t instances);

  /// Puts the packets from `a` to `b` in a class of the wire, or in none.
  void classify(std::size_t a, std::size_t b, std::uint16_t number);
  void unclassify(std::size_t a, std::size_t b);

  /// A socket of that type in instance `i`, bound to its address and a port that the kernel picks.
  /// @param family AF_INET or AF_INET6
  [[nodiscard]] UniqueFd socket(std::size_t i, int family, int type);
  /// Sends datagrams numbered from `first` on from one socket to another.
  static void send(const UniqueFd& from, const UniqueFd& to, std::uint32_t count,
                   std::uint32_t first = 0);
  /// What arrives until there are `wanted` datagrams, or nothing for `quiet`.
  [[nodiscard]] static std::vector<Arrival> receive(
      const UniqueFd& at, std::size_t wanted,
      std::chrono::milliseconds quiet = std::chrono::milliseconds(2000));

  /// Sends `count` datagrams and receives them meanwhile. Never sends far ahead of the wire, so
  /// that what it adds is not the wait for a processor.
  [[nodiscard]] std::vector<Arrival> exchange(
      const UniqueFd& from, const UniqueFd& to, std::uint32_t count,
      std::chrono::milliseconds quiet = std::chrono::milliseconds(2000));

  [[nodiscard]] WireClientOptions client_options();
  /// Counts of one link and class.
  [[nodiscard]] WireCounters counters(std::size_t a, std::size_t b, std::uint16_t number);

  SmallNetwork network;
  WireClient wire;

 private:
  void make_rules();
  void make_ipv6();
};

}  // namespace tinet::testing
