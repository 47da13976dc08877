#include "src/cli/action_words.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/base/units.h"
#include "src/cli/words.h"
#include "src/model/fault_check.h"

namespace tinet::cli {

namespace {

/// Less is a slip: queues and the wire are late by some ten microseconds themselves.
constexpr Nanoseconds kWaitMin = std::chrono::microseconds(1);

}  // namespace

std::int64_t parse_wait_ns(const std::string& text, const std::string& what) {
  const Nanoseconds wait = parse_duration(text, what);
  if (wait.count() == 0) {
    throw_usage(what + ": '" + text + "' does nothing",
                "write more than 0; 'tinet heal ID' ends a fault");
  }
  if (wait < kWaitMin) {
    throw_usage(what + ": '" + text + "' is too short: packets take longer by themselves",
                "the shortest is '" + format_duration(kWaitMin) + "'");
  }
  if (wait > kDelayMax) {
    throw_usage(what + ": '" + text + "' is too long",
                "the longest is '" + format_duration(kDelayMax) + "'");
  }
  return wait.count();
}

std::uint32_t parse_share_ppm(const std::string& text, const std::string& what) {
  const Ppm share = parse_percent(text, what);
  if (share.value == 0) {
    throw_usage(what + ": '" + text + "' does nothing",
                "write 0.0001% to 100%; 'tinet heal ID' ends a fault");
  }
  return share.value;
}

void parse_burst(const std::string& text, const std::string& what, api::ActionWords& action) {
  const auto parts = split(text, ',');
  if (parts.size() != 2) {
    throw_usage(what + ": '" + text + "' is not two percentages",
                "write how often a burst begins and how often it ends: '1%,30%'");
  }
  action.burst_begin_ppm = parse_share_ppm(std::string(trim(parts[0])), what);
  action.burst_end_ppm = parse_share_ppm(std::string(trim(parts[1])), what);
}

std::string parse_distribution_name(const std::string& text, const std::string& what) {
  check_word(text, what, distribution_names());
  return text;
}

const std::vector<std::string>& distribution_names() {
  static const std::vector<std::string> names = {"uniform", "normal", "pareto"};
  return names;
}

}  // namespace tinet::cli
