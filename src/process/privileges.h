#pragma once
/// Giving privileges up in a forked child. Planned in the parent, where memory may be allocated and
/// files read; applied in the child with plain system calls only.

#include <optional>
#include <vector>

#include <sys/types.h>

#include "src/process/user.h"

namespace tinet {

/// How a child gets from the caller's identity to the target's.
struct PrivilegePlan {
  bool change_ids = false;
  bool change_groups = false;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  /// The caller may change the bounding set and the secure bits (CAP_SETPCAP).
  bool has_setpcap = false;
};

/// Plans the change from the caller to `user`; none, or a user that the caller already is, keeps
/// the ids.
[[nodiscard]] PrivilegePlan plan_privileges(const std::optional<UserIds>& user);

/// Becomes the user, for good and without any capability in any set, and sets no_new_privs.
/// Async-signal-safe. Clears PR_SET_PDEATHSIG and the dumpable flag when ids change.
/// @return 0, or errno of the step that failed; the process must then end
[[nodiscard]] int apply_privileges(const PrivilegePlan& plan) noexcept;

}  // namespace tinet
