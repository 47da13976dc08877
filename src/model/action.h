#pragma once
/// What a fault does to the packets of a link (LinkAction), and to which of them (Match), as plain
/// values with the units of the kernel mechanisms behind them.

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "src/base/units.h"

namespace tinet {

/// Sequential and never reused within a cluster; shown as "f1".
struct FaultId {
  std::uint32_t value = 0;
  friend auto operator<=>(const FaultId&, const FaultId&) = default;
};

enum class Protocol : std::uint8_t { Any, Tcp, Udp, Icmp };
[[nodiscard]] std::string_view to_string(Protocol protocol);
/// Inverse of to_string(), as all parse functions here. @throws Error Usage
[[nodiscard]] Protocol parse_protocol(std::string_view text);

/// All: every packet. New: connection requests only, SYN without ACK. Established: packets of the
/// TCP connections that were open when the fault was applied (Fault::flows).
enum class Connections : std::uint8_t { All, New, Established };
[[nodiscard]] std::string_view to_string(Connections connections);
[[nodiscard]] Connections parse_connections(std::string_view text);

/// Which packets of a link; all conditions must hold. Ports are one condition: the packet goes to
/// one of `to_ports` or comes from one of `from_ports`; both empty means any port.
struct Match {
  Protocol protocol = Protocol::Any;
  std::vector<std::uint16_t> to_ports{};    ///< ascending, unique
  std::vector<std::uint16_t> from_ports{};  ///< ascending, unique
  Connections connections = Connections::All;
  /// Of the packets that fulfil the rest, only the first so many of the link, 1..
  std::optional<std::uint32_t> first{};
  /// Only once so many bytes that fulfil the rest have passed on the link, 1..
  std::optional<std::uint64_t> after_bytes{};
  /// Whose memory `first`, `after_bytes` and Established use; otherwise 0.
  FaultId owner{};
  friend auto operator<=>(const Match&, const Match&) = default;

  /// True when only packets to or from some ports are meant.
  [[nodiscard]] bool has_ports() const { return !to_ports.empty() || !from_ports.empty(); }
  /// True when every packet is meant.
  [[nodiscard]] bool everything() const { return *this == Match{}; }
  /// True when packets are remembered, which is why `owner` is needed.
  [[nodiscard]] bool remembers() const {
    return first || after_bytes || connections == Connections::Established;
  }
};

/// How a cut answers; the stronger one wins: Drop over Reset over Reject.
enum class CutMode : std::uint8_t { Reject, Reset, Drop };
[[nodiscard]] std::string_view to_string(CutMode mode);
[[nodiscard]] CutMode parse_cut_mode(std::string_view text);

/// Uniform: anything within the jitter with equal chance. Normal: the jitter is the standard
/// deviation. Pareto: a long tail above. Table: samples of the user's own.
enum class Distribution : std::uint8_t { Uniform, Normal, Pareto, Table };
[[nodiscard]] std::string_view to_string(Distribution distribution);
[[nodiscard]] Distribution parse_distribution(std::string_view text);

/// Every packet waits `delay`, more or less by `jitter`.
struct Delay {
  Nanoseconds delay{};
  Nanoseconds jitter{};
  Distribution distribution = Distribution::Uniform;
  /// Distribution::Table: deviations in 1/8192 of `jitter`, as tc-netem(8) scales them.
  std::vector<std::int16_t> table{};
  Ppm correlation{};  ///< how much a packet's deviation follows the one before
  friend auto operator<=>(const Delay&, const Delay&) = default;
};

/// Losses in bursts (Gilbert-Elliott): before every packet the link turns bad with probability
/// `begin` or good again with probability `end`; while it is bad, every packet is lost.
struct Burst {
  Ppm begin{};
  Ppm end{};
  friend auto operator<=>(const Burst&, const Burst&) = default;
};

struct Rate {
  std::uint64_t bits_per_second = 0;
  std::uint32_t burst_bytes = 0;    ///< 0: chosen by the mechanism
  std::uint32_t queue_packets = 0;  ///< packets that may wait; 0: 1000
  friend auto operator<=>(const Rate&, const Rate&) = default;
};

/// What happens to the packets that a Match means. Members that are not set do nothing.
struct LinkAction {
  std::optional<CutMode> cut{};
  Ppm loss{};                   ///< every packet by itself
  Ppm lost_replies{};           ///< so many of the connections lose every segment with payload
  std::vector<Burst> bursts{};  ///< in series
  std::optional<Delay> delay{};
  Ppm duplicate{};
  Ppm corrupt{};
  bool silent_corruption = false;  ///< the receiver's checksum does not notice
  Ppm reorder{};                   ///< so many packets overtake those that are delayed
  std::optional<Rate> rate{};
  bool hold = false;  ///< packets are kept until the fault ends or is released
  /// When a hold lets go by itself, on CLOCK_MONOTONIC; set by composition from the fault's end.
  std::optional<Nanoseconds> hold_until{};
  FaultId holder{};        ///< whose hold it is, to be released; set by composition, too
  std::uint64_t seed = 0;  ///< of the userspace wire's random generator
  friend auto operator<=>(const LinkAction&, const LinkAction&) = default;

  /// True when packets have to wait for something: a class of the receiver's port or the wire.
  [[nodiscard]] bool shapes() const {
    return !bursts.empty() || delay || reorder.value > 0 || rate || hold;
  }
};

/// Adds an action to those of earlier faults: the strongest cut, losses and their like as
/// 1-(1-p1)(1-p2), bursts in series, delays and jitters added (distribution and correlation of the
/// one that comes last), the lowest rate.
void combine(LinkAction& sum, const LinkAction& action);

}  // namespace tinet
