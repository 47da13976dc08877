#pragma once
/// The messages of nfnetlink_queue: packets that a rule handed to userspace, and the verdicts that
/// let them go on. Pure; PacketQueue (netns/queue.h) does the I/O.
/// @see Linux include/uapi/linux/netfilter/nfnetlink_queue.h

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "netns/inet.h"
#include "netns/netlink/dump.h"

namespace tinet {

/// A packet that waits in the kernel for its verdict. A super-packet (GSO) is one.
struct QueuedPacket {
  std::uint32_t id = 0;    ///< its name in the queue; ascending, wraps around
  std::uint32_t mark = 0;  ///< skb->mark, 0 when there is none
  /// Where it came in and will go out: ports of the bridge when it passed one, else the devices of
  /// the hook; 0 when the kernel did not say.
  IfIndex in{};
  IfIndex out{};
  friend bool operator==(const QueuedPacket&, const QueuedPacket&) = default;
};

/// Reads a packet message. @return nullopt for every other message and for malformed ones
[[nodiscard]] std::optional<QueuedPacket> parse_queued_packet(
    const netlink::MessageView& message) noexcept;

enum class PacketVerdict : std::uint8_t { Drop, Accept };

/// The message that makes a socket the listener of a queue: metadata only, super-packets whole.
/// @param packets_max how many packets may wait; the kernel drops those beyond
[[nodiscard]] std::vector<std::byte> make_queue_bind(std::uint16_t queue, std::uint32_t sequence,
                                                     std::uint32_t packets_max);

/// Collects verdicts in the order in which the packets shall go on. Verdicts that cover everything
/// before them share one message.
class VerdictWriter {
 public:
  explicit VerdictWriter(std::uint16_t queue) : queue_(queue) {}

  /// @param oldest no packet that came before this one waits for a verdict
  void add(std::uint32_t id, PacketVerdict verdict, bool oldest);

  /// The messages so far, ready to be sent; valid until the next add() or clear().
  [[nodiscard]] std::span<const std::byte> finish();
  /// At most what finish() will hand out.
  [[nodiscard]] std::size_t size_bytes() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty() && run_ == 0; }
  void clear() noexcept;

 private:
  void put(std::uint16_t type, std::uint32_t id, PacketVerdict verdict);
  void put_run();

  std::uint16_t queue_;
  std::vector<std::byte> bytes_;
  // A run of verdicts that one batch message can say: its length and last packet.
  std::size_t run_ = 0;
  std::uint32_t run_last_ = 0;
  PacketVerdict run_verdict_ = PacketVerdict::Accept;
};

}  // namespace tinet
