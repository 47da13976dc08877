#pragma once
/// Single parameters of what happens to packets, from text. Verbs, profiles and matrices read them
/// with the same functions; every error names the option or the place.

#include <cstdint>
#include <string>

#include "src/api/requests.h"

namespace tinet::cli {

/// More than nothing, at most an hour. @throws Error Usage
[[nodiscard]] std::int64_t parse_wait_ns(const std::string& text, const std::string& what);

/// A share of packets, more than 0%. @throws Error Usage
[[nodiscard]] std::uint32_t parse_share_ppm(const std::string& text, const std::string& what);

/// "P, R": how often a burst of losses begins, and how often it ends. @throws Error Usage
void parse_burst(const std::string& text, const std::string& what, api::ActionWords& action);

/// "uniform", "normal" or "pareto". @throws Error Usage
[[nodiscard]] std::string parse_distribution_name(const std::string& text, const std::string& what);

/// The names for completion and hints.
[[nodiscard]] const std::vector<std::string>& distribution_names();

}  // namespace tinet::cli
