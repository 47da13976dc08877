#pragma once
/// Option values from text; every error names the option.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tinet::cli {

constexpr std::int64_t kMsMax = 1'000'000'000'000;

/// An empty or blank value is a slip, such as a variable of the shell that is not set. It must not
/// stand for "not given": a fault would be wider than it was meant, or never end.
/// @param name what the error calls the value: "--port", "SELECTOR"
/// @throws Error Usage for such a value
void check_given(const std::string& name, const std::string& value);

/// A duration as whole milliseconds, `min` to `max`; nullopt for an empty text.
/// @throws Error Usage
[[nodiscard]] std::optional<std::int64_t> optional_ms(const std::string& text,
                                                      const std::string& option,
                                                      std::int64_t min = 1,
                                                      std::int64_t max = kMsMax);
/// @throws Error Usage also when the text is empty
[[nodiscard]] std::int64_t required_ms(const std::string& text, const std::string& option,
                                       std::int64_t min = 1, std::int64_t max = kMsMax);

/// A whole number within the limits.
/// @throws Error Usage naming the value and the limit it breaks
[[nodiscard]] std::int64_t parse_number(const std::string& text, const std::string& option,
                                        std::int64_t min, std::int64_t max);

/// A seed, any 64-bit number; nullopt for an empty text. @throws Error Usage
[[nodiscard]] std::optional<std::uint64_t> optional_seed(const std::string& text);

/// Checks that the text is one of the words.
/// @throws Error Usage with the nearest one
void check_word(const std::string& text, const std::string& option,
                const std::vector<std::string>& words);

}  // namespace tinet::cli
