#pragma once
/// The shapes that the jitter of a delay can have, as netem wants them: values of a random variable
/// at equally likely steps, of which the kernel picks one per packet. Pure.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tinet {

enum class Distribution {
  Uniform,  ///< between minus and plus one unit
  Normal,   ///< standard deviation of one unit, cut at 4
  Pareto,   ///< shape 3, moved to mean 0 and scaled to a deviation of one unit, then cut at 4:
            ///< -0.58 to 4, deviation 0.74
};

/// "uniform", "normal", "pareto".
[[nodiscard]] std::string_view to_string(Distribution distribution) noexcept;

inline constexpr std::size_t kDistributionSize = 4096;
/// What stands for one unit in a table.
inline constexpr int kDistributionUnit = 8192;

/// The table, in ascending order; lives as long as the program. Computed at the first call (a few
/// milliseconds); any thread may call.
[[nodiscard]] std::span<const std::int16_t> distribution_table(Distribution distribution);

}  // namespace tinet
