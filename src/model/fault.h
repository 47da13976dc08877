#pragma once
/// Faults (what the user asked for) and effects (what one link suffers), as plain values.

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/model/action.h"

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

[[nodiscard]] std::string to_string(FaultId id);
/// "f12" -> 12; nullopt when the text is not an id.
[[nodiscard]] std::optional<FaultId> parse_fault_id(std::string_view text);

/// Ends of faults are on CLOCK_MONOTONIC: like the kernel's element timeouts (jiffies), it stands
/// still while the machine is suspended.
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

enum class FaultKind {
  Partition,
  Loss,
  Delay,
  Duplicate,
  Corrupt,
  Reorder,
  Rate,
  Flap,
  Hold,
  Pause
};
/// The verb: "partition", "loss", ...
[[nodiscard]] std::string_view to_string(FaultKind kind);

/// What one fault does to some packets of one link.
struct FaultClause {
  Match match;
  LinkAction action;
  friend auto operator<=>(const FaultClause&, const FaultClause&) = default;
};

/// A fault that comes and goes: it acts for `down`, rests for `up`, and so on.
struct Flap {
  Nanoseconds down{};
  Nanoseconds up{};
  std::uint32_t times = 0;  ///< 0: until it is healed
  MonoTime start{};
  friend auto operator<=>(const Flap&, const Flap&) = default;
};

/// A TCP connection as the packets of one direction show it.
struct Flow {
  std::vector<std::uint8_t> from_address;  ///< 4 or 16 bytes
  std::uint16_t from_port = 0;
  std::vector<std::uint8_t> to_address;
  std::uint16_t to_port = 0;
  friend auto operator<=>(const Flow&, const Flow&) = default;
};

/// An independent object; lives until it is healed or its end passes.
struct Fault {
  FaultId id;
  FaultKind kind = FaultKind::Partition;
  std::vector<std::string> target;  ///< names of the instances it was aimed at
  std::vector<std::string> peers;
  std::vector<Link> links;  ///< sorted, unique; empty for process faults
  /// What it does; several when links differ (ports of services, a matrix of delays).
  std::vector<FaultClause> clauses;
  /// Position in `clauses` for each link; empty: the first for all.
  std::vector<std::uint32_t> clause_of;
  std::optional<Flap> flap;
  std::vector<Flow> flows;  ///< the connections that Connections::Established means, sorted
  std::string summary;      ///< the words that made it, e.g. "partition tikv-0 --for 2s"
  std::int64_t created_at_unix_ms = 0;
  std::optional<MonoTime> end;  ///< when the kernel ends it

  /// What it does on links[position].
  [[nodiscard]] const FaultClause& clause(std::size_t position) const {
    return clauses.at(clause_of.empty() ? 0 : clause_of.at(position));
  }
};

/// Part of an effect: what some packets suffer, and for whose sake.
struct EffectClause {
  Match match;
  LinkAction action;
  std::vector<FaultId> faults;  ///< ascending; several when they do the same
  friend auto operator<=>(const EffectClause&, const EffectClause&) = default;
};

/// The composed effect of all active faults on one link: every clause acts, in this order, on the
/// packets it matches. What a stronger cut hides is left out.
struct Effect {
  std::vector<EffectClause> clauses;
  friend auto operator<=>(const Effect&, const Effect&) = default;
  /// True when the link is not changed at all.
  [[nodiscard]] bool empty() const { return clauses.empty(); }
  /// The cut that every packet suffers.
  [[nodiscard]] std::optional<CutMode> cut() const;
  /// All faults that take part, ascending.
  [[nodiscard]] std::vector<FaultId> faults() const;
};

/// What the clauses without a condition amount to together, see combine().
[[nodiscard]] LinkAction combined(const Effect& effect);

}  // namespace tinet
