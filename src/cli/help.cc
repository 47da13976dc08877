#include "src/cli/help.h"

#include <algorithm>

#include "src/base/text.h"
#include "src/cli/output.h"

namespace tinet::cli {

namespace {

using Arity = OptionSpec::Arity;

constexpr std::size_t kWidth = 100;
constexpr std::size_t kLabelMax = 26;

std::string entry(const std::string& label, const std::string& help, std::size_t column) {
  std::string line = "  " + label;
  if (display_width(line) + 2 > column) {
    line += "\n" + std::string(column, ' ');
  } else {
    line += std::string(column - display_width(line), ' ');
  }
  return line + wrap(help, kWidth - column, column) + "\n";
}

std::string option_list(const std::vector<OptionSpec>& options, bool positional,
                        const std::string& heading, bool color) {
  std::size_t column = 0;
  for (const auto& option : options) {
    column = std::max(column, display_width(option_label(option)));
  }
  column = std::min(column, kLabelMax) + 4;
  std::string text;
  for (const auto& option : options) {
    if (option.positional == positional && !option.text.help.empty()) {
      text += entry(option_label(option), option.text.help, column);
    }
  }
  return text.empty() ? "" : "\n" + paint(heading, Color::Bold, color) + "\n" + text;
}

std::string command_list(const Command& root, bool color) {
  constexpr std::size_t kColumn = 18;
  std::string text;
  std::string section;
  for (const auto& command : root.commands) {
    if (command.hidden) {
      continue;
    }
    if (command.section != section) {
      section = command.section;
      text += "\n" + paint(section, Color::Bold, color) + "\n";
    }
    text += entry(command.name, command.summary, kColumn);
  }
  return text;
}

std::string example_list(const Command& command, bool color) {
  if (command.examples.empty()) {
    return "";
  }
  std::string text = "\n" + paint("Examples", Color::Bold, color) + "\n";
  for (const auto& line : command.examples) {
    text += "  " + line + "\n";
  }
  return text;
}

}  // namespace

std::string option_label(const OptionSpec& option) {
  if (option.positional) {
    return option.names;
  }
  std::string label = join(split(option.names, ','), ", ");
  if (option.arity == Arity::OptionalValue) {
    return label + "[=" + option.text.value + "]";
  }
  return option.arity == Arity::Flag ? label : label + " " + option.text.value;
}

std::string usage_line(const Command& root, const Command& command) {
  if (&root == &command) {
    return root.name + " [options] COMMAND ...";
  }
  std::string line = root.name + " " + command.name;
  const bool has_options = std::any_of(command.options.begin(), command.options.end(),
                                       [](const auto& option) { return !option.positional; });
  line += has_options ? " [options]" : "";
  for (const auto& option : command.options) {
    if (option.positional && !option.text.help.empty()) {
      const std::string word = option.names + (option.arity == Arity::Many ? " ..." : "");
      line += option.required ? " " + word : " [" + word + "]";
    }
  }
  return line + (command.takes_program ? " -- PROGRAM [ARGS ...]" : "");
}

std::string help_text(const Command& root, const Command& command, bool color) {
  std::string text = paint(usage_line(root, command), Color::Bold, color) + "\n\n" +
                     wrap(command.summary, kWidth, 0) + "\n";
  if (!command.description.empty()) {
    text += "\n" + wrap(command.description, kWidth, 0) + "\n";
  }
  if (&root == &command) {
    text += command_list(root, color);
  } else {
    text += option_list(command.options, true, "Words", color);
    text += option_list(command.options, false, "Options", color);
  }
  text += option_list(root.options, false, "Options of every command", color);
  return text + example_list(command, color);
}

}  // namespace tinet::cli
