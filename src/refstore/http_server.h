#pragma once
/// Serves one handler on one or more addresses of an io_context that one thread runs.

#include <cstddef>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "src/refstore/endpoint.h"
#include "src/refstore/http.h"
#include "src/refstore/unreliable.h"

namespace tinet::refstore {

class HttpServer {
 public:
  /// Connections beyond this wait in the kernel's backlog.
  static constexpr std::size_t kConnectionsMax = 1024;

  /// @param fates decides per connection whether it is served; empty: all are
  HttpServer(boost::asio::any_io_executor executor, HttpHandler handler,
             std::shared_ptr<Unreliable> fates = nullptr);

  /// Binds and starts to accept.
  /// @throws Error when the address cannot be resolved or bound
  void listen(const Endpoint& endpoint);

 private:
  struct Shared;
  boost::asio::any_io_executor executor_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace tinet::refstore
