#include "src/cli/parse.h"

#include <algorithm>
#include <cctype>
#include <utility>

// App.hpp needs the two others, but does not include them.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/cli/words.h"

namespace tinet::cli {

namespace {

using Arity = OptionSpec::Arity;

bool has_name(const OptionSpec& option, const std::string& name) {
  if (option.positional) {
    return false;
  }
  const auto names = split(option.names, ',');
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// True for "-x" and "--xyz", false for "-", "--" and negative numbers.
bool looks_like_option(const std::string& word) {
  return word.size() >= 2 && word[0] == '-' && word != "--" &&
         std::isdigit(static_cast<unsigned char>(word[1])) == 0;
}

/// "--for" of "--for=2s", "-T" of "-Tname".
std::string option_name(const std::string& word) {
  return word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
}

const OptionSpec* find_option(const Command& root, const Command& command,
                              const std::string& word) {
  const std::string name = option_name(word);
  for (const Command* owner : {&command, &root}) {
    for (const auto& option : owner->options) {
      if (has_name(option, name)) {
        return &option;
      }
    }
  }
  return nullptr;
}

/// How many words this option takes, itself included; an unknown one is thought to have a value.
std::size_t words_of(const OptionSpec* option, const std::string& word) {
  const bool is_long = word.starts_with("--");
  if (is_long ? word.find('=') != std::string::npos : word.size() > 2) {
    return 1;
  }
  return option == nullptr || option->arity == Arity::One || option->arity == Arity::Many ? 2 : 1;
}

/// What a person calls the command in an error: "tinet partition".
std::string called(const Command& root, const Command& command) {
  return &root == &command ? root.name : root.name + " " + command.name;
}

std::string help_hint(const Command& root, const Command& command) {
  return "see '" + called(root, command) + " --help'";
}

/// The one option that goes on where the word ends, "--burst-size" for "--burst"; else the nearest;
/// else empty.
std::string meant_option(const std::string& name, const std::vector<std::string>& known) {
  constexpr std::size_t kTellingLength = 4;  // "--" and two letters
  std::vector<std::string> longer;
  for (const auto& option : known) {
    if (name.size() >= kTellingLength && option.starts_with(name)) {
      longer.push_back(option);
    }
  }
  return longer.size() == 1 ? longer.front() : nearest(name, known);
}

[[noreturn]] void throw_unknown_option(const Command& root, const Command& command,
                                       const std::string& word) {
  std::vector<std::string> known;
  for (const Command* owner : {&command, &root}) {
    for (const auto& option : owner->options) {
      if (!option.positional) {
        const auto names = split(option.names, ',');
        known.insert(known.end(), names.begin(), names.end());
      }
    }
  }
  const std::string name = option_name(word);
  const std::string meant = name.starts_with("--") ? meant_option(name, known) : "";
  throw_usage("unknown option '" + name + "' of '" + called(root, command) + "'",
              meant.empty() ? help_hint(root, command) : "did you mean '" + meant + "'?");
}

[[noreturn]] void throw_unknown_command(const Command& root, const std::string& word) {
  std::vector<std::string> known;
  for (const auto& command : root.commands) {
    if (!command.hidden) {
      known.push_back(command.name);
    }
  }
  const std::string meant = nearest(word, known);
  throw_usage("unknown command '" + word + "'",
              meant.empty() ? "see 'tinet --help'" : "did you mean '" + meant + "'?");
}

/// Writes what CLI11 would misread in a form it reads well: "--name=" (it would take the next word
/// for the value), a value that may be left out, and a value given to a flag.
std::vector<std::string> normalized(const Command& root, const Command& command,
                                    const std::vector<std::string>& words) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      result.insert(result.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      return result;
    }
    if (!looks_like_option(word)) {
      result.push_back(word);
      continue;
    }
    const OptionSpec* option = find_option(root, command, word);
    if (option == nullptr) {
      throw_unknown_option(root, command, word);
    }
    const bool has_value = word.starts_with("--") && word.find('=') != std::string::npos;
    if (option->arity == Arity::Flag && has_value) {
      throw_usage("option '" + option_name(word) + "' takes no value");
    }
    if (has_value && word.back() == '=') {
      result.push_back(option_name(word));
      result.emplace_back();
    } else if (option->arity == Arity::OptionalValue && !has_value) {
      result.push_back(word);
      // An empty word was meant for a value, too; check_given() refuses it.
      const bool next_is_value =
          i + 1 < words.size() &&
          (words[i + 1].empty() ||
           std::isdigit(static_cast<unsigned char>(words[i + 1].front())) != 0);
      result.push_back(next_is_value ? words[++i] : option->implied);
    } else {
      result.push_back(word);
      if (words_of(option, word) == 2 && i + 1 < words.size()) {
        result.push_back(words[++i]);
      }
    }
  }
  return result;
}

/// An option in CLI11 and the description it was made of.
using Bindings = std::vector<std::pair<CLI::Option*, const OptionSpec*>>;

void bind(CLI::App& app, const Command& command, Bindings& bindings) {
  const CLI::callback_t accept = [](const CLI::results_t&) { return true; };
  for (const auto& spec : command.options) {
    CLI::Option* option = nullptr;
    if (spec.arity == Arity::Flag) {
      option = app.add_flag(spec.names);
    } else {
      option = app.add_option(spec.names, accept);
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      if (spec.positional && spec.arity == Arity::Many) {
        option->expected(-1);
      }
    }
    bindings.emplace_back(option, &spec);
  }
}

void fill_targets(const Command& root, const Command& command, const Bindings& bindings) {
  for (const auto& [option, spec] : bindings) {
    if (option->count() == 0) {
      if (spec->required) {
        throw_usage(spec->names + " is missing for '" + called(root, command) + "'",
                    help_hint(root, command));
      }
      continue;
    }
    if (auto* const* flag = std::get_if<bool*>(&spec->target)) {
      **flag = true;
      continue;
    }
    if (!spec->text.may_be_empty) {
      for (const auto& value : option->results()) {
        check_given(spec->long_name(), value);
      }
    }
    if (auto* const* text = std::get_if<std::string*>(&spec->target)) {
      **text = option->results().back();
    } else {
      *std::get<std::vector<std::string>*>(spec->target) = option->results();
    }
  }
}

std::vector<std::string> given_options(const Bindings& bindings) {
  std::vector<std::string> given;
  for (const auto& [option, spec] : bindings) {
    if (option->count() > 0) {
      given.push_back(spec->long_name());
    }
  }
  return given;
}

void parse_flat(const Command& root, const Command& command, std::vector<std::string> words) {
  CLI::App app;
  app.set_help_flag();
  Bindings bindings;
  bind(app, command, bindings);
  if (&command != &root) {
    bind(app, root, bindings);
  }
  words = normalized(root, command, words);
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    app.parse(words);
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string what = error.what();
    throw_usage("option '" + what.substr(0, what.find(':')) + "' needs a value",
                help_hint(root, command));
  } catch (const CLI::ParseError& error) {
    const auto left = app.remaining();
    throw_usage("unexpected word '" + (left.empty() ? error.what() : left.front()) + "' for '" +
                    called(root, command) + "'",
                help_hint(root, command));
  }
  check_exclusives(command, given_options(bindings));
  fill_targets(root, command, bindings);
}

