#pragma once
/// A first-come-first-served lock for coroutines of one thread, held across suspensions.

#include <deque>
#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tinet::refstore {

class AsyncLock {
  struct State {
    explicit State(boost::asio::any_io_executor loop) : executor(std::move(loop)) {}
    boost::asio::any_io_executor executor;
    bool held = false;
    std::deque<std::shared_ptr<boost::asio::steady_timer>> waiting;
  };

 public:
  /// Holds the lock; hands it to the next in line when destroyed. May outlive the AsyncLock.
  class Guard {
   public:
    explicit Guard(std::shared_ptr<State> state) : state_(std::move(state)) {}
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    Guard(Guard&& other) noexcept = default;
    Guard& operator=(Guard&&) = delete;
    ~Guard() {
      if (!state_) {
        return;
      }
      if (state_->waiting.empty()) {
        state_->held = false;
        return;
      }
      // `held` stays true: it is the next one's from now on.
      const auto next = std::move(state_->waiting.front());
      state_->waiting.pop_front();
      next->cancel();
    }

   private:
    std::shared_ptr<State> state_;
  };

  explicit AsyncLock(boost::asio::any_io_executor executor)
      : state_(std::make_shared<State>(std::move(executor))) {}

  [[nodiscard]] boost::asio::awaitable<Guard> acquire() {
    const std::shared_ptr<State> state = state_;
    if (state->held) {
      const auto turn = std::make_shared<boost::asio::steady_timer>(
          state->executor, boost::asio::steady_timer::time_point::max());
      state->waiting.push_back(turn);
      boost::system::error_code cancelled;
      co_await turn->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
    }
    state->held = true;
    co_return Guard(state);
  }

 private:
  std::shared_ptr<State> state_;
};

}  // namespace tinet::refstore
