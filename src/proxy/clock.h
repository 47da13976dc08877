#pragma once
/// The relay's clock. Everything that decides by time is given the time, so that tests need not
/// wait.

#include <chrono>

#include "src/base/units.h"

namespace tinet::proxy {

using Clock = std::chrono::steady_clock;
using TimePoint = std::chrono::time_point<Clock, Nanoseconds>;

inline constexpr TimePoint kNever = TimePoint::max();

/// `from` + `span`, kNever instead of an overflow.
[[nodiscard]] constexpr TimePoint after(TimePoint from, Nanoseconds span) noexcept {
  return span >= kNever - from ? kNever : from + span;
}

}  // namespace tinet::proxy
