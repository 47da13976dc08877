#pragma once
/// One child process on an event loop: reaped as soon as it ends, any number of waiters told. What
/// Child and Sandbox are made of; other modules use those.

#include <memory>
#include <optional>

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "src/base/unique_fd.h"
#include "src/process/end_waiters.h"
#include "src/process/exit_status.h"

namespace tinet {

/// The record of one child process. The loop keeps it until the child has ended and was reaped, so
/// giving up the last reference neither kills nor blocks; owners call kill() first. A loop that is
/// destroyed earlier kills the child and reaps it. Single-threaded: all calls come from the
/// loop's thread.
class ProcessWatch : public std::enable_shared_from_this<ProcessWatch> {
 public:
  /// Takes over the unreaped child `pid` and starts to watch it.
  /// @param before record of a process that cannot be reaped before this one (the first process of
  ///        its PID namespace); kept alive as long as this one
  /// @throws Error when descriptors run out; the child has been killed and reaped then
  static std::shared_ptr<ProcessWatch> start(const boost::asio::any_io_executor& executor,
                                             pid_t pid,
                                             std::shared_ptr<ProcessWatch> before = nullptr);

  /// Whether some record watches the child `pid` and has not reaped it. A child of this process of
  /// which that is not true was never started by this process: it is an orphan that became its
  /// child. (Between a fork and start() nothing else runs, and the forks that are reaped where they
  /// were made, as of run_as_user(), are never there when anything else runs.)
  [[nodiscard]] static bool is_watched(pid_t pid);

  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;
  ProcessWatch(ProcessWatch&&) = delete;
  ProcessWatch& operator=(ProcessWatch&&) = delete;
  ~ProcessWatch();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }
  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept {
    return waiters_.executor();
  }
  /// How it ended; empty until the loop has reaped it.
  [[nodiscard]] const std::optional<ExitStatus>& status() const noexcept {
    return waiters_.status();
  }

  /// SIGKILL; nothing when it has ended.
  void kill() noexcept;

  /// Calls `waiter` once when the child has been reaped; through the loop, never from here.
  EndWaiters::Id add_waiter(EndWaiters::Waiter waiter) { return waiters_.add(std::move(waiter)); }
  /// Completes the waiter with operation_aborted; nothing when it is already done.
  void cancel_waiter(EndWaiters::Id id) { waiters_.cancel(id); }

 private:
  ProcessWatch(const boost::asio::any_io_executor& executor, pid_t pid,
               std::shared_ptr<ProcessWatch> before);
  void await_end();
  void finish(ExitStatus status);

  EndWaiters waiters_;
  std::shared_ptr<ProcessWatch> before_;
  pid_t pid_;
  UniqueFd pidfd_;
  boost::asio::posix::stream_descriptor readiness_;  ///< of pidfd_, which it does not own
};

}  // namespace tinet
