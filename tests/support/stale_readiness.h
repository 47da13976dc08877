#pragma once
/// Readiness that belongs to somebody else. The reactor of Asio keeps one record per descriptor and
/// gives the record of a closed one to the next that is opened; an event that was queued for the
/// first then completes a wait on the second. On a loaded machine that happens by itself.

#include <cerrno>
#include <functional>
#include <memory>

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include "src/base/error.h"
#include "src/base/unique_fd.h"

namespace tinet::test {

/// Has `open` called by `loop`, which must not have run yet, at the moment when the first
/// descriptor that `open` gives to the loop gets the readiness of another one, to read and to
/// write.
inline void open_among_stale_events(boost::asio::io_context& loop, std::function<void()> open) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw_errno(errno, "cannot open a socket pair");
  }
  const UniqueFd peer(ends[1]);
  const auto closed = std::make_shared<boost::asio::posix::stream_descriptor>(loop, ends[0]);
  // The peer's end makes it readable. Its record is known to the loop before the handler is, so the
  // loop asks the kernel first, and queues what it hears behind the handler.
  boost::asio::post(loop, [closed, open = std::move(open)] {
    closed->close();
    open();
  });
}

}  // namespace tinet::test
