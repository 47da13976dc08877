#pragma once
/// What every process that the supervisor forks needs: forking without the C library's fork
/// handlers, dying with the parent, closing descriptors, reporting back.

#include <chrono>

#include <signal.h>
#include <sys/types.h>

#include "src/base/unique_fd.h"

namespace tinet {

/// Blocks every signal while it lives, so that handlers of the parent cannot run in a forked child.
class BlockedSignals {
 public:
  BlockedSignals() noexcept;
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  BlockedSignals(BlockedSignals&&) = delete;
  BlockedSignals& operator=(BlockedSignals&&) = delete;
  ~BlockedSignals();

 private:
  sigset_t saved_;
};

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

/// Both ends close-on-exec.
/// @throws Error
[[nodiscard]] Pipe open_pipe();

/// Waits until `fd` can be read or its other end is closed.
/// @return false when the limit passed first
[[nodiscard]] bool wait_readable(int fd, std::chrono::milliseconds limit) noexcept;

/// clone(2) as fork, with extra `flags`; the child may make async-signal-safe calls only.
/// @return as fork(2), with errno
[[nodiscard]] pid_t raw_fork(unsigned long flags) noexcept;

// The following are for the child: async-signal-safe.

/// Asks the kernel for SIGKILL when the parent's thread ends.
/// @param parent_pidfd opened by the parent on itself: its pid is not visible in a PID namespace
/// @return 0, ESRCH when the parent is gone already, or errno
[[nodiscard]] int die_with_parent(int parent_pidfd) noexcept;

/// Closes every descriptor except one.
void close_all_but(int fd) noexcept;

/// Default action for every signal, none blocked.
void reset_signals() noexcept;

}  // namespace tinet
