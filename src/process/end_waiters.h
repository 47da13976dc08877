#pragma once
/// Who waits for an end, on one event loop: any number of waiters, each told once.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/system/error_code.hpp>

#include "src/process/exit_status.h"

namespace tinet {

/// Single-threaded: all calls come from the loop's thread.
class EndWaiters {
 public:
  using Waiter = std::function<void(boost::system::error_code, ExitStatus)>;
  using Id = std::uint64_t;

  explicit EndWaiters(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
  /// The end; empty while it is waited for.
  [[nodiscard]] const std::optional<ExitStatus>& status() const noexcept { return status_; }

  /// Calls `waiter` once, at the end; through the loop, never from here.
  Id add(Waiter waiter);
  /// Completes the waiter with operation_aborted; nothing when it is already done.
  void cancel(Id id);
  /// The end has come: calls every waiter, from here. Call it through the loop, once.
  void complete(ExitStatus status);

 private:
  boost::asio::any_io_executor executor_;
  std::optional<ExitStatus> status_;
  std::map<Id, Waiter> waiters_;
  Id next_ = 1;
};

/// Asynchronous wait with any completion token for something with executor(), add_waiter() and
/// cancel_waiter(); supports cancellation of the one wait. Signature void(error_code, ExitStatus).
template <typename Awaited, typename Token>
auto async_wait_end(std::shared_ptr<Awaited> awaited, Token&& token) {
  return boost::asio::async_initiate<Token, void(boost::system::error_code, ExitStatus)>(
      [](auto handler, std::shared_ptr<Awaited> thing) {
        auto executor = boost::asio::get_associated_executor(handler, thing->executor());
        auto work = boost::asio::make_work_guard(executor);
        auto slot = boost::asio::get_associated_cancellation_slot(handler);
        // std::function wants something copyable; handlers are only movable.
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        const auto id = thing->add_waiter(
            [shared, executor, work](boost::system::error_code error, ExitStatus status) {
              boost::asio::dispatch(executor, [shared, error, status] {
                auto complete = std::move(*shared);
                boost::asio::get_associated_cancellation_slot(complete).clear();
                std::move(complete)(error, status);
              });
            });
        if (slot.is_connected()) {
          slot.assign([weak = std::weak_ptr(thing), id](boost::asio::cancellation_type) {
            if (const auto alive = weak.lock()) {
              alive->cancel_waiter(id);
            }
          });
        }
      },
      token, std::move(awaited));
}

}  // namespace tinet
