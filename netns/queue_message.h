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
struct QueueBind {
  std::uint16_t queue = 0;
  std::uint32_t packets_max = 0;  ///< that may wait
  /// Packets that cannot be handed over (too many wait, or no room for the message) go on as if
  /// they had been accepted; else they are dropped.
  bool fail_open = false;
};
[[nodiscard]] std::vector<std::byte> make_queue_bind(const QueueBind& bind, std::uint32_t sequence);

struct GivenVerdict {
  std::uint32_t id = 0;
  PacketVerdict verdict = PacketVerdict::Accept;
  bool oldest = false;                     ///< no packet that came before it waits for a verdict
  std::optional<std::uint32_t> mark = {};  ///< what becomes of the packet's; none: it stays
};

/// Collects verdicts in the order in which the packets shall go on. Verdicts that cover everything
/// before them share one message.
class VerdictWriter {
 public:
  explicit VerdictWriter(std::uint16_t queue) : queue_(queue) {}

  void add(const GivenVerdict& given);

  /// The messages so far, ready to be sent; valid until the next add() or clear().
  [[nodiscard]] std::span<const std::byte> finish();
  /// At most what finish() will hand out.
  [[nodiscard]] std::size_t size_bytes() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty() && run_ == 0; }
  void clear() noexcept;

 private:
  void put(std::uint16_t type, const GivenVerdict& given);
  void put_run();

  std::uint16_t queue_;
  std::vector<std::byte> bytes_;
  // A run of verdicts that one batch message can say: its length and last one.
  std::size_t run_ = 0;
  GivenVerdict run_last_{};
};

}  // namespace tinet
