#pragma once
/// Giving up every privilege for good, and looking at what a process has.
/// @see capabilities(7)

#include <cstddef>
#include <cstdint>
#include <optional>

#include <sys/types.h>

namespace tinet {

/// Who a child becomes.
struct TargetUser {
  uid_t uid = 0;
  gid_t gid = 0;
  const gid_t* groups = nullptr;  ///< supplementary groups
  std::size_t group_count = 0;
  /// False in a user namespace whose setgroups is denied: the groups then stay as they are.
  bool set_groups = true;
};

/// Steps of drop_privileges(), for the error message of the parent.
enum class DropStep : std::uint8_t {
  None,
  Ambient,
  Bounding,
  Groups,
  Gid,
  Uid,
  Capabilities,
  NoNewPrivileges,
};

struct DropFailure {
  DropStep step = DropStep::None;  ///< None: everything was done
  int error = 0;
};

/// Gives up all capabilities in every set (ambient, bounding, inheritable, permitted, effective),
/// so that even uid 0 gets none back by executing a program; becomes `user`; sets no_new_privs.
/// Needs CAP_SETPCAP, CAP_SETGID and CAP_SETUID to begin with; without CAP_SETPCAP the bounding set
/// is left as it is, since nothing could be gained through it after no_new_privs.
///
/// Async-signal-safe: raw system calls only, no allocation. For the calling thread only, hence for
/// the child between fork(2) and exec(2).
[[nodiscard]] DropFailure drop_privileges(const TargetUser& user) noexcept;

/// "cannot set the user id of the child" and alike.
[[nodiscard]] const char* describe(DropStep step) noexcept;

/// The five capability sets as bit masks.
struct Capabilities {
  std::uint64_t inheritable = 0;
  std::uint64_t permitted = 0;
  std::uint64_t effective = 0;
  std::uint64_t bounding = 0;
  std::uint64_t ambient = 0;
  bool no_new_privileges = false;
  [[nodiscard]] bool none() const noexcept {
    return (inheritable | permitted | effective | bounding | ambient) == 0;
  }
};

/// Sets of a process, from /proc/PID/status; nullopt when there is no such process.
[[nodiscard]] std::optional<Capabilities> capabilities_of(pid_t pid);

/// Whether the calling thread has this capability (CAP_NET_ADMIN, ...) in effect in its user
/// namespace.
[[nodiscard]] bool has_capability(unsigned capability);

}  // namespace tinet
