#include "src/process/spawn.h"

#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/base/scope_exit.h"
#include "src/process/child_entry.h"
#include "src/process/exec_plan.h"

namespace tinet {

namespace {

/// Entering namespaces and exec take milliseconds; a program on a dead network file system may take
/// for ever, and the loop must not wait for that.
constexpr std::chrono::seconds kExecLimit{10};

/// What came of the fork; written by the helper below into the parent's memory.
struct Forked {
  pid_t pid = -1;
  int error = 0;
};

/// Forks into the PID namespace of a sandbox. A process cannot enter a PID namespace itself, only
/// its children can be born there, and to have entered one for one's children cannot be undone
/// without privilege over one's own. So a helper enters it and forks with CLONE_PARENT: the new
/// process is our child, not the helper's. vfork(2) lets the helper hand the pid over in our
/// memory and costs next to nothing.
Forked fork_into(const ExecPlan& plan) {
  volatile pid_t pid = -1;
  volatile int error = 0;
  const pid_t helper = ::vfork();
  if (helper == 0) {
    if (::setns(plan.entry.pidfd, CLONE_NEWPID) != 0) {
      error = errno;
      ::_exit(0);
    }
    const pid_t born = raw_fork(CLONE_PARENT);
    if (born == 0) {
      run_exec(plan);
    }
    error = errno;
    pid = born;
    ::_exit(0);
  }
  if (const int failed = errno; helper < 0) {
    return {.pid = -1, .error = failed};
  }
  while (::waitpid(helper, nullptr, 0) < 0 && errno == EINTR) {
  }
  return {.pid = pid, .error = error};
}

Forked fork_here(const ExecPlan& plan) {
  const pid_t pid = raw_fork(0);
  if (pid == 0) {
    run_exec(plan);
  }
  return {.pid = pid, .error = errno};
}

std::string describe(SpawnStep step, const SpawnOptions& options) {
  switch (step) {
    case SpawnStep::Cwd:
      return "cannot enter directory '" + options.cwd + "'";
    case SpawnStep::Exec:
      return "cannot execute '" + options.program + "'";
    case SpawnStep::Sandbox:
      return "cannot start '" + options.program + "' in its sandbox";
    case SpawnStep::Descriptors:
      return "cannot set up the descriptors of '" + options.program + "'";
    case SpawnStep::Privileges:
      return "cannot give up privileges for '" + options.program + "'";
    case SpawnStep::Prepare:
      break;
  }
  return "cannot start '" + options.program + "'";
}

std::string hint_for(SpawnStep step, int error, const SpawnOptions& options) {
  if (step == SpawnStep::Exec && error == ENOENT) {
    return "if the file exists, the interpreter or loader that it names does not";
  }
  if (step == SpawnStep::Exec && error == ENOEXEC) {
    return "it is no program of this machine; a script needs a first line like '#!/bin/sh'";
  }
  if (error == EACCES) {
    return "check the permissions for user " +
           std::to_string(options.user ? options.user->uid : ::geteuid());
  }
  return {};
}

[[noreturn]] void throw_spawn_error(const ExecReport& report, const SpawnOptions& options) {
  const bool about_path = report.step == SpawnStep::Exec || report.step == SpawnStep::Cwd;
  const bool gone = report.step == SpawnStep::Sandbox && report.error == ESRCH;
  const bool forbidden = report.error == EPERM || report.error == EACCES;
  const std::string cause =
      gone ? "the sandbox is gone" : std::generic_category().message(report.error);
  throw SpawnError(report.step, report.error,
                   about_path || forbidden ? ErrorKind::Unavailable : ErrorKind::Operation,
                   describe(report.step, options) + ": " + cause,
                   hint_for(report.step, report.error, options));
}

/// What the child reported; empty when it executed the program.
std::optional<ExecReport> read_report(int fd) {
  ExecReport report;
  if (!wait_readable(fd, kExecLimit)) {
    return ExecReport{.step = SpawnStep::Exec, .error = ETIMEDOUT};
  }
  const ssize_t size = ::read(fd, &report, sizeof report);
  if (size == 0) {
    return std::nullopt;
  }
  return size == sizeof report ? report : ExecReport{.step = SpawnStep::Prepare, .error = EIO};
}

}  // namespace

SpawnError::SpawnError(SpawnStep step, int error_number, ErrorKind kind, const std::string& message,
                       std::string hint)
    : Error(kind, message, std::move(hint)), step_(step), error_number_(error_number) {}

int SpawnError::shell_status() const noexcept {
  if (step_ != SpawnStep::Exec) {
    return 125;
  }
  return error_number_ == ENOENT || error_number_ == ENOTDIR ? 127 : 126;
}

Child::Child(std::shared_ptr<ProcessWatch> watch) : watch_(std::move(watch)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    if (watch_ != nullptr) {
      watch_->kill();
    }
    watch_ = std::move(other.watch_);
  }
  return *this;
}

Child::~Child() {
  if (watch_ != nullptr) {
    watch_->kill();
  }
}

Delivery Child::signal(int signal_number) const {
  return watch_->status() ? Delivery::Gone : send_signal(watch_->pidfd(), signal_number);
}

Child spawn(const boost::asio::any_io_executor& executor, const SpawnOptions& options) {
  const Sandbox* sandbox = options.sandbox;
  const auto gone = [sandbox] { return sandbox != nullptr && !sandbox->alive(); };
  if (gone()) {
    throw_spawn_error({.step = SpawnStep::Sandbox, .error = ESRCH}, options);
  }
  Pipe report_pipe = open_pipe();
  const ExecPlan plan = plan_exec(options, report_pipe.write_end.get());
  Forked forked;
  {
    const BlockedSignals blocked;
    forked = plan.entry.pidfd >= 0 ? fork_into(plan) : fork_here(plan);
  }
  if (forked.pid < 0) {
    // A PID namespace whose first process has ended meanwhile cannot take another one.
    throw_spawn_error({.step = sandbox != nullptr ? SpawnStep::Sandbox : SpawnStep::Prepare,
                       .error = gone() ? ESRCH : forked.error},
                      options);
  }
  ScopeExit kill_child([&forked] {
    static_cast<void>(::kill(forked.pid, SIGKILL));
    static_cast<void>(::waitpid(forked.pid, nullptr, 0));
  });
  report_pipe.write_end.reset();
  if (const auto report = read_report(report_pipe.read_end.get())) {
    throw_spawn_error(*report, options);
  }
  kill_child.dismiss();
  return Child(sandbox != nullptr ? sandbox->enclosure()->admit(executor, forked.pid)
                                  : ProcessWatch::start(executor, forked.pid));
}

}  // namespace tinet
