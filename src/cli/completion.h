#pragma once
/// Shell completion. The scripts are the same few lines for every version: they hand the words
/// typed so far to the hidden command `tinet __complete`, which answers from the description of
/// the commands and, for names, from the running cluster.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "src/cli/command.h"

namespace tinet::cli {

/// @param shell "bash", "zsh" or "fish"
/// @throws Error Usage for another word
[[nodiscard]] std::string completion_script(std::string_view shell);

/// One possible word and what it means.
struct Candidate {
  std::string word;
  std::string help;
};

/// What may stand at the cursor.
struct Completion {
  std::vector<Candidate> candidates;
  Completes files = Completes::Nothing;  ///< File or Directory: the shell adds names of its own
};

/// Live names: of instances, faults or clusters.
using NameSource = std::function<std::vector<std::string>(Completes kind)>;

/// @param words typed so far without "tinet"; the last one is being typed and may be empty
[[nodiscard]] Completion complete(Command& root, const std::vector<std::string>& words,
                                  const NameSource& names);

}  // namespace tinet::cli
