#include "src/process/child_entry.h"

#include <algorithm>
#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/process/pidfd.h"

namespace tinet {

BlockedSignals::BlockedSignals() noexcept {
  sigset_t all;
  sigfillset(&all);
  static_cast<void>(::pthread_sigmask(SIG_SETMASK, &all, &saved_));
}

BlockedSignals::~BlockedSignals() {
  static_cast<void>(::pthread_sigmask(SIG_SETMASK, &saved_, nullptr));
}

Pipe open_pipe() {
  int ends[2] = {-1, -1};
  const int result = ::pipe2(ends, O_CLOEXEC);
  if (const int error = errno; result != 0) {
    throw_errno(error, "cannot open a pipe");
  }
  return {.read_end = UniqueFd(ends[0]), .write_end = UniqueFd(ends[1])};
}

bool wait_readable(int fd, std::chrono::milliseconds limit) noexcept {
  const auto end = std::chrono::steady_clock::now() + limit;
  pollfd item{.fd = fd, .events = POLLIN, .revents = 0};
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    const int ready =
        ::poll(&item, 1, static_cast<int>(std::clamp<long long>(left.count(), 0, INT_MAX)));
    if (ready >= 0 || errno != EINTR) {
      return ready > 0;
    }
  }
}

pid_t raw_fork(unsigned long flags) noexcept {
  return static_cast<pid_t>(::syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, 0));
}

int die_with_parent(int parent_pidfd) noexcept {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
    return errno;
  }
  // The parent may have died before the request.
  return has_ended(parent_pidfd) ? ESRCH : 0;
}

void close_all_but(int fd) noexcept {
  const auto kept = static_cast<unsigned>(fd);
  if (kept > 0) {
    static_cast<void>(::syscall(SYS_close_range, 0U, kept - 1, 0U));
  }
  static_cast<void>(::syscall(SYS_close_range, kept + 1, ~0U, 0U));
}

void reset_signals() noexcept {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    static_cast<void>(::sigaction(signal, &standard, nullptr));  // KILL and STOP refuse; fine
  }
  sigset_t none;
  sigemptyset(&none);
  static_cast<void>(::pthread_sigmask(SIG_SETMASK, &none, nullptr));
}

}  // namespace tinet
