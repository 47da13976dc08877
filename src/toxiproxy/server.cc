#include "src/toxiproxy/server.h"

#include <utility>

#include "src/base/error.h"
#include "src/toxiproxy/address.h"
#include "src/toxiproxy/api_error.h"
#include "src/toxiproxy/fields.h"

namespace tinet::toxiproxy {

namespace asio = boost::asio;

namespace {

/// Together at most 256 MiB of requests that are not complete.
constexpr std::size_t kBodyBytesMax = 1U << 20U;
constexpr std::size_t kConnectionsMax = 256;

http::ServerOptions http_options(const ServerOptions& wanted) {
  http::ServerOptions options;
  options.body_bytes_max = kBodyBytesMax;
  options.connections_max = kConnectionsMax;
  options.idle_timeout = wanted.idle_timeout;
  options.may_use = wanted.may_use;
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
          executor, [this](http::Request request) { return api_.handle(std::move(request)); },
          http_options(options_)) {}

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
