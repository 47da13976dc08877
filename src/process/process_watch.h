#pragma once
/// One child process on an event loop: reaped as soon as it ends, any number of waiters told. What
/// Child and Sandbox are made of; other modules use those.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>

#include "src/base/unique_fd.h"
#include "src/process/exit_status.h"

namespace tinet {

/// The record of one child process. The loop keeps it until the child has ended and was reaped, so
/// giving up the last reference neither kills nor blocks; owners call kill() first. A loop that is
/// destroyed earlier kills the child and reaps it. Single-threaded: all calls come from the
/// loop's thread.
class ProcessWatch : public std::enable_shared_from_this<ProcessWatch> {
 public:
  using Waiter = std::function<void(boost::system::error_code, ExitStatus)>;
  using WaiterId = std::uint64_t;

  /// Takes over the unreaped child `pid` and starts to watch it.
  /// @param before record of a process that cannot be reaped before this one (the first process of
  ///        its PID namespace); kept alive as long as this one
  /// @throws Error when descriptors run out; the child has been killed and reaped then
  static std::shared_ptr<ProcessWatch> start(const boost::asio::any_io_executor& executor,
                                             pid_t pid,
                                             std::shared_ptr<ProcessWatch> before = nullptr);

  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;
  ProcessWatch(ProcessWatch&&) = delete;
  ProcessWatch& operator=(ProcessWatch&&) = delete;
  ~ProcessWatch();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }
  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
  /// How it ended; empty until the loop has reaped it.
  [[nodiscard]] const std::optional<ExitStatus>& status() const noexcept { return status_; }

  /// SIGKILL; nothing when it has ended.
  void kill() noexcept;

  /// Calls `waiter` once when the child has been reaped; through the loop, never from here.
  WaiterId add_waiter(Waiter waiter);
  /// Completes the waiter with operation_aborted; nothing when it is already done.
  void cancel_waiter(WaiterId id);

 private:
  ProcessWatch(boost::asio::any_io_executor executor, pid_t pid,
               std::shared_ptr<ProcessWatch> before);
  void await_end();
  void finish(ExitStatus status);

  boost::asio::any_io_executor executor_;
  std::shared_ptr<ProcessWatch> before_;
  pid_t pid_;
  UniqueFd pidfd_;
  boost::asio::posix::stream_descriptor readiness_;  ///< of pidfd_, which it does not own
  std::optional<ExitStatus> status_;
  std::map<WaiterId, Waiter> waiters_;
  WaiterId next_waiter_ = 1;
};

/// Asynchronous wait with any completion token; supports cancellation of the one wait.
/// Signature void(error_code, ExitStatus).
template <typename Token>
auto async_wait_process(std::shared_ptr<ProcessWatch> watch, Token&& token) {
  return boost::asio::async_initiate<Token, void(boost::system::error_code, ExitStatus)>(
      [](auto handler, std::shared_ptr<ProcessWatch> watched) {
        auto executor = boost::asio::get_associated_executor(handler, watched->executor());
        auto work = boost::asio::make_work_guard(executor);
        auto slot = boost::asio::get_associated_cancellation_slot(handler);
        // std::function wants something copyable; handlers are only movable.
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        const auto id = watched->add_waiter(
            [shared, executor, work](boost::system::error_code error, ExitStatus status) {
              boost::asio::dispatch(executor, [shared, error, status] {
                auto complete = std::move(*shared);
                boost::asio::get_associated_cancellation_slot(complete).clear();
                std::move(complete)(error, status);
              });
            });
        if (slot.is_connected()) {
          slot.assign([watch = std::weak_ptr(watched), id](boost::asio::cancellation_type) {
            if (const auto alive = watch.lock()) {
              alive->cancel_waiter(id);
            }
          });
        }
      },
      token, std::move(watch));
}

}  // namespace tinet
