#include "src/cli/command.h"

#include <algorithm>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet::cli {

using Arity = OptionSpec::Arity;

std::string OptionSpec::long_name() const {
  const auto all = split(names, ',');
  return all.empty() ? "" : all.back();
}

Command& Command::add(const std::string& command, const std::string& one_line) {
  commands.emplace_back();
  commands.back().name = command;
  commands.back().summary = one_line;
  commands.back().section = next_section;
  return commands.back();
}

const Command* Command::find(const std::string& command) const {
  for (const auto& candidate : commands) {
    if (candidate.name == command) {
      return &candidate;
    }
  }
  return nullptr;
}

Command* Command::find(const std::string& command) {
  return const_cast<Command*>(std::as_const(*this).find(command));
}

void Command::flag(const std::string& option, bool& variable, const std::string& help) {
  options.push_back(
      {.names = option, .arity = Arity::Flag, .text = {.help = help}, .target = &variable});
}

void Command::option(const std::string& option, std::string& variable, const ValueText& text) {
  options.push_back({.names = option, .text = text, .target = &variable});
}

void Command::option(const std::string& option, std::vector<std::string>& variable,
                     const ValueText& text) {
  options.push_back({.names = option, .arity = Arity::Many, .text = text, .target = &variable});
}

void Command::optional_value(const std::string& option, std::string& variable,
                             const std::string& implied_value, const ValueText& text) {
  options.push_back({.names = option,
                     .arity = Arity::OptionalValue,
                     .implied = implied_value,
                     .text = text,
                     .target = &variable});
}

void Command::positional(const std::string& word, std::string& variable, const ValueText& text) {
  options.push_back({.names = word, .positional = true, .text = text, .target = &variable});
}

void Command::required(const std::string& word, std::string& variable, const ValueText& text) {
  options.push_back(
      {.names = word, .positional = true, .required = true, .text = text, .target = &variable});
}

void Command::rest(const std::string& word, std::vector<std::string>& variable,
                   const ValueText& text) {
  options.push_back(
      {.names = word, .arity = Arity::Many, .positional = true, .text = text, .target = &variable});
}

void check_exclusives(const Command& command, const std::vector<std::string>& given) {
  for (const auto& group : command.exclusives) {
    std::vector<std::string> both;
    for (const auto& name : given) {
      if (std::find(group.begin(), group.end(), name) != group.end()) {
        both.push_back("'" + name + "'");
      }
    }
    if (both.size() > 1) {
      throw_usage(join(both, " and ") + " exclude each other", "give only one of them");
    }
  }
}

}  // namespace tinet::cli
