#pragma once
/// One call of the command line, from words to exit status; everything a test needs to run it in
/// its own process.

#include <map>
#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/cli/context.h"

namespace tinet::cli {

struct Command;

/// Runs one command line. Every error is printed here, as text on `err` and, with --json, as a
/// document on `out`.
/// @param words without argv[0]
/// @return the exit status
int run_cli(const std::vector<std::string>& words, const Streams& streams,
            const std::map<std::string, std::string>& environment);

/// Prints an error as run_cli() does.
void print_error(Context& context, const Error& error);

/// The root command with every command of tinet, in the order of the help (commands.cc).
[[nodiscard]] Command make_commands(Context& context);

}  // namespace tinet::cli