/// Position of the next word that is no option and no option's value, from `begin` on.
std::size_t next_plain_word(const Command& root, const Command& command,
                            const std::vector<std::string>& words, std::size_t begin) {
  std::size_t i = begin;
  while (i < words.size() && looks_like_option(words[i])) {
    i += words_of(find_option(root, command, words[i]), words[i]);
  }
  return std::min(i, words.size());
}

bool asks_for(const Command& root, const Command& command, const std::vector<std::string>& words,
              std::string_view short_name, std::string_view long_name) {
  for (std::size_t i = 0; i < words.size() && words[i] != "--";) {
    if (words[i] == short_name || words[i] == long_name) {
      return true;
    }
    i += looks_like_option(words[i]) ? words_of(find_option(root, command, words[i]), words[i]) : 1;
  }
  return false;
}

}  // namespace

std::size_t find_command(const Command& root, const std::vector<std::string>& words) {
  return next_plain_word(root, root, words, 0);
}

std::string first_positional(const Command& root, const Command& command,
                             const std::vector<std::string>& words, std::size_t begin) {
  const std::size_t at = next_plain_word(root, command, words, begin);
  return at < words.size() && words[at] != "--" ? words[at] : "";
}

Position position_behind(const Command& root, const Command& command,
                         const std::vector<std::string>& words, std::size_t begin) {
  Position position;
  for (std::size_t i = begin; i < words.size();) {
    if (words[i] == "--") {
      position.behind_mark = true;
      return position;
    }
    if (!looks_like_option(words[i])) {
      ++position.positionals;
      ++i;
      continue;
    }
    const OptionSpec* option = find_option(root, command, words[i]);
    i += words_of(option, words[i]);
    if (i > words.size()) {
      position.option = option;
    }
  }
  return position;
}

const OptionSpec* option_named(const Command& root, const Command& command,
                               const std::string& word) {
  return find_option(root, command, word);
}

ParseResult parse_words(const Command& root, const std::vector<std::string>& words) {
  const std::size_t at = find_command(root, words);
  const Command* command = &root;
  std::vector<std::string> rest = words;
  if (at < words.size() && words[at] != "--") {
    command = root.find(words[at]);
    if (command == nullptr) {
      throw_unknown_command(root, words[at]);
    }
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
  }
  ParseResult result{.command = command};
  result.help = asks_for(root, *command, rest, "-h", "--help");
  result.version = asks_for(root, *command, rest, "--version", "--version");
  if (!result.help && !result.version) {
    parse_flat(root, *command, std::move(rest));
  }
  return result;
}

}  // namespace tinet::cli
