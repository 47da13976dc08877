#pragma once
/// The listener of one NFQUEUE: receives packets' metadata and gives verdicts, many per system
/// call. Needs CAP_NET_ADMIN in the user namespace that owns the socket's network namespace, for
/// every call. One thread at a time.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "netns/kernel_gate.h"
#include "netns/queue_message.h"
#include "src/base/unique_fd.h"

namespace tinet {

struct PacketQueueOptions {
  std::uint16_t number = 0;
  /// Packets that may wait in the kernel. Each keeps its memory there.
  std::uint32_t packets_max = 1'000'000;
  /// Packets that find no room pass instead of being dropped. @see QueueBind
  bool fail_open = false;
  /// For messages that nobody has read yet, about 900 bytes each; as much of it as privilege
  /// allows.
  int receive_buffer_bytes = 64 << 20;
  KernelGate* gate = nullptr;  ///< must outlive the queue
};

/// While it exists, rules that queue to its number hand their packets to it. When it goes, however
/// that happens, the kernel drops the packets that still wait; later ones pass if the rule says
/// bypass.
class PacketQueue {
 public:
  /// @param fd a NETLINK_NETFILTER socket, opened in the namespace whose rules queue
  /// @throws Error Unavailable (no CAP_NET_ADMIN, or the queue has another listener), Operation (no
  ///         nfnetlink_queue, ...)
  explicit PacketQueue(UniqueFd fd, const PacketQueueOptions& options = {});

  /// Readable when packets are there.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// Appends packets that have arrived, in their order; never blocks.
  /// @return whether there may be more
  /// @throws Error Operation
  bool receive(std::vector<QueuedPacket>& packets);

  /// Packets take the way that flush() sends them on in the order of these calls. A full buffer is
  /// flushed at once.
  void give(const GivenVerdict& given);
  /// @throws Error Operation
  void flush();

  /// Packets that the kernel could not hand over because their messages did not fit the receive
  /// buffer.
  [[nodiscard]] std::uint64_t missed() const noexcept { return missed_; }

 private:
  void bind(const PacketQueueOptions& options);
  /// Reads one datagram. @return errno of the answer to bind(); nullopt when it was not that
  [[nodiscard]] std::optional<int> read_answer();
  void take(netlink::ByteSpan datagram, std::vector<QueuedPacket>& packets);

  UniqueFd fd_;
  VerdictWriter verdicts_;
  std::vector<std::byte> buffer_;
  std::vector<QueuedPacket> early_;  ///< arrived while bind() waited for its answer
  std::uint32_t last_id_ = 0;
  std::uint64_t missed_ = 0;
};

}  // namespace tinet
