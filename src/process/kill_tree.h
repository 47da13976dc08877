#pragma once
/// Signals to whole trees of processes that no namespace holds together.

#include <cstddef>
#include <functional>
#include <vector>

#include <sys/types.h>

#include "src/process/process_table.h"

namespace tinet {

/// Makes this process the one that orphans among its descendants become children of, so that no
/// descendant can get out of its sight. Idempotent.
/// @throws Error
/// @see prctl(2), PR_SET_CHILD_SUBREAPER
void become_subreaper();

/// Sends `signal` to whatever `scan` finds, each process once, until a scan finds none that did not
/// get it: after SIGSTOP nothing of it runs. At most 64 scans.
/// @return how many processes got it
/// @throws Error Unavailable without permission; Operation when new processes appear faster than
///         they can be signalled
std::size_t signal_until_stable(const std::function<std::vector<ProcessEntry>()>& scan, int signal);

/// SIGKILL to `roots`, unreaped children of the caller, and to all their descendants. They are
/// stopped first, so that none can put a new one into the world unseen. One that was being born at
/// that moment may be left: it becomes a child of the caller, when the caller is a subreaper, no
/// later than the last of `roots` ends. So: call again until no child is left. Does not wait; where
/// /proc cannot be read only `roots` and their process groups are killed.
void kill_trees(const std::vector<pid_t>& roots) noexcept;

}  // namespace tinet
