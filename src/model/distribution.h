#pragma once
/// The named distributions as tables of deviations, the form in which sch_netem and the userspace
/// wire take them, so that both draw from the same numbers.
/// @see tc-netem(8), Linux net/sched/sch_netem.c (tabledist)

#include <cstdint>
#include <vector>

#include "src/model/action.h"

namespace tinet {

/// One jitter, in the unit of a table.
inline constexpr double kDistributionScale = 8192.0;
/// Longest table that sch_netem takes (NETEM_DIST_MAX).
inline constexpr std::size_t kDistributionTableMax = 16384;

/// Deviations in 1/8192 of the jitter, ascending; each is as likely as any other. Normal: standard
/// deviation 1, cut off at 4. Pareto: shape 3, moved to mean 0 and cut off at 4, as iproute2's.
/// Empty for Uniform, which needs none, and for Table, which brings its own.
[[nodiscard]] std::vector<std::int16_t> distribution_table(Distribution distribution);

}  // namespace tinet
