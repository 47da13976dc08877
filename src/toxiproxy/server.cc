#include "src/toxiproxy/server.h"

#include <utility>

#include "src/base/error.h"
#include "src/toxiproxy/address.h"
#include "src/toxiproxy/api_error.h"
#include "src/toxiproxy/fields.h"

namespace tinet::toxiproxy {

namespace asio = boost::asio;

namespace {

http::ServerOptions http_options() {
  http::ServerOptions options;
  options.body_bytes_max = 4U << 20U;
  options.idle_timeout = std::chrono::seconds(60);
  options.on_error = error_response;
  return options;
}

}  // namespace

Server::Server(const asio::any_io_executor& executor, ServerOptions options)
    : options_(std::move(options)),
      loop_(executor),
      collection_(executor, loop_, options_.collection),
      api_(collection_),
      http_(
          executor, [this](http::Request request) { return handle(std::move(request)); },
          http_options()) {}

asio::awaitable<http::Response> Server::handle(http::Request request) {
  if (options_.may_use && !options_.may_use(request)) {
    throw ApiError(403, "this proxy is another user's");
  }
  co_return co_await api_.handle(std::move(request));
}

asio::awaitable<std::size_t> Server::populate(std::string text) {
  std::string wrong;
  try {
    const auto proxies = co_await collection_.populate(parse_json(text));
    co_return proxies.size();
  } catch (const ApiError& error) {
    wrong = error.what();
  }
  throw_usage(wrong);
}

asio::awaitable<proxy::Endpoint> Server::listen(std::string address) {
  std::string wrong;
  proxy::Endpoint endpoint;
  try {
    endpoint = co_await listen_address(std::move(address), options_.collection.allow_remote);
  } catch (const ApiError& error) {
    wrong = error.what();
  }
  if (!wrong.empty()) {
    throw_usage(wrong);
  }
  co_return http_.listen(endpoint);
}

}  // namespace tinet::toxiproxy
