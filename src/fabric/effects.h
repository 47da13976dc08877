#pragma once
/// Active faults -> what each link suffers, now and as faults end one after the other. Pure: the
/// first step of the way from words to the kernel.

#include <optional>
#include <span>
#include <vector>

#include "src/model/fault.h"

namespace tinet::fabric {

/// What a link suffers until `end`.
struct TimedEffect {
  Effect effect;
  std::vector<FaultId> decided_by;  ///< faults that imply the effect, ascending
  std::optional<MonoTime> end;      ///< none: until it is healed
  friend bool operator==(const TimedEffect&, const TimedEffect&) = default;
};

/// The whole future of one link if nobody does anything: the first entry is what holds now, each
/// further one what is uncovered when the one before it ends. Ends ascend, a permanent entry is the
/// last. Empty: the link is not changed.
using Schedule = std::vector<TimedEffect>;

struct LinkSchedule {
  Link link;
  Schedule schedule;
  friend bool operator==(const LinkSchedule&, const LinkSchedule&) = default;
};

/// The composed effect of faults that are all active: any cut wins, drop over reset over reject.
/// `end` is not set.
[[nodiscard]] TimedEffect compose(std::span<const Fault* const> faults);

/// The schedule of a link on which exactly `faults` act. Entry k is the composition of all faults
/// that outlive the k-1 earliest ends; neighbours that differ in neither effect nor faults are one.
[[nodiscard]] Schedule make_schedule(std::span<const Fault* const> faults);

/// The schedules of all links that suffer anything at `now` or later, sorted by link. Faults that
/// have ended by `now` count for nothing.
[[nodiscard]] std::vector<LinkSchedule> link_schedules(const std::vector<Fault>& active,
                                                       MonoTime now);

/// What holds at `time`; nullptr when the link is free by then.
[[nodiscard]] const TimedEffect* effect_at(const Schedule& schedule, MonoTime time);

/// The part of a schedule that is left at `now`.
[[nodiscard]] std::span<const TimedEffect> remaining(const Schedule& schedule, MonoTime now);

}  // namespace tinet::fabric
