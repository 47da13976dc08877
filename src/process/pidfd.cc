#include "src/process/pidfd.h"

#include <cerrno>
#include <string>

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/process/child_entry.h"

namespace tinet {

namespace {

constexpr auto kPidfd = static_cast<idtype_t>(3);  // P_PIDFD, in <sys/wait.h> since glibc 2.36

}  // namespace

UniqueFd open_pidfd(pid_t pid) {
  UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (const int error = errno; !fd && error != ESRCH) {
    throw_errno(error, "cannot open process " + std::to_string(pid));
  }
  return fd;
}

Delivery send_signal(int pidfd, int signal) {
  const auto result = ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
  if (const int error = errno; result < 0) {
    if (error == ESRCH) {
      return Delivery::Gone;
    }
    throw_errno(error, "cannot send " + signal_name(signal));
  }
  return Delivery::Sent;
}

bool has_ended(int pidfd) noexcept {
  return wait_ended(pidfd, std::chrono::milliseconds(0));
}

bool wait_ended(int pidfd, std::chrono::milliseconds limit) noexcept {
  return wait_readable(pidfd, limit);
}

std::optional<ExitStatus> reap(int pidfd) noexcept {
  siginfo_t info{};
  const int result = ::waitid(kPidfd, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG);
  TINET_ASSERT(result == 0 || errno != ECHILD);
  if (result != 0 || info.si_pid == 0) {
    return std::nullopt;
  }
  if (info.si_code == CLD_EXITED) {
    return ExitStatus::exited(info.si_status);
  }
  return ExitStatus::killed(info.si_status, info.si_code == CLD_DUMPED);
}

}  // namespace tinet
