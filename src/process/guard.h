#pragma once
/// A process that stands over a supervisor without namespaces: what the kernel does for a PID
/// namespace when its first process dies, it does for a family of processes.

#include <functional>

namespace tinet {

/// Forks. The parent becomes the guard, "tinet-guard", and never returns from here; the child runs
/// `supervisor` and returns what that returns.
///
/// The guard holds none of the caller's descriptors and is the parent of every orphan that the
/// supervisor cannot be the parent of. When the supervisor has ended, by whatever cause, it kills
/// everything that was left, again and again until it has no child, and ends as the supervisor has:
/// with its status or by its signal. SIGTERM and SIGINT it passes on, as SIGTERM; other signals
/// whose default is to end a process it ignores.
///
/// The supervisor leads a session of its own, is a subreaper, and gets SIGTERM when the guard ends
/// before it. So a guard that is killed leads to an orderly end. Guard and supervisor killed at the
/// same moment leave those descendants of programs that have detached from them: without namespaces
/// the kernel offers nothing against that.
///
/// Call it with one thread, before anything of the supervisor's is opened.
/// @throws Error when no process can be made
/// @see prctl(2), PR_SET_CHILD_SUBREAPER and PR_SET_PDEATHSIG
int run_guarded(const std::function<int()>& supervisor);

}  // namespace tinet
