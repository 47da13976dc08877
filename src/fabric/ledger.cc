#include "src/fabric/ledger.h"

#include <algorithm>
#include <functional>
#include <set>

#include "src/base/error.h"

namespace tinet::fabric {

namespace {

void add_to(PacketCounts& sum, const PacketCounts& counts) {
  sum.dropped += counts.dropped;
  sum.bytes_dropped += counts.bytes_dropped;
}

PacketCounts value_of(CounterId counter, const CounterValues& values) {
  const auto found = values.find(counter);
  return found == values.end() ? PacketCounts{} : found->second;
}

/// A counter that a repair has made anew may be behind the value it is compared with.
PacketCounts difference_of(const PacketCounts& now, const PacketCounts& since) {
  return {now.dropped - std::min(now.dropped, since.dropped),
          now.bytes_dropped - std::min(now.bytes_dropped, since.bytes_dropped)};
}

bool contains(const std::vector<FaultId>& ascending, FaultId fault) {
  return std::binary_search(ascending.begin(), ascending.end(), fault);
}

}  // namespace

std::size_t CounterLedger::Hash::operator()(const CounterId& counter) const noexcept {
  const std::uint64_t packed =
      (std::uint64_t{static_cast<std::uint8_t>(counter.slot.stack)} << 40) |
      (std::uint64_t{counter.slot.layer} << 32) | (std::uint64_t{counter.link.from} << 16) |
      counter.link.to;
  return std::hash<std::uint64_t>{}(packed * 0x9e3779b97f4a7c15U);
}

void CounterLedger::plan_use(CounterId counter, const std::vector<FaultId>& decided_by,
                             CounterChange& change) const {
  const auto found = entries_.find(counter);
  if (found == entries_.end()) {
    change.created.push_back({counter, decided_by});
  } else if (found->second.decided_by == decided_by) {
    change.continued.push_back({counter, decided_by});
  } else {
    change.reused.push_back({counter, decided_by});
  }
}

void CounterLedger::plan_removal(std::size_t idle_max, CounterChange& change) const {
  if (idle_ <= idle_max) {
    return;
  }
  std::set<CounterId> needed;
  for (const auto* uses : {&change.reused, &change.continued}) {
    for (const CounterAssignment& use : *uses) {
      needed.insert(use.counter);
    }
  }
  for (const auto& [counter, entry] : entries_) {
    if (!entry.in_use && !needed.contains(counter)) {
      change.removed.push_back(counter);
    }
  }
  std::sort(change.removed.begin(), change.removed.end());
}

void CounterLedger::bank(CounterId counter, const Entry& entry, const CounterValues& values) {
  const PacketCounts counted = difference_of(value_of(counter, values), entry.since);
  if (counted == PacketCounts{}) {
    return;
  }
  for (const FaultId fault : entry.decided_by) {
    add_to(banked_faults_[fault], counted);
  }
  add_to(banked_links_[counter.link], counted);
}

void CounterLedger::record(const CounterChange& change, const CounterValues& values) {
  // Released first: a change may release a slot's use and plan the same slot anew.
  for (const CounterId& counter : change.released) {
    Entry& entry = entries_.at(counter);
    idle_ += entry.in_use ? 1 : 0;
    entry.in_use = false;
  }
  for (const CounterId& counter : change.removed) {
    const auto found = entries_.find(counter);
    bank(counter, found->second, values);
    entries_.erase(found);
    --idle_;
  }
  for (const CounterAssignment& use : change.reused) {
    Entry& entry = entries_.at(use.counter);
    bank(use.counter, entry, values);
    idle_ -= entry.in_use ? 0 : 1;
    entry = {use.decided_by, value_of(use.counter, values), true};
  }
  for (const CounterAssignment& use : change.continued) {
    Entry& entry = entries_.at(use.counter);
    idle_ -= entry.in_use ? 0 : 1;
    entry.in_use = true;
  }
  for (const CounterAssignment& use : change.created) {
    entries_[use.counter] = {use.decided_by, {}, true};
  }
}

PacketCounts CounterLedger::of_fault(FaultId fault, const CounterValues& values) const {
  PacketCounts sum;
  if (const auto banked = banked_faults_.find(fault); banked != banked_faults_.end()) {
    sum = banked->second;
  }
  for (const auto& [counter, entry] : entries_) {
    if (contains(entry.decided_by, fault)) {
      add_to(sum, difference_of(value_of(counter, values), entry.since));
    }
  }
  return sum;
}

std::map<Link, PacketCounts> CounterLedger::of_links(const CounterValues& values) const {
  std::map<Link, PacketCounts> links = banked_links_;
  for (const auto& [counter, entry] : entries_) {
    add_to(links[counter.link], difference_of(value_of(counter, values), entry.since));
  }
  return links;
}

std::vector<CounterId> CounterLedger::counters() const {
  std::vector<CounterId> all;
  all.reserve(entries_.size());
  for (const auto& [counter, entry] : entries_) {
    all.push_back(counter);
  }
  std::sort(all.begin(), all.end());
  return all;
}

void CounterLedger::restart(CounterId counter) {
  if (const auto found = entries_.find(counter); found != entries_.end()) {
    found->second.since = {};
  }
}

}  // namespace tinet::fabric
