#pragma once
/// Work in the file system with a user's rights: a forked process drops to the user for good, does
/// the work and hands the result back. So the root supervisor never touches a path that a user
/// controls with root's rights.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/base/unique_fd.h"
#include "src/process/sandbox.h"
#include "src/process/user.h"

namespace tinet {

/// Whose rights, and whose view of the file system.
struct RunAs {
  /// Empty, or the caller himself: no change of ids (rootless, proxy). Capabilities are always
  /// given up, so root without a user to drop to is bound by file modes as well.
  std::optional<UserIds> user{};
  /// Work inside this sandbox's mount and network namespaces, when it has any; null: the caller's.
  const Sandbox* sandbox = nullptr;
  /// The work is killed after this.
  std::chrono::milliseconds limit{30'000};
};

/// What the work hands back: text or bytes, and descriptors it opened (at most 16).
struct RunResult {
  std::string bytes{};
  std::vector<UniqueFd> fds{};
};

/// Runs `work` in a forked process with the user's rights and waits for it. `work` may throw
/// Error; kind, message and hint arrive here. It must not touch the event loop. Blocks the caller
/// meanwhile. umask of the work is 022.
/// @throws Error of the work; Operation when it died or exceeded the limit; Unavailable when the
///         ids could not be changed
RunResult run_as_user(const RunAs& as, const std::function<RunResult()>& work);

}  // namespace tinet
