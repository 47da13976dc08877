#pragma once
/// Active faults -> what each link suffers, now and as faults end one after the other. Pure: the
/// first step of the way from words to the kernel.

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "src/model/fault.h"

namespace tinet::fabric {

/// Entries that one schedule can have: the kernel's layers.
inline constexpr std::size_t kLayersMax = 8;

/// What a link suffers until `end`.
struct TimedEffect {
  Effect effect;                ///< empty: nothing, and more comes later
  std::optional<MonoTime> end;  ///< none: until it is healed
  friend bool operator==(const TimedEffect&, const TimedEffect&) = default;
};

/// The whole future of one link if nobody does anything: the first entry is what holds now, each
/// further one what is uncovered when the one before it ends. Ends ascend, a permanent entry is the
/// last, and the last is not empty. No entries: the link is not changed.
using Schedule = std::vector<TimedEffect>;

struct LinkSchedule {
  Link link;
  std::shared_ptr<const Schedule> schedule;  ///< one for all links on which the same faults act
};

/// What one fault does to one link.
struct Acting {
  const Fault* fault = nullptr;
  const FaultClause* clause = nullptr;
  friend auto operator<=>(const Acting&, const Acting&) = default;
};

/// A schedule, and until when it must be made again.
struct MadeSchedule {
  Schedule schedule;
  /// Faults that flap have no last entry: without a new schedule the link rests from some time
  /// after this on.
  std::optional<MonoTime> refresh_at;
};

struct LinkSchedules {
  std::vector<LinkSchedule> links;     ///< sorted by link, none without an entry
  std::optional<MonoTime> refresh_at;  ///< the earliest of all
};

/// The composed effect of actions that all hold. A cut of every packet hides whatever is weaker; of
/// two cuts of the same packets the stronger one stays; everything else acts one after the other,
/// the oldest fault first.
[[nodiscard]] Effect compose(std::span<const Acting> acting);

/// The schedule from `now` on of a link on which these act.
[[nodiscard]] MadeSchedule make_schedule(std::span<const Acting> acting, MonoTime now);

/// The schedules of all links that suffer anything at `now` or later. Faults that have ended by
/// `now` count for nothing.
/// @throws Error Conflict: one sender's packets are to be corrupted silently and not silently. It
///         computes checksums of TCP and UDP either before the switch sees them or after.
[[nodiscard]] LinkSchedules link_schedules(const std::vector<Fault>& active, MonoTime now);

/// What holds at `time`; nullptr when the link is free by then.
[[nodiscard]] const TimedEffect* effect_at(const Schedule& schedule, MonoTime time);

/// The part of a schedule that is left at `now`.
[[nodiscard]] std::span<const TimedEffect> remaining(const Schedule& schedule, MonoTime now);

}  // namespace tinet::fabric
