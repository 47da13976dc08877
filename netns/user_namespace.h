#pragma once
/// The way to a private network without root: a user namespace in which the caller keeps its own
/// uid and gid and gains every capability over what it makes from then on.

#include <sys/types.h>

namespace tinet {

/// Moves the whole process into a new user namespace that maps just the caller's uid and gid to
/// themselves, so that programs started in it see the user as themselves. Supplementary groups stay
/// as they are and setgroups(2) is denied. The process must have one thread.
/// @throws Error Unavailable naming the step that failed; probe_user_namespaces() has the hint
/// @see user_namespaces(7)
void enter_user_namespace();

}  // namespace tinet
