#include "src/fabric/difference.h"

#include <algorithm>
#include <string>

#include "src/base/error.h"

namespace tinet::fabric {

namespace {

bool gone_for_certain(const Element& element, MonoTime now) {
  return element.end && *element.end + kExpirySlack < now;
}

bool gone_for_certain(const LinkRules& rules, MonoTime now) {
  const auto& end = rules.schedule.back().end;
  return end && *end + kExpirySlack < now;
}

/// Collects the changes of many links map by map.
class Builder {
 public:
  Builder(const CounterLedger& ledger, MonoTime now) : ledger_(ledger), now_(now) {}

  void change(Link link, LinkRecord record, const Schedule* wanted);
  void sweep(Link link, LinkRecord record);
  Difference take();

 private:
  MapChange& map(const MapId& id) {
    MapChange& change = maps_[id];
    change.map = id;
    return change;
  }
  void remove(const Element& element);
  void remove_stale(LinkRecord& record);
  void retire(Link link, LinkRecord& record);
  void install(Link link, LinkRecord& record, Stack stack, const Schedule& wanted);

  const CounterLedger& ledger_;
  MonoTime now_;
  std::map<MapId, MapChange> maps_;
  Difference difference_;
};

void Builder::remove(const Element& element) {
  if (gone_for_certain(element, now_)) {
    return;
  }
  MapChange& change = map(element.map);
  (element.end ? change.remove_timed : change.remove).push_back(element);
}

void Builder::remove_stale(LinkRecord& record) {
  for (const Element& element : record.stale) {
    remove(element);
  }
  record.stale.clear();
}

/// Takes the link's element out of `decide`; its layers stay for packets that are on their way.
void Builder::retire(Link link, LinkRecord& record) {
  std::vector<Element> elements = elements_of(link, *record.deciding);
  remove(elements.front());
  record.stale.assign(elements.begin() + 1, elements.end());
  for (std::size_t i = 0; i < record.deciding->schedule.size(); ++i) {
    difference_.counters.released.push_back({slot_of(*record.deciding, i), link});
  }
  record.deciding.reset();
}

void Builder::install(Link link, LinkRecord& record, Stack stack, const Schedule& wanted) {
  record.deciding = LinkRules{stack, wanted};
  for (const Element& element : elements_of(link, *record.deciding)) {
    map(element.map).add.push_back(element);
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    ledger_.plan_use({slot_of(*record.deciding, i), link}, wanted[i].decided_by,
                     difference_.counters);
  }
}

void Builder::change(Link link, LinkRecord record, const Schedule* wanted) {
  remove_stale(record);
  Stack stack = Stack::A;
  if (record.deciding) {
    // Stack a serves an idle link again, so that its counters are used again.
    if (!gone_for_certain(*record.deciding, now_)) {
      stack = other(record.deciding->stack);
    }
    retire(link, record);
  }
  if (wanted != nullptr) {
    install(link, record, stack, *wanted);
  }
  difference_.records.emplace_back(link, std::move(record));
  difference_.changed.push_back(link);
}

void Builder::sweep(Link link, LinkRecord record) {
  remove_stale(record);
  if (record.deciding && gone_for_certain(*record.deciding, now_)) {
    retire(link, record);
    record.stale.clear();
  }
  difference_.records.emplace_back(link, std::move(record));
}

Difference Builder::take() {
  ledger_.plan_removal(kIdleCountersMax, difference_.counters);
  for (auto& [id, change] : maps_) {
    difference_.maps.push_back(std::move(change));
  }
  return std::move(difference_);
}

bool has_leftovers(const LinkRecord& record, MonoTime now) {
  return !record.stale.empty() || (record.deciding && gone_for_certain(*record.deciding, now));
}

bool same(std::span<const TimedEffect> left, const Schedule* wanted) {
  return wanted == nullptr ? left.empty()
                           : std::equal(left.begin(), left.end(), wanted->begin(), wanted->end());
}

void check_layers(const LinkSchedule& wanted) {
  if (wanted.schedule.size() > kLayersMax) {
    throw_conflict(
        "cannot combine faults " + to_string(wanted.schedule.front().decided_by.front()) +
            " and others: they end at " + std::to_string(wanted.schedule.size()) +
            " different times on one link, at most " + std::to_string(kLayersMax) + " are possible",
        "heal one of them first, or let several end at the same time");
  }
}

}  // namespace

Difference make_difference(const Applied& applied, const CounterLedger& ledger,
                           const std::vector<LinkSchedule>& wanted, MonoTime now) {
  static const LinkRecord kNothing;
  Builder builder(ledger, now);
  std::vector<Applied::const_iterator> leftovers;
  bool changes = false;
  auto held = applied.begin();
  auto want = wanted.begin();
  // Both are sorted by link: one walk through both.
  while (held != applied.end() || want != wanted.end()) {
    const bool is_held =
        held != applied.end() && (want == wanted.end() || held->first <= want->link);
    const bool is_wanted = want != wanted.end() && (!is_held || want->link == held->first);
    const LinkRecord& record = is_held ? held->second : kNothing;
    const Schedule* schedule = is_wanted ? &want->schedule : nullptr;
    if (is_wanted) {
      check_layers(*want);
    }
    const auto left = record.deciding ? remaining(record.deciding->schedule, now)
                                      : std::span<const TimedEffect>{};
    if (!same(left, schedule)) {
      builder.change(is_held ? held->first : want->link, record, schedule);
      changes = true;
    } else if (has_leftovers(record, now)) {
      leftovers.push_back(held);
    }
    held = is_held ? std::next(held) : held;
    want = is_wanted ? std::next(want) : want;
  }
  if (!changes) {
    return {};
  }
  for (const auto& leftover : leftovers) {
    builder.sweep(leftover->first, leftover->second);
  }
  return builder.take();
}

void record(const Difference& difference, const CounterValues& values, Applied& applied,
            CounterLedger& ledger) {
  ledger.record(difference.counters, values);
  for (const auto& [link, after] : difference.records) {
    if (!after.deciding && after.stale.empty()) {
      applied.erase(link);
    } else {
      applied[link] = after;
    }
  }
}

}  // namespace tinet::fabric
