#pragma once
/// Help on the terminal and the man page, both from the one description of the commands. Pure.

#include <string>

#include "src/cli/command.h"

namespace tinet::cli {

/// `tinet --help` when `command` is the root, else `tinet COMMAND --help`.
[[nodiscard]] std::string help_text(const Command& root, const Command& command, bool color);

/// "tinet partition [options] SELECTOR".
[[nodiscard]] std::string usage_line(const Command& root, const Command& command);

/// "-f, --follow", "--for DUR", "--verify[=DUR]", "SELECTOR".
[[nodiscard]] std::string option_label(const OptionSpec& option);

/// The whole manual in the man(7) macros, for packaging/man/tinet.1.
[[nodiscard]] std::string man_page(const Command& root);

}  // namespace tinet::cli
