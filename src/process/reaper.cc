#include "src/process/reaper.h"

#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/base/scope_exit.h"
#include "src/base/unique_fd.h"
#include "src/process/child_entry.h"
#include "src/process/mount_steps.h"
#include "src/process/pidfd.h"

namespace tinet {

namespace {

/// Mounting is a matter of milliseconds; a kept path on a dead network file system is not.
constexpr std::chrono::seconds kCreateLimit{10};

constexpr int kEnterNetns = -1;     ///< step of a report that is no MountStep
constexpr int kDieWithParent = -2;  ///< likewise

/// What the reaper says through the pipe when it is ready or has failed.
struct Report {
  int step = 0;
  int error = 0;
  int index = 0;
};

struct ReaperPlan {
  PreparedMounts mounts;
  int netns_fd;
  int parent_pidfd;
  int report_fd;
};

Report build(ReaperPlan& plan) noexcept {
  if (plan.netns_fd >= 0 && ::setns(plan.netns_fd, CLONE_NEWNET) != 0) {
    return {.step = kEnterNetns, .error = errno};
  }
  const MountFailure failure = perform_mounts(plan.mounts);
  if (failure.error != 0) {
    return {.step = static_cast<int>(failure.step), .error = failure.error, .index = failure.index};
  }
  // After the mounts: taking the owner's file rights resets both.
  if (::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) {
    return {.step = kDieWithParent, .error = errno};
  }
  return {.step = kDieWithParent, .error = die_with_parent(plan.parent_pidfd)};
}

/// Life of the reaper. Only async-signal-safe calls: it is a copy of a process that may have had
/// another thread.
[[noreturn]] void run_reaper(ReaperPlan& plan) noexcept {
  static_cast<void>(::prctl(PR_SET_NAME, "tinet-reaper", 0, 0, 0));
  // All signals stay blocked: the parent's handlers must not run here. Only SIGKILL counts.
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;  // orphans of the sandbox are reaped by the kernel
  static_cast<void>(::sigaction(SIGCHLD, &ignore, nullptr));
  static_cast<void>(::setsid());
  const Report report = build(plan);
  static_cast<void>(::chdir("/"));
  close_all_but(plan.report_fd);
  const bool told = ::write(plan.report_fd, &report, sizeof report) == sizeof report;
  ::close(plan.report_fd);
  if (report.error != 0 || !told) {
    ::_exit(1);
  }
  while (true) {
    ::pause();
  }
}

std::string describe(const Report& report, const PreparedMounts& mounts) {
  if (report.step == kEnterNetns) {
    return "cannot enter the instance's network namespace";
  }
  if (report.step == kDieWithParent) {
    return "cannot tie the reaper to the supervisor";
  }
  return tinet::describe(
      MountFailure{static_cast<MountStep>(report.step), report.error, report.index}, mounts);
}

/// Identity of a process's PID namespace; empty when the process is gone or a zombie.
std::optional<std::pair<dev_t, ino_t>> pid_namespace(pid_t pid) {
  struct stat info {};
  if (::stat(("/proc/" + std::to_string(pid) + "/ns/pid").c_str(), &info) != 0) {
    return std::nullopt;
  }
  return std::pair(info.st_dev, info.st_ino);
}

/// The reaper's report; empty when it died or hung before it could say anything.
std::optional<Report> read_report(int fd) {
  Report report;
  if (!wait_readable(fd, kCreateLimit) || ::read(fd, &report, sizeof report) != sizeof report) {
    return std::nullopt;
  }
  return report;
}

}  // namespace

Reaper::Reaper(std::shared_ptr<ProcessWatch> process, bool has_netns)
    : process_(std::move(process)), has_netns_(has_netns) {}

std::shared_ptr<Reaper> Reaper::create(const boost::asio::any_io_executor& executor,
                                       const SandboxOptions& options) {
  const std::string what = "cannot make the sandbox of '" + options.name + "'";
  Pipe report_pipe = open_pipe();
  const UniqueFd self = open_pidfd(::getpid());
  ReaperPlan plan{.mounts = prepare_mounts(options.mounts, options.owner),
                  .netns_fd = options.netns_fd,
                  .parent_pidfd = self.get(),
                  .report_fd = report_pipe.write_end.get()};
  const BlockedSignals blocked;
  const pid_t pid = raw_fork(CLONE_NEWPID | CLONE_NEWNS);
  if (pid == 0) {
    run_reaper(plan);
  }
  if (const int error = errno; pid < 0) {
    throw_errno(error, what, "it needs root, or a user namespace (--network rootless)");
  }

  report_pipe.write_end.reset();
  ScopeExit kill_reaper([pid] {
    static_cast<void>(::kill(pid, SIGKILL));
    static_cast<void>(::waitpid(pid, nullptr, 0));
  });
  const std::optional<Report> report = read_report(report_pipe.read_end.get());
  if (!report) {
    throw_operation(what + ": its reaper did not become ready within 10 s or was killed");
  }
  if (report->error != 0) {
    throw_errno(report->error, what + ": " + describe(*report, plan.mounts));
  }
  kill_reaper.dismiss();
  return std::shared_ptr<Reaper>(
      new Reaper(ProcessWatch::start(executor, pid), options.netns_fd >= 0));
}

bool Reaper::alive() const noexcept {
  return !process_->status() && !has_ended(process_->pidfd());
}

EntryPlan Reaper::entry() const noexcept {
  return {.pidfd = process_->pidfd(), .flags = CLONE_NEWNS | (has_netns_ ? CLONE_NEWNET : 0)};
}

std::shared_ptr<ProcessWatch> Reaper::admit(const boost::asio::any_io_executor& on, pid_t pid) {
  return ProcessWatch::start(on, pid, process_);
}

std::vector<ProcessEntry> Reaper::members() const {
  std::vector<ProcessEntry> found;
  const auto wanted = pid_namespace(reaper_pid());
  if (!wanted || !alive()) {
    return found;
  }
  for (const pid_t pid : all_pids()) {
    if (pid == reaper_pid() || pid_namespace(pid) != wanted) {
      continue;
    }
    // Asked again after the entry was read, which therefore is of a member or fits nobody.
    const auto entry = read_process(pid);
    if (entry && pid_namespace(pid) == wanted) {
      found.push_back(*entry);
    }
  }
  return found;
}

}  // namespace tinet
