#include "src/process/process_watch.h"

#include <cerrno>
#include <chrono>
#include <set>
#include <string>
#include <utility>

#include <signal.h>
#include <sys/wait.h>

#include <boost/system/system_error.hpp>

#include "src/base/error.h"
#include "src/base/scope_exit.h"
#include "src/process/pidfd.h"

namespace tinet {

namespace {

/// How long the end of a loop waits for a killed child; more than the kernel ever needs, unless
/// the child hangs in uninterruptible I/O.
constexpr std::chrono::seconds kReapLimit{2};

/// Pids of this process's children that have a record. One for the process, as its children are.
std::set<pid_t>& watched() {
  static std::set<pid_t> pids;
  return pids;
}

}  // namespace

bool ProcessWatch::is_watched(pid_t pid) {
  return watched().contains(pid);
}

std::shared_ptr<ProcessWatch> ProcessWatch::start(const boost::asio::any_io_executor& executor,
                                                  pid_t pid, std::shared_ptr<ProcessWatch> before) {
  ScopeExit kill_child([pid] {
    static_cast<void>(::kill(pid, SIGKILL));
    static_cast<void>(::waitpid(pid, nullptr, 0));
  });
  try {
    std::shared_ptr<ProcessWatch> watch(new ProcessWatch(executor, pid, std::move(before)));
    kill_child.dismiss();
    watch->await_end();
    return watch;
  } catch (const boost::system::system_error& failure) {
    throw_errno(failure.code().value(), "cannot watch process " + std::to_string(pid));
  }
}

ProcessWatch::ProcessWatch(const boost::asio::any_io_executor& executor, pid_t pid,
                           std::shared_ptr<ProcessWatch> before)
    : waiters_(executor),
      before_(std::move(before)),
      pid_(pid),
      pidfd_(open_pidfd(pid)),
      readiness_(executor, pidfd_.get()) {
  watched().insert(pid_);
}

ProcessWatch::~ProcessWatch() {
  if (status()) {
    return;
  }
  // Only when the loop is destroyed, or could not take the watch.
  static_cast<void>(readiness_.release());
  kill();
  if (wait_ended(pidfd_.get(), kReapLimit)) {
    static_cast<void>(reap(pidfd_.get()));
  }
  watched().erase(pid_);
}

void ProcessWatch::kill() noexcept {
  if (!status()) {
    static_cast<void>(::kill(pid_, SIGKILL));  // unreaped, so the pid still names it
  }
}

void ProcessWatch::await_end() {
  readiness_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                        [watch = shared_from_this()](boost::system::error_code error) {
                          TINET_ASSERT(!error);  // nobody cancels it; a destroyed loop drops it
                          // Being woken is no proof: the loop may hand on an event that was meant
                          // for a descriptor closed before, and a debugger that traces the child is
                          // told of its end first.
                          if (const auto status = reap(watch->pidfd_.get())) {
                            watch->finish(*status);
                          } else {
                            watch->await_end();
                          }
                        });
}

void ProcessWatch::finish(ExitStatus status) {
  watched().erase(pid_);
  static_cast<void>(readiness_.release());
  before_.reset();
  waiters_.complete(status);
}

}  // namespace tinet
