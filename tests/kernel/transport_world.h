#pragma once
/// Both ends of the control socket in two processes: the server on this process's loop, the client
/// in a forked one, as in real life (and because sandboxes are made by a process with one thread).

#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <gtest/gtest.h>

#include "src/process/pidfd.h"
#include "src/supervisor/http_server.h"
#include "tests/support/temp_dir.h"

namespace tinet::test {

class TransportWorld {
 public:
  explicit TransportWorld(Handler handler) {
    HttpServerOptions options;
    options.path = dir_ / "control.sock";
    options.owner = ::geteuid();
    server_ = std::make_unique<HttpServer>(io_.get_executor(), options, std::move(handler));
  }

  [[nodiscard]] boost::asio::io_context& io() noexcept { return io_; }
  [[nodiscard]] const TempDir& dir() const noexcept { return dir_; }
  [[nodiscard]] ClusterHandle cluster() const {
    return {.tag = "test", .path = dir_.path(), .owner = ::geteuid(), .alive = true};
  }

  /// Starts `client` in a process of its own; it ends with what that returns.
  pid_t start_client(const std::function<int(const ClusterHandle&)>& client) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::_exit(client(cluster()));
    }
    return pid;
  }

  /// Serves until the client has ended. @return its wait status
  int serve_until_end_of(pid_t client) {
    boost::asio::posix::stream_descriptor end(io_, open_pidfd(client).release());
    end.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                   [this](const boost::system::error_code&) { io_.stop(); });
    io_.restart();
    io_.run();
    int status = -1;
    EXPECT_EQ(::waitpid(client, &status, 0), client);
    return status;
  }

  /// Serves until `condition` holds, which is looked at after every event.
  void serve_until(const std::function<bool()>& condition) {
    io_.restart();
    while (!condition() && io_.run_one() > 0) {
    }
  }

 private:
  TempDir dir_;
  boost::asio::io_context io_{1};
  std::unique_ptr<HttpServer> server_;
};

}  // namespace tinet::test
