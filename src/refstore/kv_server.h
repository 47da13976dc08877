#pragma once
/// The tikv role: a primary/backup server of the key/value service. Pings the view service, follows
/// its views, answers clients while it is primary, and keeps the backup equal.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "src/refstore/async_lock.h"
#include "src/refstore/endpoint.h"
#include "src/refstore/http_client.h"
#include "src/refstore/http_server.h"
#include "src/refstore/log.h"
#include "src/refstore/pd_link.h"
#include "src/refstore/replica.h"
#include "src/refstore/unreliable.h"

namespace tinet::refstore {

struct KvServerOptions {
  Endpoint listen{};               ///< --addr
  std::string advertise{};         ///< --advertise-addr: the server's name for everybody
  std::vector<Endpoint> status{};  ///< --status-addr; empty: no status port
  std::string advertise_status{};  ///< as PD is to show it
  std::vector<Endpoint> pd{};      ///< --pd
  std::vector<std::pair<std::string, std::string>> labels{};
  std::shared_ptr<Unreliable> fates{};  ///< of connections to the key/value port; empty: reliable
};

class KvServer {
 public:
  /// @param incarnation random, not 0: this process and no other
  KvServer(const boost::asio::any_io_executor& executor, KvServerOptions options,
           std::uint64_t incarnation, const Log& log);

  /// Listens and starts to ping; all further work happens in the executor.
  /// @throws Error when an address cannot be bound
  void start();

 private:
  boost::asio::awaitable<HttpResponse> handle_kv(HttpRequest request);
  boost::asio::awaitable<HttpResponse> handle_status(HttpRequest request);

  boost::asio::awaitable<HttpResponse> execute(Op op);
  boost::asio::awaitable<bool> deliver(std::string path, std::string body, std::uint64_t view);
  boost::asio::awaitable<void> sync_backup(std::uint64_t view);
  boost::asio::awaitable<void> ping_forever();
  void take_ping_reply(const HttpReply& reply);
  void adopt(const View& view);
  void follow_view();

  [[nodiscard]] HttpResponse refusal() const;
  [[nodiscard]] HttpResponse acceptance_response(Acceptance acceptance);
  [[nodiscard]] std::string ping_body() const;
  [[nodiscard]] HttpResponse state_response() const;
  [[nodiscard]] HttpResponse region_response() const;

  boost::asio::any_io_executor executor_;
  KvServerOptions options_;
  std::uint64_t incarnation_;
  const Log& log_;
  Replica replica_;
  std::uint64_t followed_view_ = 0;  ///< view that follow_view() has acted on
  std::uint64_t cluster_id_ = 0;     ///< 0: not known yet
  std::uint64_t store_id_ = 0;       ///< 0: not known yet
  std::string last_trouble_;         ///< of pinging; logged when it changes
  AsyncLock lock_;                   ///< one operation or transfer at a time
  std::shared_ptr<HttpClient> backup_;
  PdLink pd_;
  boost::asio::steady_timer ping_timer_;
  HttpServer kv_;
  HttpServer status_;
};

}  // namespace tinet::refstore
