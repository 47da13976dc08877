#pragma once
/// Faults (what the user asked for) and effects (what one link suffers), as plain values.

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

namespace tinet {

/// Number of an endpoint of the fabric: position in ClusterPlan::instances; the client has the
/// number after the last instance.
using Endpoint = std::uint16_t;

/// A link: everything that `from` sends to `to`.
struct Link {
  Endpoint from = 0;
  Endpoint to = 0;
  friend auto operator<=>(const Link&, const Link&) = default;
};

/// Sequential and never reused within a cluster; shown as "f1".
struct FaultId {
  std::uint32_t value = 0;
  friend auto operator<=>(const FaultId&, const FaultId&) = default;
};

[[nodiscard]] std::string to_string(FaultId id);
/// "f12" -> 12; nullopt when the text is not an id.
[[nodiscard]] std::optional<FaultId> parse_fault_id(std::string_view text);

/// Ends of faults are on CLOCK_MONOTONIC: like the kernel's element timeouts (jiffies), it stands
/// still while the machine is suspended.
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

enum class FaultKind { Partition, Pause };
[[nodiscard]] std::string_view to_string(FaultKind kind);

/// How a cut answers; the stronger one wins: Drop over Reset over Reject.
enum class CutMode { Reject, Reset, Drop };
[[nodiscard]] std::string_view to_string(CutMode mode);

/// What one fault does to each of its links.
struct LinkAction {
  std::optional<CutMode> cut;
  friend bool operator==(const LinkAction&, const LinkAction&) = default;
};

/// An independent object; lives until it is healed or its end passes.
struct Fault {
  FaultId id;
  FaultKind kind = FaultKind::Partition;
  std::vector<std::string> target;  ///< names of the instances it was aimed at
  std::vector<std::string> peers;
  std::vector<Link> links;  ///< sorted, unique; empty for process faults
  LinkAction action;
  std::string summary;  ///< the words that made it, e.g. "partition tikv-0 --for 2s"
  std::int64_t created_at_unix_ms = 0;
  std::optional<MonoTime> end;  ///< when the kernel ends it
};

/// The composed effect of all active faults on one link.
struct Effect {
  std::optional<CutMode> cut;
  friend bool operator==(const Effect&, const Effect&) = default;
  /// True when the link is not changed at all.
  [[nodiscard]] bool empty() const { return !cut; }
};

}  // namespace tinet
