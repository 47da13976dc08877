#pragma once
/// The whole drop-in on a thread of its own, and a server for its proxies to dial.

#include <memory>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>

#include "src/toxiproxy/server.h"
#include "tests/unit/proxy/relay_world.h"
#include "tests/unit/toxiproxy/http_call.h"

namespace tinet::toxiproxy::test {

using proxy::Clock;
using proxy::TimePoint;
using proxy::test::noise;
using proxy::test::Peer;
using proxy::test::since;
using std::chrono::milliseconds;

class ApiWorld {
 public:
  explicit ApiWorld(ServerOptions options = {});
  ApiWorld(const ApiWorld&) = delete;
  ApiWorld& operator=(const ApiWorld&) = delete;
  ApiWorld(ApiWorld&&) = delete;
  ApiWorld& operator=(ApiWorld&&) = delete;
  ~ApiWorld();

  [[nodiscard]] Answer ask(const std::string& method, const std::string& path,
                           const std::string& body = {}, const std::string& headers = {});
  /// Creates a proxy to `upstream`; fails the test when that does not work.
  /// @return where it listens
  proxy::Endpoint create(const std::string& name, const std::string& more = {});
  /// Where proxy `name` listens now.
  [[nodiscard]] proxy::Endpoint listens(const std::string& name);
  /// Adds a toxic to proxy "p"; fails the test when that does not work.
  void add_toxic(const std::string& members);

  struct Pair {
    Peer client;
    Peer service;
  };
  /// A connection through proxy `name`.
  [[nodiscard]] Pair connect(const std::string& name = "p");
  [[nodiscard]] Peer dial(const std::string& name = "p") { return Peer::connect(listens(name)); }

  [[nodiscard]] std::string upstream_text() const { return proxy::to_string(upstream.endpoint()); }
  [[nodiscard]] const proxy::Endpoint& api() const { return api_; }

  proxy::test::Server upstream;

 private:
  boost::asio::io_context io_{1};
  std::unique_ptr<Server> server_;
  proxy::Endpoint api_;
  std::thread thread_;
};

/// "{...}" with single quotes for double ones.
[[nodiscard]] std::string quoted(std::string text);
[[nodiscard]] proxy::Endpoint endpoint_of(std::string_view text);

}  // namespace tinet::toxiproxy::test
