#pragma once
/// A real HttpServer on a socket of its own, its loop in a thread, for tests of both ends.

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include "src/api/cluster_handle.h"
#include "src/supervisor/http_server.h"
#include "tests/support/temp_dir.h"

namespace tinet::test {

class HttpHost {
 public:
  explicit HttpHost(Handler handler, HttpServerOptions options = {}) {
    options.path = path();
    options.owner = ::geteuid();
    server_ =
        std::make_unique<HttpServer>(io_.get_executor(), std::move(options), std::move(handler));
    thread_ = std::thread([this] { io_.run(); });
  }
  HttpHost(const HttpHost&) = delete;
  HttpHost& operator=(const HttpHost&) = delete;
  HttpHost(HttpHost&&) = delete;
  HttpHost& operator=(HttpHost&&) = delete;
  ~HttpHost() {
    boost::asio::post(io_, [this] {
      server_.reset();
      io_.stop();  // some handlers wait for ever
    });
    thread_.join();
  }

  [[nodiscard]] std::string path() const { return dir_ / "control.sock"; }
  [[nodiscard]] ClusterHandle cluster() const {
    return {.tag = "test", .path = dir_.path(), .owner = ::geteuid(), .alive = true};
  }
  [[nodiscard]] boost::asio::io_context& io() noexcept { return io_; }

  /// From another thread than the loop's.
  void shut_down(std::chrono::milliseconds limit) {
    boost::asio::co_spawn(io_, server_->shut_down(limit), boost::asio::use_future).get();
  }
  [[nodiscard]] std::size_t connections() {
    return boost::asio::post(io_,
                             boost::asio::use_future([this] { return server_->connections(); }))
        .get();
  }

 private:
  TempDir dir_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

}  // namespace tinet::test
