#include "src/cli/words.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/base/units.h"

namespace tinet::cli {

void check_given(const std::string& name, const std::string& value) {
  if (trim(value).empty()) {
    throw_usage(name + ": '" + value + "' is no value", "give it a value, or leave it out");
  }
}

std::int64_t required_ms(const std::string& text, const std::string& option, std::int64_t min,
                         std::int64_t max) {
  // Of nothing, the unit does not matter.
  const bool nothing = !text.empty() && text.find_first_not_of('0') == std::string::npos;
  if ((nothing && min > 0) || parse_duration(text, option) < Milliseconds(min)) {
    throw_usage(option + ": '" + text + "' is too short",
                "the shortest is '" + format_duration(Milliseconds(min)) + "'");
  }
  const Nanoseconds duration = parse_duration(text, option);
  if (duration > Milliseconds(max)) {
    throw_usage(option + ": '" + text + "' is too long",
                "the longest is '" + format_duration(Milliseconds(max)) + "'");
  }
  const auto ms = std::chrono::duration_cast<Milliseconds>(duration);
  if (ms != duration) {
    throw_usage(option + ": '" + text + "' is no whole number of milliseconds");
  }
  return ms.count();
}

std::optional<std::int64_t> optional_ms(const std::string& text, const std::string& option,
                                        std::int64_t min, std::int64_t max) {
  return text.empty() ? std::nullopt : std::optional(required_ms(text, option, min, max));
}

std::int64_t parse_number(const std::string& text, const std::string& option, std::int64_t min,
                          std::int64_t max) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) {
    throw_usage(option + ": '" + text + "' is not a whole number");
  }
  // What does not fit into a number leaves it as it was, so only the sign tells on which side.
  const bool fits = error == std::errc{};
  const bool below = fits ? number < min : text[0] == '-';
  if (!fits || below || number > max) {
    throw_usage(option + ": " + text + (below ? " is too small" : " is too large"),
                "allowed are " + std::to_string(min) + " to " + std::to_string(max));
  }
  return number;
}

std::optional<std::uint64_t> optional_seed(const std::string& text) {
  if (text.empty()) {
    return std::nullopt;
  }
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw_usage("--seed: '" + text + "' is not a number of 64 bits");
  }
  return seed;
}

void check_word(const std::string& text, const std::string& option,
                const std::vector<std::string>& words) {
  if (std::find(words.begin(), words.end(), text) != words.end()) {
    return;
  }
  const std::string meant = nearest(text, words);
  throw_usage(option + ": unknown word '" + text + "'",
              meant.empty() ? "one of " + join(words, ", ") : "did you mean '" + meant + "'?");
}

}  // namespace tinet::cli
