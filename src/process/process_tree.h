#pragma once
/// Signals to everything that an instance runs: pause, resume, custom signals. To kill a sandbox
/// use Sandbox::kill().

#include <cstddef>
#include <vector>

#include <sys/types.h>

#include "src/process/sandbox.h"

namespace tinet {

/// The processes of a sandbox as the caller sees them, without the reaper. A snapshot. Walks the
/// caller's /proc (some microseconds per process of the machine).
[[nodiscard]] std::vector<pid_t> members(const Sandbox& sandbox);

/// Sends `signal` to every process of the sandbox, once each, until a whole scan finds no new one:
/// after SIGSTOP nothing in it runs. Bounded to 64 scans.
/// @return how many processes got it; 0 for a sandbox that is gone
/// @throws Error Unavailable without permission; Operation when new processes appear faster
///         than they can be signalled
std::size_t signal_tree(const Sandbox& sandbox, int signal);

}  // namespace tinet
