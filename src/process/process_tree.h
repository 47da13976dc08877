#pragma once
/// Signals to everything that an instance runs: pause, resume, custom signals. To kill a sandbox
/// use Sandbox::kill(), which the kernel does atomically.

#include <cstddef>
#include <vector>

#include <sys/types.h>

#include "src/process/sandbox.h"

namespace tinet {

/// The processes of a sandbox as the caller sees them, without the reaper. A snapshot. Walks the
/// caller's /proc (a few microseconds per process of the machine).
[[nodiscard]] std::vector<pid_t> members(const Sandbox& sandbox);

/// Sends `signal` to every process of the sandbox, once each, until a whole scan finds no new one:
/// after SIGSTOP nothing in it runs. Bounded to 64 scans.
/// @return how many processes got it; 0 for a sandbox that is gone
/// @throws Error Unavailable without permission; Operation when new processes appear faster
///         than they can be signalled
std::size_t signal_tree(const Sandbox& sandbox, int signal);

/// The same without a sandbox (proxy backend): `root`, a child of the caller, and its descendants,
/// found by parent pid and process group. A descendant that changed its process group and whose
/// parent has died is not found.
std::size_t signal_descendants(pid_t root, int signal);

}  // namespace tinet
