#pragma once
/// Where clusters live, and which ones a user has. One directory per cluster (design: "State
/// directory"), in one of a few places keyed by the invoking user; a command looks in all of them,
/// with or without root.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include <boost/json/fwd.hpp>

namespace tinet {

/// The directories that hold state directories. The defaults are the real ones; tests bring their
/// own.
struct StateBases {
  std::string root = "/run/tinet";     ///< ROOT/UID/TAG: clusters whose supervisor is root
  uid_t root_owner = 0;                ///< who owns everything below `root`
  std::string xdg_runtime_dir;         ///< XDG/tinet/TAG, when it belongs to the user
  std::string run_user = "/run/user";  ///< RUN_USER/UID/tinet/TAG, when that belongs to the user
  std::string tmp = "/tmp";            ///< TMP/tinet-UID/TAG, the last resort

  /// The real places, with the XDG_RUNTIME_DIR of this process.
  [[nodiscard]] static StateBases from_environment();
};

/// One state directory that was found.
struct ClusterHandle {
  std::string tag;
  std::string path;         ///< the state directory, absolute
  uid_t owner = 0;          ///< the invoking user it was found for
  bool root_owned = false;  ///< its supervisor runs as root
  bool alive = false;       ///< its supervisor held the lock when we looked

  /// Path of the control socket.
  [[nodiscard]] std::string socket_path() const { return path + "/control.sock"; }
};

/// True for `[a-z0-9][a-z0-9-]{0,31}`.
[[nodiscard]] bool is_valid_tag(std::string_view tag) noexcept;
/// @throws Error Usage, with the rule as hint
void check_tag(std::string_view tag);

/// The state directory of a new cluster; creates nothing.
/// @param as_root the supervisor will run as root
[[nodiscard]] std::string state_path(uid_t uid, std::string_view tag, bool as_root,
                                     const StateBases& bases = StateBases::from_environment());

/// The directories that hold the user's state directories, whether they exist or not: those of
/// `bases` that are the user's.
[[nodiscard]] std::vector<std::string> state_places(
    uid_t uid, const StateBases& bases = StateBases::from_environment());

/// All state directories of the user, by tag, living ones before dead ones of the same tag.
/// Directories that somebody else owns, that are symbolic links, or that this process may not read
/// are left out.
[[nodiscard]] std::vector<ClusterHandle> find_clusters(
    uid_t uid, const StateBases& bases = StateBases::from_environment());

/// The user's cluster of that name, the living one if there are several directories.
[[nodiscard]] std::optional<ClusterHandle> find_cluster(
    uid_t uid, std::string_view tag, const StateBases& bases = StateBases::from_environment());

/// The cluster's state.json; null when there is none or it can't be read.
[[nodiscard]] boost::json::value read_state(const ClusterHandle& cluster);

/// Removes the state directory of a dead cluster.
/// @return false when it is alive, or already gone
/// @throws Error Unavailable when it belongs to root and the caller is not
bool remove_dead_cluster(const ClusterHandle& cluster);

}  // namespace tinet
