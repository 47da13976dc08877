#include "src/supervisor/changes.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tinet {

namespace asio = boost::asio;

Changes::Changes(const asio::any_io_executor& executor)
    : executor_(executor), bell_(executor, Clock::time_point::max()) {}

void Changes::notify() {
  ++version_;
  bell_.cancel();
}

asio::awaitable<bool> Changes::wait(std::uint64_t seen, Clock::time_point deadline) {
  while (version_ == seen) {
    if (Clock::now() >= deadline) {
      co_return false;
    }
    boost::system::error_code ignored;
    if (deadline == Clock::time_point::max()) {
      co_await bell_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      continue;
    }
    // The deadline rings the same bell: other waiters see their version unchanged and wait on.
    asio::steady_timer timeout(executor_, deadline);
    timeout.async_wait([this](const boost::system::error_code& error) {
      if (!error) {
        bell_.cancel();
      }
    });
    co_await bell_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  co_return true;
}

}  // namespace tinet
