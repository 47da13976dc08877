#pragma once
/// Small text work that several modules need: splitting, joining, nearest names.

#include <string>
#include <string_view>
#include <vector>

namespace tinet {

/// Splits at every `separator`; "a,,b" has three parts, "" has none.
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);

/// Joins with `separator` between the parts.
[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// Without leading and trailing blanks, tabs and line ends.
[[nodiscard]] std::string_view trim(std::string_view text);

/// Splits like a POSIX shell, with single and double quotes and backslashes, without any expansion.
/// @throws Error Usage for an unfinished quote, naming `what`
[[nodiscard]] std::vector<std::string> split_shell_words(std::string_view text,
                                                         std::string_view what);

/// Quotes a word so that a POSIX shell reads it back as it is; plain words stay as they are.
[[nodiscard]] std::string shell_quote(std::string_view word);

/// The candidate closest to `word` by edit distance, when it is close enough to be meant (at most a
/// third of the longer word's length, at least 1 edit allowed); empty otherwise.
[[nodiscard]] std::string nearest(std::string_view word,
                                  const std::vector<std::string>& candidates);

/// True when `pattern`, in which `*` stands for any text and `?` for one character, matches all of
/// `text`.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text);

/// The last `lines` lines of `text`.
[[nodiscard]] std::string_view tail_lines(std::string_view text, std::size_t lines);

}  // namespace tinet
