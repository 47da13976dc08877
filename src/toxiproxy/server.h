#pragma once
/// The whole drop-in: relays, proxies and the HTTP API, in one event loop.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "src/http/server.h"
#include "src/toxiproxy/api.h"
#include "src/toxiproxy/collection.h"

namespace tinet::toxiproxy {

struct ServerOptions {
  Collection::Options collection;
  /// Asked for every connection to the API; empty: everybody may.
  std::function<bool(const http::ConnectionEnds&)> may_use;
  /// A client that is slower than this with a request, or silent between two, is let go.
  std::chrono::seconds idle_timeout{60};
};

/// Single-threaded. Its event loop must not run any more once it is gone.
class Server {
 public:
  Server(const boost::asio::any_io_executor& executor, ServerOptions options);

  /// Creates the proxies of a file, as POST /populate does.
  /// @throws Error Usage when the text is wrong, Conflict when an address is in use
  /// @return how many there are
  [[nodiscard]] boost::asio::awaitable<std::size_t> populate(std::string text);

  /// @see Collection::adopt()
  void adopt(ProxySpec spec) { collection_.adopt(std::move(spec)); }

  /// Serves the API from here on.
  /// @param address e.g. "127.0.0.1:8474"
  /// @return where it listens
  /// @throws Error Usage when the address is malformed or not a loopback one, Conflict when in use
  [[nodiscard]] boost::asio::awaitable<proxy::Endpoint> listen(std::string address);
  /// The same at an address that is known to be good. @throws Error Conflict when in use
  proxy::Endpoint listen_at(const proxy::Endpoint& endpoint) { return http_.listen(endpoint); }

 private:
  ServerOptions options_;
  proxy::RelayLoop loop_;
  Collection collection_;
  Api api_;
  http::Server http_;
};

}  // namespace tinet::toxiproxy
