#pragma once
/// The settings of a netem queueing discipline: delay, jitter, loss, reordering of everything that
/// goes through it. Pure; netns/qdisc.h makes one the leaf of a class. Not every kernel has netem.
/// @see tc-netem(8), Linux include/uapi/linux/pkt_sched.h

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "netns/netlink/dump.h"
#include "netns/netlink/message.h"

namespace tinet {

/// Loss in two states, of which `good` is the first (Gilbert and Elliott). All are probabilities
/// per packet, 0..1.
struct NetemLoss {
  double to_bad = 0;   ///< from good to bad
  double to_good = 1;  ///< from bad to good
  double in_bad = 1;   ///< a packet is lost while bad
  double in_good = 0;  ///< a packet is lost while good
  friend bool operator==(const NetemLoss&, const NetemLoss&) = default;
};

struct NetemSpec {
  std::chrono::nanoseconds delay{};
  std::chrono::nanoseconds jitter{};
  /// Deviations in 1/8192 of `jitter`, each as likely as any other, at most 16384; empty: uniform.
  std::vector<std::int16_t> table{};
  double delay_correlation = 0;  ///< of a packet's delay with the one before, 0..1
  double loss = 0;               ///< independent, 0..1; not together with `burst_loss`
  std::optional<NetemLoss> burst_loss{};
  double reorder = 0;              ///< share of packets that are not delayed at all, 0..1
  double reorder_correlation = 0;  ///< 0..1
  std::uint32_t reorder_gap = 1;   ///< only every so many packets may be; at least 1
  /// Packets that are held at once; more are dropped. The rate times the delay has to fit.
  std::uint32_t limit = 1000;
  friend bool operator==(const NetemSpec&, const NetemSpec&) = default;
};

/// Appends the content of TCA_OPTIONS. Says everything, so that a change in place leaves nothing
/// of what was there before.
void put_netem_options(netlink::Request& request, const NetemSpec& spec);

/// What read_netem() gives of a netem that was made like this.
[[nodiscard]] NetemSpec as_told(NetemSpec spec);

/// Reads what the kernel tells of one; nullopt when it is too short. The table is not told,
/// probabilities have 32 bits.
[[nodiscard]] std::optional<NetemSpec> read_netem(netlink::ByteSpan options);

}  // namespace tinet
