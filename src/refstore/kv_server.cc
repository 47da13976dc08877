#include "src/refstore/kv_server.h"

#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/refstore/messages.h"
#include "src/refstore/version.h"

namespace tinet::refstore {
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

/// A ping that takes longer has missed its purpose; the next one uses a new connection.
constexpr std::chrono::milliseconds kPingTimeout = kDeadAfter;
/// One try to reach the backup. A longer one only delays the noticing of a healed link.
constexpr std::chrono::milliseconds kDeliverTimeout{1000};
constexpr std::chrono::milliseconds kDeliverRetry{10};
/// Well below kBodyBytesMax with every byte escaped and one largest value on top.
constexpr std::size_t kChunkBytes = 256 << 10;

asio::awaitable<void> pause(asio::any_io_executor executor, std::chrono::milliseconds time) {
  asio::steady_timer timer(executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

/// The view in a peer's or the view service's answer; nullopt when there is none that can be read:
/// a stranger's answer must not end what waits for the right one.
std::optional<View> view_in(const HttpReply& reply) {
  try {
    return view_from(object_field(parse_object(reply.body), "view"));
  } catch (const Error&) {
    return std::nullopt;
  }
}

HttpResponse json_response(const json::object& body, int status = 200) {
  return {.status = status, .body = json::serialize(body)};
}

}  // namespace

KvServer::KvServer(const asio::any_io_executor& executor, KvServerOptions options,
                   std::uint64_t incarnation, const Log& log)
    : executor_(executor),
      options_(std::move(options)),
      incarnation_(incarnation),
      log_(log),
      replica_(options_.advertise, incarnation),
      lock_(executor),
      pd_(executor, options_.pd),
      ping_timer_(executor),
      kv_(
          executor, [this](HttpRequest request) { return handle_kv(std::move(request)); },
          options_.fates),
      status_(executor, [this](HttpRequest request) { return handle_status(std::move(request)); }) {
}

void KvServer::start() {
  kv_.listen(options_.listen);
  for (const Endpoint& endpoint : options_.status) {
    status_.listen(endpoint);
  }
  asio::co_spawn(executor_, ping_forever(), asio::detached);
}

asio::awaitable<HttpResponse> KvServer::handle_kv(HttpRequest request) {
  const bool post = request.method == "POST";
  if (request.path == "/kv/put" && post) {
    Op op = put_from(parse_object(request.body));
    co_return co_await execute(std::move(op));
  }
  if (request.path == "/kv/get") {
    json::object body;
    if (post) {
      body = parse_object(request.body);
    } else {
      body["key"] = request.query["key"];
    }
    Op op = get_from(body);
    co_return co_await execute(std::move(op));
  }
  if (request.path == "/refstore/forward" && post) {
    const Entry entry = entry_from(parse_object(request.body));
    const Acceptance acceptance = replica_.accept(entry);
    co_return acceptance_response(acceptance);
  }
  if (request.path == "/refstore/transfer" && post) {
    const Transfer transfer = transfer_from(parse_object(request.body));
    const Acceptance acceptance = replica_.accept(transfer);
    co_return acceptance_response(acceptance);
  }
  co_return error_response(404, "no such path on the key/value port");
}

asio::awaitable<HttpResponse> KvServer::handle_status(HttpRequest request) {
  constexpr std::string_view kRegion = "/region/";
  if (request.path == "/status") {
    co_return HttpResponse{};
  }
  if (request.path == "/refstore/state") {
    co_return state_response();
  }
  if (request.path == std::string(kRegion) + std::to_string(kRegionId) &&
      replica_.role() != Role::Idle) {
    co_return region_response();
  }
  co_return error_response(404, "no such path or region on the status port");
}

asio::awaitable<HttpResponse> KvServer::execute(Op op) {
  const AsyncLock::Guard guard = co_await lock_.acquire();
  if (!replica_.may_serve()) {
    co_return refusal();
  }
  const View view = replica_.view();
  if (!view.backup.empty()) {
    // Once sent, an operation is never given up within the view: the backup may have applied it
    // under this index, and another one under the same index would make the two differ.
    const Entry entry = replica_.entry_for(op);
    std::string body = json::serialize(to_json(entry));
    const bool delivered = co_await deliver("/refstore/forward", std::move(body), view.number);
    if (!delivered) {
      co_return refusal();
    }
  }
  const OpResult result = replica_.apply(op);
  json::object body{{"view", view.number}, {"index", replica_.state().applied()}};
  body["reference"] = true;
  switch (result.status) {
    case OpResult::Status::Ok:
      body[op.kind == Op::Kind::Get ? "value" : "previous"] = result.value;
      co_return json_response(body);
    case OpResult::Status::NoKey:
      body["error"] = "no such key";
      co_return json_response(body, 404);
    case OpResult::Status::StaleSeq:
      body["error"] = "this client has already gone on to a later seq; nothing was done";
      co_return json_response(body, 409);
  }
  co_return error_response(500, "unknown result");
}

asio::awaitable<bool> KvServer::deliver(std::string path, std::string body, std::uint64_t view) {
  while (replica_.view().number == view) {
    const std::shared_ptr<HttpClient> backup = backup_;
    HttpRequest request;
    request.method = "POST";
    request.path = path;
    request.body = body;
    const HttpReply reply = co_await backup->request(std::move(request), kDeliverTimeout);
    if (reply.status == 200) {
      co_return replica_.view().number == view;
    }
    if (const std::optional<View> known = view_in(reply)) {
      // It refuses; if it knows a later view, that ends this one here too.
      adopt(*known);
    }
    co_await pause(executor_, kDeliverRetry);
  }
  co_return false;
}

asio::awaitable<void> KvServer::sync_backup(std::uint64_t view) {
  const AsyncLock::Guard guard = co_await lock_.acquire();
  SnapshotReader reader(replica_.state(), kChunkBytes);
  std::uint64_t chunks = 0;
  while (replica_.view().number == view) {
    std::optional<Chunk> chunk = reader.next();
    if (!chunk) {
      replica_.mark_synced();
      log_.info("backup '" + replica_.view().backup.address + "' of view " + std::to_string(view) +
                " has the whole state, " + std::to_string(chunks) + " chunks");
      ping_timer_.cancel();
      co_return;
    }
    const Transfer transfer{replica_.view(), std::move(*chunk)};
    std::string body = json::serialize(to_json(transfer));
    co_await deliver("/refstore/transfer", std::move(body), view);
    ++chunks;
  }
}

asio::awaitable<void> KvServer::ping_forever() {
  while (true) {
    ping_timer_.expires_after(kPingInterval);
    const std::uint64_t told = replica_.view().number;
    const bool told_synced = replica_.synced();
    HttpReply reply = co_await pd_.request("POST", "/refstore/ping", ping_body(), kPingTimeout);
    take_ping_reply(reply);
    // What is new is told at once: until the primary acknowledges a view, no death can be answered.
    if (replica_.view().number != told || replica_.synced() != told_synced) {
      continue;
    }
    boost::system::error_code cancelled;
    co_await ping_timer_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
}

void KvServer::take_ping_reply(const HttpReply& reply) {
  std::string trouble;
  if (reply.status != 200) {
    trouble = reply.status == 0 ? reply.error : reply.body;
  } else {
    try {
      const json::object body = parse_object(reply.body);
      cluster_id_ = number_field(body, "cluster_id");
      store_id_ = number_field(body, "store_id");
      adopt(view_from(object_field(body, "view")));
    } catch (const Error& error) {
      trouble = std::string("not a view service: ") + error.what();
    }
  }
  if (trouble != last_trouble_) {
    last_trouble_ = trouble;
    if (trouble.empty()) {
      log_.info("the view service at '" + pd_.current().text() + "' answers");
    } else {
      log_.warn("no answer of the view service: " + trouble);
    }
  }
}

void KvServer::adopt(const View& view) {
  replica_.adopt(view);
  follow_view();
}

void KvServer::follow_view() {
  const View& view = replica_.view();
  if (view.number == followed_view_) {
    return;
  }
  followed_view_ = view.number;
  log_.info("view " + std::to_string(view.number) + ": " + std::string(to_string(replica_.role())) +
            (replica_.whole() ? "" : ", no state yet") + " (primary '" + view.primary.address +
            "', backup '" + view.backup.address + "')");
  if (backup_) {
    backup_->abort();
    backup_.reset();
  }
  if (replica_.role() == Role::Primary && replica_.whole() && !view.backup.empty()) {
    backup_ = std::make_shared<HttpClient>(
        executor_, parse_endpoint(view.backup.address, "address of the backup"));
    asio::co_spawn(executor_, sync_backup(view.number), asio::detached);
  }
}

HttpResponse KvServer::refusal() const {
  const std::string_view why = replica_.role() != Role::Primary ? "not the primary"
                               : !replica_.whole()              ? "this server has no state"
                                                                : "the view has changed";
  const json::object body{
      {"error", why}, {"retry", true}, {"view", to_json(replica_.view())}, {"reference", true}};
  return json_response(body, 503);
}

HttpResponse KvServer::acceptance_response(Acceptance acceptance) {
  follow_view();
  json::object body{{"view", to_json(replica_.view())}, {"reference", true}};
  switch (acceptance) {
    case Acceptance::Accepted:
      return json_response(body);
    case Acceptance::WrongView:
      body["error"] = "not the backup of that view";
      break;
    case Acceptance::OutOfOrder:
      body["error"] = "something before it is missing";
      break;
  }
  return json_response(body, 503);
}

std::string KvServer::ping_body() const {
  Ping ping{options_.advertise, incarnation_, replica_.view().number, replica_.synced(), {}};
  ping.info = {options_.advertise_status, kVersion, options_.labels};
  json::object body = to_json(ping);
  body["cluster_id"] = cluster_id_;
  return json::serialize(body);
}

HttpResponse KvServer::state_response() const {
  return json_response({{"role", to_string(replica_.role())},
                        {"view", to_json(replica_.view())},
                        {"address", options_.advertise},
                        {"incarnation", incarnation_},
                        {"store_id", store_id_},
                        {"initialised", replica_.whole()},
                        {"synced", replica_.synced()},
                        {"keys", replica_.state().keys()},
                        {"applied", replica_.state().applied()},
                        {"digest", std::to_string(replica_.state().digest())},
                        {"reference", true}});
}

HttpResponse KvServer::region_response() const {
  const View& view = replica_.view();
  json::array peers;
  for (const Member* member : {&view.primary, &view.backup}) {
    if (!member->empty()) {
      peers.push_back(
          json::object{{"id", peer_id(member->store_id)}, {"store_id", member->store_id}});
    }
  }
  const json::object soft{{"leader_id", peer_id(view.primary.store_id)},
                          {"raft_state", replica_.role() == Role::Primary ? "Leader" : "Follower"}};
  return json_response(
      {{"id", kRegionId},
       {"raft_status", json::object{{"id", peer_id(store_id_)},
                                    {"soft_state", soft},
                                    {"hard_state", json::object{{"term", view.number}}}}},
       {"region_state", json::object{{"id", kRegionId}, {"peers", std::move(peers)}}},
       {"reference", true}});
}

}  // namespace tinet::refstore
