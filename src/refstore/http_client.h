#pragma once
/// One HTTP client with one connection to one endpoint, kept open between requests.

#include <chrono>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "src/refstore/endpoint.h"
#include "src/refstore/http.h"

namespace tinet::refstore {

class HttpClient {
 public:
  HttpClient(const boost::asio::any_io_executor& executor, Endpoint endpoint);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  /// Sends one request and waits for its answer; one at a time. Never repeats a request by itself.
  /// Any failure is a reply with status 0, and the next request uses a new connection.
  /// @param timeout for everything, the connection included
  boost::asio::awaitable<HttpReply> request(HttpRequest request, std::chrono::milliseconds timeout);

  /// Makes the request in flight fail now.
  void abort() noexcept;

  [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }

 private:
  struct Connection;
  Endpoint endpoint_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace tinet::refstore
