#pragma once
/// Performs a MountPlan in the calling process's mount namespace. Prepared in the parent, where
/// memory may be allocated; performed in the reaper with plain system calls only.

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "src/process/mount_plan.h"
#include "src/process/user.h"

namespace tinet {

/// Steps of building the file system view, in order.
enum class MountStep : int {
  Done,
  MakePrivate,
  NoSuid,
  OpenKept,
  OpenTmp,
  CoverTmp,
  MakeMountPoint,
  BindKept,
  WriteHosts,
  BindHosts,
  MountProc,
  Mask,
};

/// What failed: the step, errno, and the index of the path in its list.
struct MountFailure {
  MountStep step = MountStep::Done;
  int error = 0;
  int index = 0;
};

/// A path under /tmp that stays visible.
struct KeptPath {
  std::string path{};
  std::vector<std::string> components{};  ///< below /tmp
  int tree_fd = -1;
};

/// A plan with everything allocated that performing it needs.
struct PreparedMounts {
  MountPlan plan{};
  std::vector<KeptPath> kept{};
  /// Whose rights open paths and make mount points; none: the caller's.
  std::optional<UserIds> owner{};
};

/// Sorts out which paths need a bind.
/// @throws Error Usage for a relative path or one with ".."
[[nodiscard]] PreparedMounts prepare_mounts(const MountPlan& plan, const UserIds* owner);

/// Async-signal-safe. Clears PR_SET_PDEATHSIG and the dumpable flag when there is an owner.
[[nodiscard]] MountFailure perform_mounts(PreparedMounts& mounts) noexcept;

/// "cannot bind '/tmp/x/tikv-server' over the private /tmp".
[[nodiscard]] std::string describe(const MountFailure& failure, const PreparedMounts& mounts);

}  // namespace tinet
