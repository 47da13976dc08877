#pragma once
/// The tidb role: an HTTP front for users, who need to know neither views nor sequence numbers.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>

#include "src/refstore/clerk.h"
#include "src/refstore/endpoint.h"
#include "src/refstore/front_registry.h"
#include "src/refstore/http_server.h"
#include "src/refstore/log.h"
#include "src/refstore/pd_link.h"

namespace tinet::refstore {

struct FrontServerOptions {
  Endpoint listen{};                 ///< --host and -P
  std::optional<Endpoint> status{};  ///< --status-host and --status; empty: no status port
  std::string advertise{};           ///< --advertise-address, without port
  std::vector<Endpoint> pd{};        ///< --path
};

class FrontServer {
 public:
  FrontServer(const boost::asio::any_io_executor& executor, FrontServerOptions options,
              const Log& log);

  /// Listens and starts to report to the view service.
  /// @throws Error when an address cannot be bound
  void start();

 private:
  boost::asio::awaitable<HttpResponse> handle_kv(HttpRequest request);
  boost::asio::awaitable<HttpResponse> handle_key(HttpRequest request);
  boost::asio::awaitable<HttpResponse> handle_status(HttpRequest request);
  boost::asio::awaitable<void> report_forever();
  void take_report_reply(const std::string& body);

  [[nodiscard]] boost::json::object own_info() const;

  boost::asio::any_io_executor executor_;
  FrontServerOptions options_;
  const Log& log_;
  Front self_;
  bool ready_ = false;  ///< a view with a primary was seen
  std::string owner_id_;
  boost::json::object fronts_;  ///< by id, as the view service told
  Clerk clerk_;
  PdLink pd_;
  HttpServer kv_;
  HttpServer status_;
};

}  // namespace tinet::refstore
