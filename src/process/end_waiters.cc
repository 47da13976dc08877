#include "src/process/end_waiters.h"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

namespace tinet {

EndWaiters::Id EndWaiters::add(Waiter waiter) {
  const Id id = next_++;
  if (status_) {
    boost::asio::post(executor_, [waiter = std::move(waiter), status = *status_] {
      waiter(boost::system::error_code{}, status);
    });
  } else {
    waiters_.emplace(id, std::move(waiter));
  }
  return id;
}

void EndWaiters::cancel(Id id) {
  if (auto found = waiters_.extract(id)) {
    boost::asio::post(executor_, [waiter = std::move(found.mapped())] {
      waiter(boost::asio::error::operation_aborted, ExitStatus{});
    });
  }
}

void EndWaiters::complete(ExitStatus status) {
  status_ = status;
  for (auto& [id, waiter] : std::exchange(waiters_, {})) {
    waiter(boost::system::error_code{}, status);
  }
}

}  // namespace tinet
