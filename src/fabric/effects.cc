#include "src/fabric/effects.h"

#include <algorithm>
#include <utility>

namespace tinet::fabric {

namespace {

/// Without an end a fault outlives every other one.
MonoTime end_of(const Fault& fault) {
  return fault.end.value_or(MonoTime::max());
}

bool changes_links(const Fault& fault) {
  return fault.action.cut.has_value();
}

}  // namespace

TimedEffect compose(std::span<const Fault* const> faults) {
  TimedEffect composed;
  for (const Fault* fault : faults) {
    // CutMode ascends from the weakest to the strongest.
    if (fault->action.cut && (!composed.effect.cut || *fault->action.cut > *composed.effect.cut)) {
      composed.effect.cut = fault->action.cut;
    }
  }
  for (const Fault* fault : faults) {
    if (composed.effect.cut && fault->action.cut == composed.effect.cut) {
      composed.decided_by.push_back(fault->id);
    }
  }
  std::sort(composed.decided_by.begin(), composed.decided_by.end());
  return composed;
}

Schedule make_schedule(std::span<const Fault* const> faults) {
  std::vector<const Fault*> by_end(faults.begin(), faults.end());
  std::stable_sort(by_end.begin(), by_end.end(),
                   [](const Fault* a, const Fault* b) { return end_of(*a) < end_of(*b); });
  Schedule schedule;
  for (std::size_t i = 0; i < by_end.size();) {
    TimedEffect entry = compose(std::span(by_end).subspan(i));
    entry.end = by_end[i]->end;
    const bool same_as_before = !schedule.empty() && schedule.back().effect == entry.effect &&
                                schedule.back().decided_by == entry.decided_by;
    if (same_as_before) {
      schedule.back().end = entry.end;
    } else if (!entry.effect.empty()) {
      schedule.push_back(std::move(entry));
    }
    const MonoTime passed = end_of(*by_end[i]);
    while (i < by_end.size() && end_of(*by_end[i]) == passed) {
      ++i;
    }
  }
  return schedule;
}

std::vector<LinkSchedule> link_schedules(const std::vector<Fault>& active, MonoTime now) {
  std::vector<std::pair<Link, const Fault*>> acting;
  for (const Fault& fault : active) {
    if (changes_links(fault) && end_of(fault) > now) {
      for (const Link& link : fault.links) {
        acting.emplace_back(link, &fault);
      }
    }
  }
  std::stable_sort(acting.begin(), acting.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });

  std::vector<LinkSchedule> schedules;
  std::vector<const Fault*> on_link;
  std::vector<const Fault*> on_previous;
  for (auto at = acting.begin(); at != acting.end();) {
    const Link link = at->first;
    on_link.clear();
    for (; at != acting.end() && at->first == link; ++at) {
      on_link.push_back(at->second);
    }
    // A partition gives the same faults to hundreds of links in a row.
    schedules.push_back({link, !schedules.empty() && on_link == on_previous
                                   ? schedules.back().schedule
                                   : make_schedule(on_link)});
    std::swap(on_link, on_previous);
  }
  return schedules;
}

const TimedEffect* effect_at(const Schedule& schedule, MonoTime time) {
  const auto left = remaining(schedule, time);
  return left.empty() ? nullptr : left.data();
}

std::span<const TimedEffect> remaining(const Schedule& schedule, MonoTime now) {
  const auto first = std::find_if(schedule.begin(), schedule.end(), [&](const TimedEffect& entry) {
    return !entry.end || *entry.end > now;
  });
  return {first, schedule.end()};
}

}  // namespace tinet::fabric
