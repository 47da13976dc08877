#pragma once
/// Who the work is done for: the user who called tinet, also through sudo.

#include <string>
#include <vector>

#include <sys/types.h>

namespace tinet {

/// A user with everything that a process needs to become that user.
struct UserIds {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups{};  ///< supplementary groups, sorted, gid included
  std::string name{};           ///< empty when the password database does not know the uid
  std::string home{};           ///< "/" when unknown
  std::string shell{};          ///< "/bin/sh" when unknown
};

/// The user of SUDO_UID and SUDO_GID when the caller is root and both are valid numbers, else the
/// caller. Home and name come from the password database, never from HOME or USER: sudo may keep
/// root's. The caller's own groups are those of this process; another user's come from the group
/// database. Reads the databases (may block on a network directory).
[[nodiscard]] UserIds invoking_user();

/// The user that this process runs as (effective ids and its present supplementary groups).
[[nodiscard]] UserIds current_user();

/// `uid` with primary group `gid`, as the databases know them.
[[nodiscard]] UserIds user_with_ids(uid_t uid, gid_t gid);

}  // namespace tinet
