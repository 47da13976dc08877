#pragma once
/// A condition variable for coroutines on one event loop: whoever changes something calls notify(),
/// whoever waits is resumed by the next change. Nothing is polled and nothing is lost, because
/// waiters compare a version number.

#include <chrono>
#include <cstdint>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace tinet {

/// Used from the loop's thread only.
class Changes {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Changes(const boost::asio::any_io_executor& executor);

  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
  void notify();

  /// Returns when version() differs from `seen` or the deadline passes.
  /// @return false at the deadline
  [[nodiscard]] boost::asio::awaitable<bool> wait(
      std::uint64_t seen, Clock::time_point deadline = Clock::time_point::max());

 private:
  boost::asio::any_io_executor executor_;
  /// Never expires; cancelling it wakes every waiter.
  boost::asio::steady_timer bell_;
  std::uint64_t version_ = 0;
};

}  // namespace tinet
