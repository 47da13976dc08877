#pragma once
/// Running a command in an instance's place, shared by `exec` and `shell`.

#include <string>
#include <vector>

#include "src/cli/context.h"

namespace tinet::cli {

/// tinet's own failures have a status that programs rarely use.
inline constexpr int kExecFailed = 125;

/// Runs it on this process's descriptors, or on a pty when stdin and stdout are terminals. Prints
/// the error when the command could not be run.
/// @return the command's status (128 + signal); 125, 126 or 127 when it could not be run
int exec_in(Context& context, const std::string& target, const std::vector<std::string>& argv);

}  // namespace tinet::cli
