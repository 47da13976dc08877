#pragma once
/// The supervisor's own state directory: lock, control socket, state.json, journal and links to its
/// namespaces. Finding other people's is src/api/cluster_handle.h.

#include <string>
#include <string_view>

#include <sys/types.h>

#include <boost/json/fwd.hpp>

#include "src/api/cluster_handle.h"
#include "src/base/unique_fd.h"

namespace tinet {

/// Who started the cluster. With a root supervisor the directory stays root's, so that nobody can
/// replace what is in it; what the owner must open is given to him.
struct StateOwner {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Owns one state directory from create() to its destruction, which removes it. A supervisor that
/// dies without that leaves the directory with a free lock: the next create() of the same path, and
/// `tinet cleanup`, sweep it.
///
/// The lock lives as long as any copy of its descriptor: a child that goes on without exec(2) must
/// close lock_fd().
class StateDir {
 public:
  /// Makes the directories, takes the lock, then removes what a dead cluster left. Directories of a
  /// root supervisor are root's and 0755, those of a user 0700. Call it before unshare(2) of a user
  /// namespace, in which ids have other numbers.
  /// @param path STATE; its last component is the tag
  /// @throws Error Conflict when a living cluster has it, or when somebody else's directory or a
  ///         symbolic link is in the way
  [[nodiscard]] static StateDir create(const std::string& path, StateOwner owner);

  StateDir(StateDir&&) noexcept = default;
  StateDir& operator=(StateDir&&) = delete;
  StateDir(const StateDir&) = delete;
  StateDir& operator=(const StateDir&) = delete;
  ~StateDir() { remove(); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string socket_path() const { return path_ + "/control.sock"; }
  [[nodiscard]] StateOwner owner() const noexcept { return owner_; }
  [[nodiscard]] int lock_fd() const noexcept { return lock_.get(); }

  /// Replaces state.json; a reader sees the old or the new document, also after a power cut.
  /// @throws Error
  void write_state(const boost::json::value& document);

  /// Creates or opens a file of this directory for appending (the journal), readable by the owner.
  /// @throws Error
  [[nodiscard]] UniqueFd open_append(const std::string& name);

  /// Makes or replaces `netns/NAME`, a symbolic link to a descriptor of this process, so that
  /// `nsenter --net=STATE/netns/NAME` works for whoever may look into /proc/PID/fd.
  /// @throws Error
  void link_namespace(const std::string& name, int fd);

  /// Removes the directory and gives the lock back. Best effort; further calls do nothing.
  void remove() noexcept;

 private:
  StateDir(std::string path, StateOwner owner, UniqueFd directory, UniqueFd lock);
  [[nodiscard]] UniqueFd open_file(const std::string& name, int flags);
  void write_pid() const;
  void give_to_owner(int fd, mode_t mode, const std::string& name) const;

  std::string path_;
  StateOwner owner_;
  UniqueFd directory_;
  UniqueFd lock_;
};

}  // namespace tinet
