#pragma once
/// What samples of a random quantity look like. All need at least two values.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

namespace tinet::testing {

[[nodiscard]] inline double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

[[nodiscard]] inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The standard deviation.
[[nodiscard]] inline double deviation(const std::vector<double>& values) {
  const double middle = mean(values);
  double sum = 0;
  for (const double value : values) {
    sum += (value - middle) * (value - middle);
  }
  return std::sqrt(sum / static_cast<double>(values.size()));
}

/// Serial correlation coefficient: of each value with the next.
[[nodiscard]] inline double follows(const std::vector<double>& values) {
  const double middle = mean(values);
  double sum = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    sum += (values[i] - middle) * (values[i - 1] - middle);
  }
  const double spread = deviation(values);
  return sum / static_cast<double>(values.size() - 1) / (spread * spread);
}

}  // namespace tinet::testing
