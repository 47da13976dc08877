#include "src/process/guard.h"

#include <cerrno>
#include <csignal>
#include <exception>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/process/child_entry.h"
#include "src/process/kill_tree.h"
#include "src/process/pidfd.h"

namespace tinet {

namespace {

/// Between two looks when the machine has no descriptor or memory to look with.
constexpr timespec kNextTry{.tv_sec = 0, .tv_nsec = 100'000'000};

/// Nothing of the caller's stays open: a pipe that somebody reads to its end would never end, and
/// the cluster's lock would outlive the cluster.
void close_everything() noexcept {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int standard = 0; standard <= 2; ++standard) {
    static_cast<void>(::dup2(null, standard));
  }
  static_cast<void>(::close_range(3, ~0U, 0));
  static_cast<void>(::chdir("/"));
}

/// Passes signals on until the supervisor has ended, and reaps whatever ends meanwhile.
/// @return its wait status
int await_supervisor(pid_t supervisor) noexcept {
  sigset_t all;
  sigfillset(&all);
  while (true) {
    int status = 0;
    for (pid_t ended = 0; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (ended == supervisor) {
        return status;
      }
    }
    const int signal = ::sigwaitinfo(&all, nullptr);
    if (signal == SIGTERM || signal == SIGINT) {
      static_cast<void>(::kill(supervisor, SIGTERM));
    }
  }
}

/// Every round kills before it waits, so one that a round has missed is found by a later one: the
/// process that brought it forth was killed, and the end of a child of ours makes the next round.
void kill_the_rest() noexcept {
  while (true) {
    pid_t ended = 0;
    while ((ended = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (ended < 0) {
      return;  // no child is left
    }
    try {
      kill_trees(own_children());
      static_cast<void>(::waitpid(-1, nullptr, 0));
    } catch (const std::exception&) {
      static_cast<void>(::nanosleep(&kNextTry, nullptr));
    }
  }
}

/// Ends this process as the supervisor ended, so that whoever waits is told the truth.
[[noreturn]] void end_as(int status) noexcept {
  if (WIFSIGNALED(status)) {
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    static_cast<void>(::setrlimit(RLIMIT_CORE, &none));  // the supervisor has written its own
    reset_signals();
    static_cast<void>(::raise(WTERMSIG(status)));
  }
  // Not exit(): destructors and exit handlers belong to the supervisor.
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

[[noreturn]] void stand_guard(pid_t supervisor) noexcept {
  static_cast<void>(::prctl(PR_SET_NAME, "tinet-guard", 0, 0, 0));
  close_everything();
  const int status = await_supervisor(supervisor);
  kill_the_rest();
  end_as(status);
}

void enter_guarded(int guard_pidfd) {
  const int requested = ::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
  if (const int error = errno; requested != 0) {
    throw_errno(error, "cannot tie the supervisor to its guard");
  }
  if (has_ended(guard_pidfd)) {
    throw_operation("the supervisor's guard has ended");
  }
  static_cast<void>(::setsid());
  become_subreaper();
}

}  // namespace

int run_guarded(const std::function<int()>& supervisor) {
  become_subreaper();
  static_cast<void>(std::signal(SIGCHLD, SIG_DFL));  // ignored, it would take the children's status
  UniqueFd guard = open_pidfd(::getpid());
  {
    // Stay blocked in the guard, which fetches them.
    const BlockedSignals blocked;
    const pid_t pid = ::fork();  // the C library's: the supervisor is a whole program
    if (const int error = errno; pid < 0) {
      throw_errno(error, "cannot start the supervisor under a guard");
    }
    if (pid > 0) {
      stand_guard(pid);
    }
  }
  enter_guarded(guard.get());
  guard.reset();
  return supervisor();
}

}  // namespace tinet
