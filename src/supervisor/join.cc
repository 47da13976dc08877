#include "src/supervisor/join.h"

#include <exception>
#include <memory>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "src/supervisor/changes.h"

namespace tinet {

namespace asio = boost::asio;

asio::awaitable<void> join_all(std::vector<asio::awaitable<void>> work) {
  struct Shared {
    explicit Shared(const asio::any_io_executor& executor) : done(executor) {}
    std::vector<std::exception_ptr> failures;
    std::size_t running = 0;
    Changes done;
  };
  const auto executor = co_await asio::this_coro::executor;
  const auto shared = std::make_shared<Shared>(executor);
  shared->failures.resize(work.size());
  shared->running = work.size();
  for (std::size_t i = 0; i < work.size(); ++i) {
    asio::co_spawn(executor, std::move(work[i]), [shared, i](const std::exception_ptr& failure) {
      shared->failures[i] = failure;
      --shared->running;
      shared->done.notify();
    });
  }
  while (shared->running > 0) {
    const auto seen = shared->done.version();
    co_await shared->done.wait(seen);
  }
  for (const auto& failure : shared->failures) {
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
}

}  // namespace tinet
