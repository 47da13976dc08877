#pragma once
/// What a fault may ask for: ranges, and members that mean nothing without each other. Pure. Words
/// that are refused here would be accepted by the kernel and do nothing, or something else.

#include "src/model/fault.h"
#include "src/model/traffic.h"

namespace tinet {

inline constexpr Nanoseconds kDelayMax = std::chrono::hours(1);
inline constexpr Nanoseconds kFlapPhaseMin = Milliseconds(10);
inline constexpr Nanoseconds kFaultTimeMax = std::chrono::hours(1'000'000);
inline constexpr std::uint64_t kRateMin = 8;  ///< bits: a byte per second
inline constexpr std::uint64_t kRateMax = 1'000'000'000'000;
/// A burst that holds no whole packet would stop the link.
inline constexpr std::uint32_t kBurstSizeMin = 1'600;
inline constexpr std::uint32_t kQueuePacketsMax = 1'000'000;

/// Ranges and dependencies: probabilities up to 100 %, jitter not above the delay, reordering only
/// of delayed packets (others have nothing to overtake), ...
/// @throws Error Usage naming the flag
void check_action(const LinkAction& action);

/// Whether the action is one of this kind: that it does what the verb says, and, for a partition or
/// a hold, nothing else.
/// @throws Error Usage
void check_kind(FaultKind kind, const LinkAction& action);

/// Whether the action can be had for these packets only.
/// @throws Error Usage
void check_traffic_of(const LinkAction& action, const TrafficWords& words);

/// @throws Error Usage for phases under 10 ms or a train that is too long
void check_flap(const Flap& flap);

}  // namespace tinet
