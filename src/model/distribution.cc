#include "src/model/distribution.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tinet {
namespace {

/// Entries of iproute2's tables.
constexpr int kEntries = 4096;

/// Chance that a standard normal value is below `x`.
double normal_below(double x) {
  return 0.5 * std::erfc(-x / std::sqrt(2.0));
}

double normal_quantile(double probability) {
  double low = -8.0;
  double high = 8.0;
  // 40 halvings leave 1.5e-11, far below one unit of a table.
  for (int i = 0; i < 40; ++i) {
    const double middle = (low + high) / 2.0;
    (normal_below(middle) < probability ? low : high) = middle;
  }
  return (low + high) / 2.0;
}

double pareto_quantile(double probability) {
  constexpr double kShape = 3.0;
  constexpr double kMean = kShape / (kShape - 1.0);
  constexpr double kSpread = 4.0 / 3.0;
  return (std::pow(1.0 - probability, -1.0 / kShape) - kMean) * kSpread;
}

template <typename Quantile>
std::vector<std::int16_t> tabulate(Quantile quantile) {
  constexpr double kLargest = std::numeric_limits<std::int16_t>::max();
  std::vector<std::int16_t> table;
  table.reserve(kEntries);
  for (int i = 0; i < kEntries; ++i) {
    const double deviation = quantile((i + 0.5) / kEntries) * kDistributionScale;
    table.push_back(
        static_cast<std::int16_t>(std::lround(std::clamp(deviation, -kLargest, kLargest))));
  }
  return table;
}

}  // namespace

std::vector<std::int16_t> distribution_table(Distribution distribution) {
  switch (distribution) {
    case Distribution::Normal:
      return tabulate(normal_quantile);
    case Distribution::Pareto:
      return tabulate(pareto_quantile);
    case Distribution::Uniform:
    case Distribution::Table:
      break;
  }
  return {};
}

}  // namespace tinet
