#pragma once
/// From words to filled options: the only user of CLI11. Its own errors never reach the user: each
/// becomes a tinet Usage error that names the word and the nearest known one.

#include <string>
#include <vector>

#include "src/cli/command.h"

namespace tinet::cli {

/// What the words asked for.
struct ParseResult {
  const Command* command = nullptr;  ///< the chosen one; the root when there was none
  bool help = false;                 ///< -h, --help, or `help COMMAND`
  bool version = false;
};

/// Parses the words (without argv[0] and without what follows "--" for commands that take a
/// program) and fills the targets of the root's and the chosen command's options. Options of the
/// root work before and after the command.
/// @throws Error Usage
ParseResult parse_words(const Command& root, const std::vector<std::string>& words);

/// Position in `words` of the command's name; words.size() when there is none. Understands that
/// options of the root may come first.
[[nodiscard]] std::size_t find_command(const Command& root, const std::vector<std::string>& words);

/// The first word behind `begin` that is neither an option nor the value of one; empty when there
/// is none. Options that are not known yet count as having a value.
[[nodiscard]] std::string first_positional(const Command& root, const Command& command,
                                           const std::vector<std::string>& words,
                                           std::size_t begin);

/// What the words from `begin` on leave open, for completion.
struct Position {
  const OptionSpec* option = nullptr;  ///< the last word is an option that wants a value
  std::size_t positionals = 0;         ///< positional words so far
  bool behind_mark = false;            ///< "--" was given: a program's words follow
};
[[nodiscard]] Position position_behind(const Command& root, const Command& command,
                                       const std::vector<std::string>& words, std::size_t begin);

/// The option of the command or the root that a word like "--for" or "--for=2s" names, or nullptr.
[[nodiscard]] const OptionSpec* option_named(const Command& root, const Command& command,
                                             const std::string& word);

}  // namespace tinet::cli
