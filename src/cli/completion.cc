#include "src/cli/completion.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/cli/parse.h"

namespace tinet::cli {

namespace {

using Arity = OptionSpec::Arity;

constexpr std::string_view kBash = R"(# bash completion of tinet
_tinet() {
  local word line
  # bash splits words at '=' and ':'; the words of the line itself are asked for instead.
  local -a words
  read -ra words <<< "${COMP_LINE:0:COMP_POINT}"
  [[ ${COMP_LINE:COMP_POINT-1:1} == ' ' ]] && words+=('')
  word=${words[-1]}
  COMPREPLY=()
  while IFS=$'\t' read -r line _; do
    case $line in
      :files) mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "${word##*=}") ;;
      :directories) mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- "${word##*=}") ;;
      *) [[ $line == "$word"* ]] && COMPREPLY+=("$line") ;;
    esac
  done < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
  # Of "zone:a" only what follows the last separator is replaced on the line.
  if [[ $word == *[=:]* ]]; then
    local done_part=${word%"${word##*[=:]}"}
    COMPREPLY=("${COMPREPLY[@]#"$done_part"}")
  fi
}
complete -o filenames -o bashdefault -F _tinet tinet
)";

constexpr std::string_view kZsh = R"(#compdef tinet
# zsh completion of tinet
_tinet() {
  local line word help
  local -a candidates
  while IFS=$'\t' read -r word help; do
    case $word in
      :files) _files ;;
      :directories) _files -/ ;;
      *) candidates+=("${word//:/\\:}:$help") ;;
    esac
  done < <("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
  (( ${#candidates} )) && _describe 'tinet' candidates
}
compdef _tinet tinet
)";

constexpr std::string_view kFish = R"(# fish completion of tinet
function __tinet_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] __complete -- $words[2..-1] 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path (commandline -ct)
            case ':directories'
                __fish_complete_directories (commandline -ct)
            case '*'
                echo $line
        end
    end
end
complete -c tinet -f -a '(__tinet_complete)'
)";

void add_values(const OptionSpec& option, const NameSource& names, const std::string& prefix,
                Completion& completion) {
  switch (option.text.completes) {
    case Completes::Nothing:
      break;
    case Completes::File:
    case Completes::Directory:
      completion.files = option.text.completes;
      break;
    case Completes::WordsOrFile:
      completion.files = Completes::File;
      [[fallthrough]];
    case Completes::Words:
      for (const auto& word : option.text.words) {
        completion.candidates.push_back({prefix + word, ""});
      }
      break;
    case Completes::Instance:
    case Completes::Fault:
    case Completes::Tag:
      for (const auto& name : names(option.text.completes)) {
        completion.candidates.push_back({prefix + name, ""});
      }
      break;
  }
}

void add_options(const Command& command, Completion& completion) {
  for (const auto& option : command.options) {
    if (option.positional || option.text.help.empty()) {
      continue;
    }
    for (const auto& name : split(option.names, ',')) {
      if (name.starts_with("--")) {
        completion.candidates.push_back({name, option.text.help});
      }
    }
  }
}

void add_commands(const Command& root, Completion& completion) {
  for (const auto& command : root.commands) {
    if (!command.hidden) {
      completion.candidates.push_back({command.name, command.summary});
    }
  }
}

/// Keeps what starts with what was typed.
void filter(Completion& completion, const std::string& typed) {
  std::erase_if(completion.candidates,
                [&](const Candidate& candidate) { return !candidate.word.starts_with(typed); });
}

/// The positional that the word at the cursor fills.
const OptionSpec* positional_at(const Command& command, std::size_t index) {
  const OptionSpec* last = nullptr;
  for (const auto& option : command.options) {
    if (!option.positional) {
      continue;
    }
    last = &option;
    if (index == 0) {
      return last;
    }
    --index;
  }
  return last != nullptr && last->arity == Arity::Many ? last : nullptr;
}

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "bash") {
    return std::string(kBash);
  }
  if (shell == "zsh") {
    return std::string(kZsh);
  }
  if (shell == "fish") {
    return std::string(kFish);
  }
  throw_usage("no completion for the shell '" + std::string(shell) + "'", "one of bash, zsh, fish");
}

Completion complete(Command& root, const std::vector<std::string>& words, const NameSource& names) {
  Completion completion;
  const std::string typed = words.empty() ? "" : words.back();
  const std::vector<std::string> before(words.begin(),
                                        words.empty() ? words.end() : words.end() - 1);
  const std::size_t at = find_command(root, before);
  Command* command = at < before.size() ? root.find(before[at]) : nullptr;
  if (command != nullptr && command->extend) {
    command->extend(*command, first_positional(root, *command, before, at + 1));
  }
  const Command& chosen = command == nullptr ? root : *command;
  const Position cursor = position_behind(root, chosen, before, command == nullptr ? 0 : at + 1);
  const auto equals = typed.find('=');
  if (cursor.behind_mark) {
    completion.files = Completes::File;
  } else if (cursor.option != nullptr) {
    add_values(*cursor.option, names, "", completion);
  } else if (typed.starts_with("--") && equals != std::string::npos) {
    if (const auto* option = option_named(root, chosen, typed)) {
      add_values(*option, names, typed.substr(0, equals + 1), completion);
    }
  } else if (typed.starts_with('-')) {
    add_options(chosen, completion);
    if (command != nullptr) {
      add_options(root, completion);
    }
  } else if (command == nullptr) {
    add_commands(root, completion);
  } else if (const auto* positional = positional_at(chosen, cursor.positionals)) {
    add_values(*positional, names, "", completion);
  }
  filter(completion, typed);
  return completion;
}

}  // namespace tinet::cli
