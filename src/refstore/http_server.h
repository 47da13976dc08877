#pragma once
/// The store's HTTP server: names instead of addresses, and the lab's unreliable network.

#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "src/http/server.h"
#include "src/refstore/endpoint.h"
#include "src/refstore/http.h"
#include "src/refstore/unreliable.h"

namespace tinet::refstore {

class HttpServer {
 public:
  /// @param fates decides per connection whether it is served; empty: all are. An Error of kind
  /// Usage that the handler throws becomes 400, any other exception 500.
  HttpServer(const boost::asio::any_io_executor& executor, HttpHandler handler,
             std::shared_ptr<Unreliable> fates = nullptr);

  /// Binds and starts to accept.
  /// @throws Error when the address cannot be resolved or bound
  void listen(const Endpoint& endpoint);

 private:
  http::Server server_;
};

}  // namespace tinet::refstore
