#include "netns/netem_distribution.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tinet {
namespace {

using Table = std::array<std::int16_t, kDistributionSize>;

// Solves P(X <= x) = p for the standard normal distribution by halving an interval that holds x.
double normal_quantile(double p) {
  double low = -9;
  double high = 9;
  constexpr int kHalvings = 50;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    const bool below = std::erfc(-middle / std::sqrt(2.0)) / 2 < p;
    (below ? low : high) = middle;
  }
  return (low + high) / 2;
}

// P(X > x) = x^-3 for x >= 1 has mean 3/2 and variance 3/4.
double pareto_quantile(double p) {
  constexpr double kShape = 3;
  constexpr double kMean = 1.5;
  const double deviation = std::sqrt(0.75);
  return (std::pow(1 - p, -1 / kShape) - kMean) / deviation;
}

double uniform_quantile(double p) {
  return 2 * p - 1;
}

template <typename Quantile>
Table make_table(Quantile quantile) {
  constexpr double kLow = std::numeric_limits<std::int16_t>::min();
  constexpr double kHigh = std::numeric_limits<std::int16_t>::max();
  Table table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double p = (static_cast<double>(i) + 0.5) / static_cast<double>(table.size());
    const double scaled = std::round(quantile(p) * kDistributionUnit);
    table[i] = static_cast<std::int16_t>(std::clamp(scaled, kLow, kHigh));
  }
  return table;
}

}  // namespace

std::string_view to_string(Distribution distribution) noexcept {
  switch (distribution) {
    case Distribution::Uniform:
      return "uniform";
    case Distribution::Normal:
      return "normal";
    case Distribution::Pareto:
      return "pareto";
  }
  return "unknown";
}

std::span<const std::int16_t> distribution_table(Distribution distribution) {
  static const Table uniform = make_table(uniform_quantile);
  static const Table normal = make_table(normal_quantile);
  static const Table pareto = make_table(pareto_quantile);
  switch (distribution) {
    case Distribution::Normal:
      return normal;
    case Distribution::Pareto:
      return pareto;
    case Distribution::Uniform:
      break;
  }
  return uniform;
}

}  // namespace tinet
