#include "src/process/exec_plan.h"

#include <cerrno>

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/process/child_entry.h"
#include "src/process/pidfd.h"

namespace tinet {

namespace {

[[noreturn]] void fail(const ExecPlan& plan, SpawnStep step, int error) noexcept {
  const ExecReport report{.step = step, .error = error};
  static_cast<void>(!::write(plan.report_fd, &report, sizeof report));
  ::_exit(127);
}

void enter_sandbox(const ExecPlan& plan) noexcept {
  if (plan.entry.pidfd >= 0 && ::setns(plan.entry.pidfd, plan.entry.flags) != 0) {
    fail(plan, SpawnStep::Sandbox, errno);
  }
  if (plan.entry.adopts_orphans && ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
    fail(plan, SpawnStep::Sandbox, errno);
  }
  if (plan.netns_fd >= 0 && ::setns(plan.netns_fd, CLONE_NEWNET) != 0) {
    fail(plan, SpawnStep::Sandbox, errno);
  }
}

/// Puts the three descriptors in place, by way of copies: a source may be 0, 1 or 2 itself.
void place_stdio(const ExecPlan& plan) noexcept {
  int copies[3] = {-1, -1, -1};
  for (int i = 0; i < 3; ++i) {
    copies[i] = ::fcntl(plan.stdio[i], F_DUPFD_CLOEXEC, 3);
    if (copies[i] < 0) {
      fail(plan, SpawnStep::Descriptors, errno);
    }
  }
  for (int i = 0; i < 3; ++i) {
    if (::dup2(copies[i], i) < 0) {
      fail(plan, SpawnStep::Descriptors, errno);
    }
  }
  // Marked rather than closed: the report pipe and the parent's pidfd are needed until exec.
  if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    fail(plan, SpawnStep::Descriptors, errno);
  }
}

void lead_group_or_session(const ExecPlan& plan) noexcept {
  if (plan.terminal_fd < 0) {
    static_cast<void>(::setpgid(0, 0));
    return;
  }
  if (::setsid() < 0 || ::ioctl(plan.terminal_fd, TIOCSCTTY, 0) != 0) {
    fail(plan, SpawnStep::Descriptors, errno);
  }
}

void raise_limits() noexcept {
  for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
    // A large stack limit changes the address space layout and the threads' stacks; it stays.
    if (resource == RLIMIT_STACK) {
      continue;
    }
    rlimit limit{};
    if (::syscall(SYS_prlimit64, 0, resource, nullptr, &limit) == 0 &&
        limit.rlim_cur != limit.rlim_max) {
      limit.rlim_cur = limit.rlim_max;
      static_cast<void>(::syscall(SYS_prlimit64, 0, resource, &limit, nullptr));
    }
  }
}

}  // namespace

ExecPlan plan_exec(const SpawnOptions& options, int report_fd) {
  ExecPlan plan;
  plan.program = options.program;
  plan.cwd = options.cwd;
  plan.words.push_back(options.argv0.empty() ? options.program : options.argv0);
  plan.words.insert(plan.words.end(), options.args.begin(), options.args.end());
  plan.words.insert(plan.words.end(), options.env.begin(), options.env.end());
  const std::size_t argc = 1 + options.args.size();
  for (std::size_t i = 0; i < plan.words.size(); ++i) {
    (i < argc ? plan.argv : plan.envp).push_back(plan.words[i].data());
  }
  plan.argv.push_back(nullptr);
  plan.envp.push_back(nullptr);

  plan.null_device = UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (const int error = errno; !plan.null_device) {
    throw_errno(error, "cannot open '/dev/null'");
  }
  plan.terminal_fd = options.pty_slave_fd;
  const int standard = plan.terminal_fd >= 0 ? plan.terminal_fd : plan.null_device.get();
  const int given[3] = {options.stdin_fd, options.stdout_fd, options.stderr_fd};
  for (int i = 0; i < 3; ++i) {
    plan.stdio[i] = given[i] >= 0 ? given[i] : standard;
  }
  plan.umask = options.umask;
  if (options.sandbox != nullptr) {
    plan.entry = options.sandbox->enclosure()->entry();
  }
  plan.netns_fd = options.netns_fd;
  plan.parent_pidfd = open_pidfd(::getpid());
  plan.report_fd = report_fd;
  plan.privileges = plan_privileges(options.user);
  return plan;
}

void run_exec(const ExecPlan& plan) noexcept {
  enter_sandbox(plan);
  lead_group_or_session(plan);
  place_stdio(plan);
  raise_limits();
  if (const int error = apply_privileges(plan.privileges); error != 0) {
    fail(plan, SpawnStep::Privileges, error);
  }
  ::umask(plan.umask);
  if (::chdir(plan.cwd.c_str()) != 0) {
    fail(plan, SpawnStep::Cwd, errno);
  }
  // Last, because a change of ids resets it.
  if (const int error = die_with_parent(plan.parent_pidfd.get()); error != 0) {
    fail(plan, SpawnStep::Privileges, error);
  }
  reset_signals();
  ::execve(plan.program.c_str(), plan.argv.data(), plan.envp.data());
  fail(plan, SpawnStep::Exec, errno);
}

}  // namespace tinet
