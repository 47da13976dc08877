#pragma once
/// What the file system of an instance looks like, as data. Computed by the caller, performed once
/// by the sandbox's reaper in its own mount namespace; the host's mounts never change.

#include <string>
#include <vector>

namespace tinet {

/// All paths are absolute. An empty plan keeps the host's view (apart from /proc, which always
/// shows the sandbox's own processes unless `mount_proc` is false).
struct MountPlan {
  /// Directory bound over /tmp; must exist and belong to the target user. Empty: /tmp is the
  /// host's.
  std::string tmp_source{};
  /// Files and directories under /tmp that stay visible at the same path: programs, configs, data
  /// directories, working directories. They must exist. Paths outside /tmp, and those below another
  /// kept directory, need nothing and are skipped; /tmp itself cannot be kept. Their mount points
  /// (empty files and directories) are made in `tmp_source` with the target user's rights.
  std::vector<std::string> kept_under_tmp{};
  /// Content of /etc/hosts, bound read-only. Empty: the host's.
  std::string hosts{};
  /// Directories that appear empty and read-only; those that do not exist are skipped. Applied
  /// last, so that they also hide what a kept directory shows.
  std::vector<std::string> masked{};
  /// Mount a /proc that shows only the sandbox's processes. Some containers forbid that (EPERM,
  /// step "mount /proc").
  bool mount_proc = true;
};

}  // namespace tinet
