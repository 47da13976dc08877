#pragma once
/// Starting the wire's process.

#include <string>
#include <vector>

#include <sys/types.h>

#include "src/base/unique_fd.h"

namespace tinet {

/// What the process gets; borrowed. @see run_wire()
struct WireDescriptors {
  int queue = -1;
  int control = -1;
  int board = -1;
};

/// Executes a program that calls run_wire(), in a session of its own, with these descriptors in the
/// places that run_wire() expects, standard error of the caller, nothing else.
/// @param program path; "/proc/self/exe" is the caller's own program
/// @param argv of the program, its name first
/// @return its pid: a child of the caller, who reaps it
/// @throws Error Unavailable or Operation, naming the program
[[nodiscard]] pid_t spawn_wire(const WireDescriptors& descriptors, const std::string& program,
                               const std::vector<std::string>& argv);

}  // namespace tinet
