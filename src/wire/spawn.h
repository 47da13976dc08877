#pragma once
/// Starting the wire's process.

#include <string>
#include <vector>

#include <sys/types.h>

#include "src/base/unique_fd.h"

namespace tinet {

/// Executes a program that calls run_wire(), in a session of its own, with its queue and control
/// sockets in the places that run_wire() expects, standard error of the caller, nothing else.
/// @param queue_fd, control_fd borrowed
/// @param program path; "/proc/self/exe" is the caller's own program
/// @param argv of the program, its name first
/// @return its pid: a child of the caller, who reaps it
/// @throws Error Unavailable or Operation, naming the program
[[nodiscard]] pid_t spawn_wire(int queue_fd, int control_fd, const std::string& program,
                               const std::vector<std::string>& argv);

}  // namespace tinet
