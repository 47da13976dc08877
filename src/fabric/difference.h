#pragma once
/// What the kernel holds and what it shall hold -> the changes that lead from one to the other.
/// Pure.

#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "src/fabric/effects.h"
#include "src/fabric/ledger.h"
#include "src/fabric/ruleset.h"

namespace tinet::fabric {

/// After its end an element may live on for so long, because the kernel rounds to its clock tick
/// and a change takes time to get there. Past that it is gone for certain.
inline constexpr std::chrono::seconds kExpirySlack{2};

/// Idle counters that are kept for reuse; a fresh one costs the kernel three times an element.
inline constexpr std::size_t kIdleCountersMax = 16'384;

/// What the kernel holds for one link.
struct LinkRecord {
  std::optional<LinkRules> deciding;
  /// Elements of the other stack that nothing refers to any more.
  std::vector<Element> stale;
  friend bool operator==(const LinkRecord&, const LinkRecord&) = default;
};

using Applied = std::map<Link, LinkRecord>;

/// Changes to one map, done in this order.
struct MapChange {
  MapId map;
  std::vector<Element> remove;        ///< permanent: they are there
  std::vector<Element> remove_timed;  ///< timed: the kernel may have removed them already
  std::vector<Element> add;
};

struct Difference {
  std::vector<MapChange> maps;  ///< ascending; `decide` is the last, and decides
  CounterChange counters;
  std::vector<std::pair<Link, LinkRecord>> records;  ///< of every link that is touched, afterwards
  std::vector<Link> changed;                         ///< links whose schedule changes

  [[nodiscard]] bool empty() const { return changed.empty(); }
};

/// The changes after which every link follows its schedule in `wanted` and all others are free.
/// Empty when what is left of the applied schedules at `now` is what is wanted. Leftovers of former
/// changes are removed along with any change, but are no reason for one.
/// @throws Error Conflict when a schedule has more entries than there are layers
[[nodiscard]] Difference make_difference(const Applied& applied, const CounterLedger& ledger,
                                         const std::vector<LinkSchedule>& wanted, MonoTime now);

/// Notes that the kernel has committed the difference.
void record(const Difference& difference, const CounterValues& values, Applied& applied,
            CounterLedger& ledger);

}  // namespace tinet::fabric
