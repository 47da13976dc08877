#pragma once
/// Words with units, parsed once to integers: durations, percentages, bit rates, sizes. A bare
/// number is refused with a hint (not for a size, which is in bytes), because "80" has meant both
/// milliseconds and seconds in other tools.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tinet {

using Nanoseconds = std::chrono::nanoseconds;
using Milliseconds = std::chrono::milliseconds;

/// Parses "250ms", "1.5s", "2m", "1h", "10us", "5ns"; no sign, no blanks, at most 9 digits after
/// the point, at most 10^6 hours.
/// @param what names the word in the error, e.g. "--for"
/// @throws Error Usage, naming `what`, the word and a correct form
[[nodiscard]] Nanoseconds parse_duration(std::string_view text, std::string_view what);

/// Shortest exact form that parse_duration() takes: "1.5s", "250ms", "2m".
[[nodiscard]] std::string format_duration(Nanoseconds duration);

/// A probability in parts per million, 0..1000000.
struct Ppm {
  std::uint32_t value = 0;
  friend auto operator<=>(const Ppm&, const Ppm&) = default;
};

/// The whole: what always happens.
inline constexpr Ppm kAlways{1'000'000};

/// A probability as a number from 0 to 1.
[[nodiscard]] constexpr double fraction(Ppm probability) noexcept {
  return static_cast<double>(probability.value) / kAlways.value;
}

/// Parses "10%", "0.5%", "0%", "100%"; resolution 0.0001 %.
/// @throws Error Usage when the sign is missing, out of range or finer than the resolution
[[nodiscard]] Ppm parse_percent(std::string_view text, std::string_view what);

/// "10%", "0.5%".
[[nodiscard]] std::string format_percent(Ppm probability);

/// Parses "500bit", "64kbit", "10mbit", "1gbit" (powers of 1000, as tc(8)) to bits per
/// second, 1..10^12.
/// @throws Error Usage
[[nodiscard]] std::uint64_t parse_bitrate(std::string_view text, std::string_view what);

/// "10mbit", "1.5gbit".
[[nodiscard]] std::string format_bitrate(std::uint64_t bits_per_second);

/// Parses a number of bytes, 0..10^15: "1500", "1500b", "64kb", "2mb", "1gb" (powers of 1000) or
/// "64kib", "2mib", "1gib" (powers of 1024). Bytes need no unit; "64k" is refused, because it has
/// meant both.
/// @throws Error Usage
[[nodiscard]] std::uint64_t parse_size(std::string_view text, std::string_view what);

/// "1500b", "64kb", "1.5mb"; always powers of 1000.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

}  // namespace tinet
