#pragma once
/// Who the kernel's counters count for. A counter belongs to one slot of one link; it outlives the
/// element that fed it, is used again for the link's next fault, and never goes back to zero in
/// between. The ledger knows which faults it counts for and from which value on. Pure.

#include <cstddef>
#include <map>
#include <unordered_map>
#include <vector>

#include "src/fabric/fabric.h"
#include "src/fabric/ruleset.h"

namespace tinet::fabric {

/// Values of all counters, as read from the kernel. One that is missing counts as zero.
using CounterValues = std::map<CounterId, PacketCounts>;

/// From now on the counter counts for these faults.
struct CounterAssignment {
  CounterId counter;
  std::vector<FaultId> decided_by;
};

/// What a change does to counters.
struct CounterChange {
  std::vector<CounterAssignment> created;    ///< counters that the kernel does not hold yet
  std::vector<CounterAssignment> reused;     ///< idle ones that get other faults
  std::vector<CounterAssignment> continued;  ///< idle ones that count on for the same faults
  std::vector<CounterId> released;           ///< no element sends packets there any more
  std::vector<CounterId> removed;            ///< idle ones that the kernel shall forget
  /// Whether record() needs values: they are read before the commit, when these counters stand
  /// still because nothing has sent packets there since the commit before.
  [[nodiscard]] bool needs_values() const { return !reused.empty() || !removed.empty(); }
};

class CounterLedger {
 public:
  /// What becomes of a slot that shall count for `decided_by`; goes into one of the lists.
  void plan_use(CounterId counter, const std::vector<FaultId>& decided_by,
                CounterChange& change) const;
  /// Plans the removal of all idle counters that `change` does not use, if there are more than
  /// `idle_max`.
  void plan_removal(std::size_t idle_max, CounterChange& change) const;

  /// Notes a change that the kernel has committed.
  /// @param values read right before the commit, see CounterChange::needs_values()
  void record(const CounterChange& change, const CounterValues& values);

  /// Counts for a fault: what is banked, and what its counters say now.
  [[nodiscard]] PacketCounts of_fault(FaultId fault, const CounterValues& values) const;
  /// Counts of every link that ever had a counter.
  [[nodiscard]] std::map<Link, PacketCounts> of_links(const CounterValues& values) const;

  /// Every counter that the kernel must hold, ascending.
  [[nodiscard]] std::vector<CounterId> counters() const;
  /// A counter was made anew by a repair and starts at zero; what it had counted is lost.
  void restart(CounterId counter);

 private:
  struct Entry {
    std::vector<FaultId> decided_by;
    PacketCounts since;  ///< value when decided_by began
    bool in_use = false;
  };
  struct Hash {
    std::size_t operator()(const CounterId& counter) const noexcept;
  };

  void bank(CounterId counter, const Entry& entry, const CounterValues& values);

  std::unordered_map<CounterId, Entry, Hash> entries_;
  std::map<FaultId, PacketCounts> banked_faults_;
  std::map<Link, PacketCounts> banked_links_;
  std::size_t idle_ = 0;
};

}  // namespace tinet::fabric
