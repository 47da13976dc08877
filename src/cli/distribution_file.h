#pragma once
/// A distribution of one's own for `delay --distribution FILE`. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tinet::cli {

/// One number per line: a deviation from the delay in units of the jitter, at least -4 and less
/// than 4; every packet gets one of them by chance. "-1.5" is a packet that comes one and a half
/// jitters early. Blank lines and what follows a '#' are skipped. 2 to 16384 numbers.
/// @return in 1/8192 of the jitter, ascending
/// @throws Error Usage with the line
[[nodiscard]] std::vector<std::int16_t> parse_distribution_file(std::string_view text,
                                                                const std::string& file);

}  // namespace tinet::cli
