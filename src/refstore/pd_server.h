#pragma once
/// The pd role: the view service (the first of --initial-cluster) or one of its followers, behind
/// PD's HTTP API.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "src/refstore/endpoint.h"
#include "src/refstore/front_registry.h"
#include "src/refstore/http_client.h"
#include "src/refstore/http_server.h"
#include "src/refstore/log.h"
#include "src/refstore/pd_api.h"
#include "src/refstore/pd_members.h"
#include "src/refstore/pd_state.h"
#include "src/refstore/view_service.h"

namespace tinet::refstore {

struct PdServerOptions {
  std::string name{};
  std::string data_dir{};
  std::vector<Endpoint> client{};        ///< --client-urls
  std::vector<std::string> advertise{};  ///< --advertise-client-urls
  std::vector<Endpoint> peer{};          ///< --peer-urls
  std::string initial_cluster{};
};

class PdServer {
 public:
  /// Reads the data directory.
  /// @throws Error when the flags or the data directory make no sense
  PdServer(const boost::asio::any_io_executor& executor, PdServerOptions options, const Log& log);

  /// Listens; all further work happens in the executor.
  /// @throws Error when an address cannot be bound
  void start();

 private:
  boost::asio::awaitable<HttpResponse> handle_client(HttpRequest request);
  boost::asio::awaitable<HttpResponse> handle_peer(HttpRequest request);
  boost::asio::awaitable<HttpResponse> ask_leader(HttpRequest request);
  boost::asio::awaitable<void> lead();
  boost::asio::awaitable<void> follow();

  [[nodiscard]] HttpResponse own_endpoint(const HttpRequest& request, Time now);
  [[nodiscard]] HttpResponse take_ping(const HttpRequest& request, Time now);
  [[nodiscard]] HttpResponse take_front(const HttpRequest& request, Time now);
  [[nodiscard]] PdFacts facts(Time now) const;
  void persist();

  boost::asio::any_io_executor executor_;
  PdServerOptions options_;
  const Log& log_;
  PdMembers members_;
  PdState state_;                     ///< as in the file; on followers what the leader says
  std::optional<ViewService> views_;  ///< on the leader only
  FrontRegistry fronts_;
  HttpServer client_;
  HttpServer peer_;
};

}  // namespace tinet::refstore
