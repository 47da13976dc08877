#include "src/process/process_watch.h"

#include <cerrno>
#include <chrono>
#include <string>

#include <signal.h>
#include <sys/wait.h>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include "src/base/error.h"
#include "src/base/scope_exit.h"
#include "src/process/pidfd.h"

namespace tinet {

namespace {

/// How long the end of a loop waits for a killed child; more than the kernel ever needs, unless
/// the child hangs in uninterruptible I/O.
constexpr std::chrono::seconds kReapLimit{2};

}  // namespace

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

ProcessWatch::ProcessWatch(boost::asio::any_io_executor executor, pid_t pid,
                           std::shared_ptr<ProcessWatch> before)
    : executor_(std::move(executor)),
      before_(std::move(before)),
      pid_(pid),
      pidfd_(open_pidfd(pid)),
      readiness_(executor_, pidfd_.get()) {}

ProcessWatch::~ProcessWatch() {
  if (status_) {
    return;
  }
  // Only when the loop is destroyed, or could not take the watch.
  static_cast<void>(readiness_.release());
  kill();
  if (wait_ended(pidfd_.get(), kReapLimit)) {
    static_cast<void>(reap(pidfd_.get()));
  }
}

void ProcessWatch::kill() noexcept {
  if (!status_) {
    static_cast<void>(::kill(pid_, SIGKILL));  // unreaped, so the pid still names it
  }
}

ProcessWatch::WaiterId ProcessWatch::add_waiter(Waiter waiter) {
  const WaiterId id = next_waiter_++;
  if (status_) {
    boost::asio::post(executor_, [waiter = std::move(waiter), status = *status_] {
      waiter(boost::system::error_code{}, status);
    });
  } else {
    waiters_.emplace(id, std::move(waiter));
  }
  return id;
}

void ProcessWatch::cancel_waiter(WaiterId id) {
  if (auto found = waiters_.extract(id)) {
    boost::asio::post(executor_, [waiter = std::move(found.mapped())] {
      waiter(boost::asio::error::operation_aborted, ExitStatus{});
    });
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
  status_ = status;
  static_cast<void>(readiness_.release());
  before_.reset();
  for (auto& [id, waiter] : std::exchange(waiters_, {})) {
    waiter(boost::system::error_code{}, *status_);
  }
}

}  // namespace tinet
