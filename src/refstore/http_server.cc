#include "src/refstore/http_server.h"

#include <exception>
#include <utility>

#include "src/base/error.h"
#include "src/refstore/http_resolve.h"

namespace tinet::refstore {

namespace {

http::ServerOptions options(std::shared_ptr<Unreliable> fates) {
  http::ServerOptions options;
  options.name = "tinet-refstore";
  options.body_bytes_max = kBodyBytesMax;
  options.on_error = [](const std::exception& error) {
    if (dynamic_cast<const http::TooLarge*>(&error) != nullptr) {
      return error_response(413, error.what());
    }
    const auto* ours = dynamic_cast<const Error*>(&error);
    const bool is_usage = ours != nullptr && ours->kind() == ErrorKind::Usage;
    return error_response(is_usage ? 400 : 500, error.what());
  };
  if (fates) {
    // The lab's unreliable server draws per connection, so each request gets one of its own.
    options.keep_alive = false;
    options.draw_fate = [fates = std::move(fates)] { return fates->draw(); };
  }
  return options;
}

}  // namespace

HttpServer::HttpServer(const boost::asio::any_io_executor& executor, HttpHandler handler,
                       std::shared_ptr<Unreliable> fates)
    : server_(executor, std::move(handler), options(std::move(fates))) {}

void HttpServer::listen(const Endpoint& endpoint) {
  try {
    server_.listen(resolve(endpoint));
  } catch (const boost::system::system_error& error) {
    throw_operation("cannot listen on '" + endpoint.text() + "': " + error.code().message());
  }
}

}  // namespace tinet::refstore
