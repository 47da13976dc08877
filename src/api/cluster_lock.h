#pragma once
/// The lock file that says whether a cluster lives. Internal to src/api.

#include "src/base/unique_fd.h"

namespace tinet {

/// Whether somebody holds the lock of this state directory. Takes and drops a shared lock, which
/// try_lock() tells apart from a living cluster's exclusive one.
[[nodiscard]] bool is_locked(int directory) noexcept;

/// What came of trying to take the lock.
struct LockAttempt {
  UniqueFd lock;                ///< empty: a living cluster holds it, or the next member is set
  bool directory_gone = false;  ///< the directory was removed meanwhile; make it again
};

/// Creates the lock file when it is missing and takes the lock; it is held until the descriptor and
/// all its copies are closed.
/// @throws Error when the file can't be made or locked
[[nodiscard]] LockAttempt try_lock(int directory);

/// The lock's file name.
inline constexpr const char* kLockName = "lock";

}  // namespace tinet
