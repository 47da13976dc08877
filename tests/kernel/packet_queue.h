#pragma once
/// The other end of a queue verdict: a program that gets packets of a namespace and lets them pass.

#include <cstdint>
#include <optional>

#include "netns/netlink/socket.h"

namespace tinet::testing {

/// What the kernel says of a packet that waits; nullopt where the attribute is missing.
struct QueuedPacket {
  std::uint32_t id = 0;
  std::uint8_t hook = 0;
  std::uint16_t protocol = 0;  ///< Ethernet type
  std::optional<std::uint32_t> mark;
  std::optional<std::uint32_t> in, out, physical_in, physical_out;  ///< interface numbers
};

class PacketQueue {
 public:
  /// Binds queue `number` of the namespace that the NETLINK_NETFILTER socket lives in; only meta
  /// data is copied. @throws Error
  PacketQueue(netlink::Socket socket, std::uint16_t number);

  /// nullopt after `wait_ms`.
  [[nodiscard]] std::optional<QueuedPacket> next(int wait_ms);
  void accept(const QueuedPacket& packet);

 private:
  netlink::Socket socket_;
  std::uint16_t number_;
};

}  // namespace tinet::testing
