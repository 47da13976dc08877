#include "src/cli/distribution_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/model/distribution.h"
#include "src/model/fault_check.h"

namespace tinet::cli {

namespace {

constexpr double kScale = 8192;  ///< NETEM_DIST_SCALE
constexpr double kMost = 4;

std::int16_t parse_sample(std::string_view word, const std::string& place) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size() || !std::isfinite(value)) {
    throw_usage(place + "'" + std::string(word) + "' is not a number",
                "write one deviation per line, in units of the jitter: -1.5");
  }
  if (value < -kMost || value >= kMost) {
    throw_usage(place + std::string(word) + " is too far from the delay",
                "deviations are at least -4 and less than 4 jitters; choose a larger --jitter");
  }
  return static_cast<std::int16_t>(std::min(std::lround(value * kScale), 32767L));
}

}  // namespace

std::vector<std::int16_t> parse_distribution_file(std::string_view text, const std::string& file) {
  std::vector<std::int16_t> samples;
  std::size_t line = 0;
  for (const auto& raw : split(text, '\n')) {
    ++line;
    const std::string_view word = trim(std::string_view(raw).substr(0, raw.find('#')));
    if (!word.empty()) {
      samples.push_back(parse_sample(word, file + ":" + std::to_string(line) + ": "));
    }
    if (samples.size() > kDistributionTableMax) {
      throw_usage(file + ": more than " + std::to_string(kDistributionTableMax) + " numbers");
    }
  }
  if (samples.size() < 2) {
    throw_usage(file + ": a distribution has at least two numbers",
                "write one deviation per line, in units of the jitter: -1.5");
  }
  std::sort(samples.begin(), samples.end());
  return samples;
}

}  // namespace tinet::cli
