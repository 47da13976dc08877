#include "src/api/cluster_lock.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "src/api/directory.h"
#include "src/base/error.h"

namespace tinet {

namespace {

/// Far more than the commands that can look at one cluster in the same microseconds.
constexpr int kTriesMax = 10'000;

/// False when the name was removed or replaced after we opened it: then our lock guards nothing.
bool still_has_the_name(int directory, int file) noexcept {
  struct stat named {};
  if (::fstatat(directory, kLockName, &named, AT_SYMLINK_NOFOLLOW) != 0) {
    return false;
  }
  const auto opened = stat_of(file);
  return named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

}  // namespace

bool is_locked(int directory) noexcept {
  const UniqueFd file(
      ::openat(directory, kLockName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  return file && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

LockAttempt try_lock(int directory) {
  for (int attempt = 0; attempt < kTriesMax; ++attempt) {
    UniqueFd file(::openat(directory, kLockName,
                           O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    if (const int error = errno; !file) {
      if (error == ENOENT) {
        return {.lock = {}, .directory_gone = true};
      }
      throw_errno(error, "cannot open the lock of the state directory");
    }
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
      if (still_has_the_name(directory, file.get())) {
        return {.lock = std::move(file)};
      }
      continue;
    }
    if (const int error = errno; error != EWOULDBLOCK) {
      throw_errno(error, "cannot lock the state directory");
    }
    // A shared lock can only be had when no cluster lives: then somebody was just looking.
    if (::flock(file.get(), LOCK_SH | LOCK_NB) != 0) {
      return {};
    }
    file.reset();
    static_cast<void>(::sched_yield());
  }
  return {};
}

}  // namespace tinet
