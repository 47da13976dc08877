#include "src/base/text.h"
#include "src/cli/help.h"

namespace tinet::cli {

namespace {

/// Escapes what roff would take for a request or an escape.
std::string roff(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
  }
  return escaped.starts_with('.') || escaped.starts_with('\'') ? "\\&" + escaped : escaped;
}

std::string tagged(const std::string& label, const std::string& text) {
  return ".TP\n.B " + roff(label) + "\n" + roff(text) + "\n";
}

std::string options_of(const Command& command) {
  std::string text;
  for (const auto& option : command.options) {
    if (!option.text.help.empty()) {
      text += tagged(option_label(option), option.text.help);
    }
  }
  return text;
}

std::string examples_of(const Command& command) {
  if (command.examples.empty()) {
    return "";
  }
  std::string text = ".PP\nExamples:\n.PP\n.nf\n.RS\n";
  for (const auto& line : command.examples) {
    text += roff(line) + "\n";
  }
  return text + ".RE\n.fi\n";
}

std::string command_section(const Command& root, const Command& command) {
  std::string text = ".SS " + roff(command.name) + "\n.B " + roff(usage_line(root, command)) +
                     "\n.PP\n" + roff(command.summary) + ".\n";
  if (!command.description.empty()) {
    text += ".PP\n" + roff(command.description) + "\n";
  }
  return text + options_of(command) + examples_of(command);
}

constexpr std::string_view kExitStatus = R"(.SH EXIT STATUS
.TP
.B 0
done
.TP
.B 1
the operation failed: a crash, a timeout, a full disk
.TP
.B 2
wrong words or a bad file; nothing was changed
.TP
.B 3
not possible here: privilege, kernel feature, missing program
.TP
.B 4
conflicts with the current state: no such cluster, tag or port taken, role vacant
.TP
.B 5
the system under test failed a check
.TP
.B 130
interrupted
.PP
.B exec
and
.B with
return the status of their program; 125, 126 and 127 of
.B exec
mean that tinet failed, that the program cannot be executed, and that it was not found.
.SH ENVIRONMENT
.TP
.B TINET_TAG
the cluster meant when
.B \-\-tag
is not given
.TP
.B TINET_X_PATH
the program of component X, for example TINET_TIKV_PATH
.TP
.B NO_COLOR
when not empty, no colours
)";

}  // namespace

std::string man_page(const Command& root) {
  std::string text = ".TH TINET 1 \"\" \"tinet " TINET_VERSION "\" \"User Commands\"\n";
  text += ".SH NAME\ntinet \\- " + roff(root.summary) + "\n";
  text += ".SH SYNOPSIS\n.B " + roff(usage_line(root, root)) + "\n";
  text += ".SH DESCRIPTION\n" + roff(root.description) + "\n";
  text += ".SH OPTIONS\n" + options_of(root);
  text += ".SH COMMANDS\n";
  for (const auto& command : root.commands) {
    if (!command.hidden) {
      text += command_section(root, command);
    }
  }
  return text + std::string(kExitStatus);
}

}  // namespace tinet::cli
