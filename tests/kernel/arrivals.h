#pragma once
/// What tests ask of arrivals: shares, orders, times.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "tests/kernel/fault_traffic.h"

namespace tinet::testing {

/// How late a loaded machine may be.
inline constexpr double kLateMs = 250;

/// Five standard deviations of a binomial count.
inline void expect_share(std::size_t count, std::size_t of, double share) {
  const double expected = static_cast<double>(of) * share;
  const double sigma = std::sqrt(static_cast<double>(of) * share * (1 - share));
  EXPECT_NEAR(static_cast<double>(count), expected, 5 * sigma) << "n = " << of;
}

/// In milliseconds.
inline double took_ms(const Arrival& arrival) {
  return std::chrono::duration<double, std::milli>(arrival.took).count();
}

inline double median_ms(std::vector<Arrival> arrivals) {
  std::sort(arrivals.begin(), arrivals.end(),
            [](const Arrival& a, const Arrival& b) { return a.took < b.took; });
  return took_ms(arrivals.at(arrivals.size() / 2));
}

/// Packets that arrived before one that was sent earlier.
inline std::size_t out_of_order(const std::vector<Arrival>& arrivals) {
  std::size_t count = 0;
  for (std::size_t i = 1; i < arrivals.size(); ++i) {
    count += arrivals[i].number < arrivals[i - 1].number ? 1U : 0U;
  }
  return count;
}

}  // namespace tinet::testing
