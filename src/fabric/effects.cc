#include "src/fabric/effects.h"

#include <algorithm>
#include <map>
#include <utility>

#include "src/base/error.h"

namespace tinet::fabric {

namespace {

/// A flapping link is scheduled again when so many entries of its schedule have passed.
constexpr std::size_t kRefreshAfter = kLayersMax / 2;
/// Phases of flapping faults that are looked at: what another fault hides fills no layer.
constexpr int kPhasesMax = 4 * kLayersMax;

/// Without an end a fault outlives every other one.
MonoTime end_of(const Fault& fault) {
  return fault.end.value_or(MonoTime::max());
}

/// Whether a fault acts at `time`, and when that changes next.
struct Phase {
  bool acts = false;
  MonoTime until = MonoTime::max();
};

Phase phase_at(const Fault& fault, MonoTime time) {
  const MonoTime end = end_of(fault);
  if (time >= end) {
    return {};
  }
  if (!fault.flap) {
    return {true, end};
  }
  const Flap& flap = *fault.flap;
  const auto period = flap.down + flap.up;
  const auto since = std::max(time - flap.start, Nanoseconds{0});
  const auto into = since % period;
  const bool down = into < flap.down;
  const MonoTime change = time + (down ? flap.down - into : period - into);
  return {down, std::min(change, end)};
}

bool corrupts_checked_packets(const FaultClause& clause) {
  return clause.action.corrupt.value > 0 && clause.match.protocol != Protocol::Icmp;
}

/// @param acting sorted by link, so by sender
void check_corruption(std::span<const std::pair<Link, Acting>> acting) {
  const Fault* silent = nullptr;
  const Fault* noticed = nullptr;
  std::optional<Endpoint> sender;
  for (const auto& [link, each] : acting) {
    if (sender != link.from) {
      sender = link.from;
      silent = noticed = nullptr;
    }
    if (corrupts_checked_packets(*each.clause)) {
      (each.clause->action.silent_corruption ? silent : noticed) = each.fault;
    }
    if (silent != nullptr && noticed != nullptr) {
      throw_conflict("cannot combine " + to_string(silent->id) + " and " + to_string(noticed->id) +
                         ": one corrupts packets of a sender silently, the other not, and a sender "
                         "computes its checksums either before that or after it",
                     "heal one of them first, or let both be silent or neither");
    }
  }
}

/// Cuts of the same packets: the strongest stays, with all faults that are as strong.
std::vector<EffectClause> strongest_cuts(std::span<const Acting> acting) {
  std::vector<EffectClause> cuts;
  for (const Acting& one : acting) {
    if (!one.clause->action.cut) {
      continue;
    }
    const CutMode mode = *one.clause->action.cut;
    const auto same = std::find_if(cuts.begin(), cuts.end(), [&](const EffectClause& cut) {
      return cut.match == one.clause->match;
    });
    LinkAction action;
    action.cut = mode;
    if (same == cuts.end()) {
      cuts.push_back({one.clause->match, action, {one.fault->id}});
    } else if (mode == *same->action.cut) {
      same->faults.push_back(one.fault->id);
    } else if (mode > *same->action.cut) {
      *same = {one.clause->match, action, {one.fault->id}};
    }
  }
  std::stable_sort(cuts.begin(), cuts.end(), [](const EffectClause& a, const EffectClause& b) {
    return *a.action.cut > *b.action.cut;
  });
  return cuts;
}

}  // namespace

Effect compose(std::span<const Acting> acting) {
  std::vector<Acting> by_age(acting.begin(), acting.end());
  std::stable_sort(by_age.begin(), by_age.end(),
                   [](const Acting& a, const Acting& b) { return a.fault->id < b.fault->id; });
  Effect effect;
  effect.clauses = strongest_cuts(by_age);
  if (const auto everything = effect.cut()) {
    std::erase_if(effect.clauses, [&](const EffectClause& clause) {
      return *clause.action.cut < *everything ||
             (*clause.action.cut == *everything && !clause.match.everything());
    });
    return effect;
  }
  for (const Acting& one : by_age) {
    LinkAction action = one.clause->action;
    action.cut.reset();
    action.seed = 0;
    if (action != LinkAction{}) {
      action.seed = one.clause->action.seed;
      if (action.hold) {
        action.holder = one.fault->id;
        if (one.fault->end) {
          action.hold_until = one.fault->end->time_since_epoch();
        }
      }
      effect.clauses.push_back({one.clause->match, action, {one.fault->id}});
    }
  }
  return effect;
}

MadeSchedule make_schedule(std::span<const Acting> acting, MonoTime now) {
  MadeSchedule result;
  const bool flaps = std::any_of(acting.begin(), acting.end(),
                                 [](const Acting& one) { return one.fault->flap.has_value(); });
  std::vector<Acting> active;
  int phases = 0;
  for (MonoTime time = now; time != MonoTime::max();) {
    const bool last = flaps && (result.schedule.size() + 1 == kLayersMax || ++phases == kPhasesMax);
    MonoTime next = MonoTime::max();
    active.clear();
    for (const Acting& one : acting) {
      const Phase phase = phase_at(*one.fault, time);
      if (phase.acts && !(last && one.fault->flap)) {
        active.push_back(one);
      }
      if (!(last && one.fault->flap)) {
        next = std::min(next, phase.until);
      }
    }
    TimedEffect entry{compose(active), {}};
    if (next != MonoTime::max()) {
      entry.end = next;
    }
    if (!result.schedule.empty() && result.schedule.back().effect == entry.effect) {
      result.schedule.back().end = entry.end;
    } else {
      result.schedule.push_back(std::move(entry));
    }
    if (last) {
      result.refresh_at = result.schedule.size() > kRefreshAfter
                              ? result.schedule[kRefreshAfter - 1].end
                              : std::optional(time);
      break;
    }
    time = next;
  }
  while (!result.schedule.empty() && result.schedule.back().effect.empty()) {
    result.schedule.pop_back();
  }
  return result;
}

LinkSchedules link_schedules(const std::vector<Fault>& active, MonoTime now) {
  std::vector<std::pair<Link, Acting>> acting;
  for (const Fault& fault : active) {
    if (end_of(fault) <= now) {
      continue;
    }
    for (std::size_t i = 0; i < fault.links.size(); ++i) {
      acting.emplace_back(fault.links[i], Acting{&fault, &fault.clause(i)});
    }
  }
  std::stable_sort(acting.begin(), acting.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  check_corruption(acting);

  LinkSchedules result;
  // A partition gives the same faults to hundreds of links.
  std::map<std::vector<Acting>, std::shared_ptr<const Schedule>> made;
  std::vector<Acting> on_link;
  for (auto at = acting.begin(); at != acting.end();) {
    const Link link = at->first;
    on_link.clear();
    for (; at != acting.end() && at->first == link; ++at) {
      on_link.push_back(at->second);
    }
    auto known = made.find(on_link);
    if (known == made.end()) {
      MadeSchedule fresh = make_schedule(on_link, now);
      if (fresh.refresh_at && (!result.refresh_at || *fresh.refresh_at < *result.refresh_at)) {
        result.refresh_at = fresh.refresh_at;
      }
      known =
          made.emplace(on_link, std::make_shared<const Schedule>(std::move(fresh.schedule))).first;
    }
    if (!known->second->empty()) {
      result.links.push_back({link, known->second});
    }
  }
  return result;
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
