#include "src/refstore/pd_server.h"

#include <cstdlib>
#include <random>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/refstore/messages.h"
#include "src/refstore/pd_api.h"
#include "src/refstore/random_id.h"

namespace tinet::refstore {
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

/// A follower waits this long for the leader; PD waits up to 3 s and then says 503 as we do.
constexpr std::chrono::milliseconds kForwardTimeout{1000};

HttpResponse document(const json::object& body) {
  return {.body = json::serialize(body)};
}

Time now_steady() {
  return std::chrono::steady_clock::now();
}

}  // namespace

PdServer::PdServer(const asio::any_io_executor& executor, PdServerOptions options, const Log& log)
    : executor_(executor),
      options_(std::move(options)),
      log_(log),
      members_(options_.initial_cluster, options_.name, options_.advertise),
      client_(executor, [this](HttpRequest request) { return handle_client(std::move(request)); }),
      peer_(executor, [this](HttpRequest request) { return handle_peer(std::move(request)); }) {
  prepare_data_dir(options_.data_dir, "pd", options_.name);
  if (!members_.leads()) {
    log_.info("follower of '" + members_.leader().name + "'");
    return;
  }
  state_ = load_pd_state(options_.data_dir);
  if (state_.cluster_id == 0) {
    state_.cluster_id = random_id();
  }
  ++state_.term;
  save_pd_state(options_.data_dir, state_);
  views_.emplace(state_.views, now_steady());
  log_.info("view service of cluster " + std::to_string(state_.cluster_id) + ", start " +
            std::to_string(state_.term) + ", view " + std::to_string(state_.views.view.number));
}

void PdServer::start() {
  for (const Endpoint& endpoint : options_.client) {
    client_.listen(endpoint);
  }
  for (const Endpoint& endpoint : options_.peer) {
    peer_.listen(endpoint);
  }
  asio::co_spawn(executor_, members_.leads() ? lead() : follow(), asio::detached);
}

asio::awaitable<HttpResponse> PdServer::handle_client(HttpRequest request) {
  const Time now = now_steady();
  if (request.path.starts_with("/refstore/")) {
    co_return own_endpoint(request, now);
  }
  if (views_ || !request.header(kFollowerHandle).empty() || is_local_path(request.path)) {
    co_return pd_answer(facts(now), request);
  }
  co_return co_await ask_leader(std::move(request));
}

asio::awaitable<HttpResponse> PdServer::handle_peer(HttpRequest request) {
  if (request.path != "/refstore/member" || !views_) {
    co_return error_response(503, "not the leader");
  }
  const Time now = now_steady();
  members_.take_report(parse_object(request.body), now);
  json::object news = members_.news(now);
  news["cluster_id"] = state_.cluster_id;
  news["term"] = state_.term;
  news["reference"] = true;
  co_return document(news);
}

asio::awaitable<HttpResponse> PdServer::ask_leader(HttpRequest request) {
  const PdMember& leader = members_.leader();
  if (!members_.sees_leader(now_steady()) || leader.client_urls.empty()) {
    co_return error_response(503, "no leader");
  }
  HttpClient client(executor_, parse_endpoint(leader.client_urls.front(), "leader's client URL"));
  const HttpReply reply = co_await client.request(std::move(request), kForwardTimeout);
  if (reply.status == 0) {
    co_return error_response(503, "no answer of the leader: " + reply.error);
  }
  co_return HttpResponse{.status = reply.status, .body = reply.body};
}

asio::awaitable<void> PdServer::lead() {
  asio::steady_timer timer(executor_);
  while (true) {
    timer.expires_after(kPingInterval);
    co_await timer.async_wait(asio::use_awaitable);
    views_->tick(now_steady());
    persist();
  }
}

asio::awaitable<void> PdServer::follow() {
  asio::steady_timer timer(executor_);
  HttpClient leader(executor_, parse_endpoint(members_.leader().peer_url, "--initial-cluster"));
  while (true) {
    timer.expires_after(kPingInterval);
    HttpRequest request;
    request.method = "POST";
    request.path = "/refstore/member";
    request.body = json::serialize(members_.report());
    const HttpReply reply = co_await leader.request(std::move(request), kDeadAfter);
    if (reply.status == 200) {
      try {
        const json::object news = parse_object(reply.body);
        state_.cluster_id = number_field(news, "cluster_id");
        state_.term = number_field(news, "term");
        members_.take_news(news, now_steady());
      } catch (const Error& error) {
        log_.warn(std::string("cannot read the leader's answer: ") + error.what());
      }
    }
    co_await timer.async_wait(asio::use_awaitable);
  }
}

HttpResponse PdServer::own_endpoint(const HttpRequest& request, Time now) {
  if (!views_) {
    return error_response(503, "not the view service; '" + members_.leader().name + "' is");
  }
  if (request.path == "/refstore/ping" && request.method == "POST") {
    return take_ping(request, now);
  }
  if (request.path == "/refstore/front" && request.method == "POST") {
    return take_front(request, now);
  }
  if (request.path == "/refstore/view") {
    return document({{"view", to_json(views_->view())},
                     {"acknowledged", views_->state().acknowledged},
                     {"synced", views_->state().synced},
                     {"reference", true}});
  }
  return error_response(404, "no such path on the view service");
}

HttpResponse PdServer::take_ping(const HttpRequest& request, Time now) {
  const json::object body = parse_object(request.body);
  const Ping ping = ping_from(body);
  const std::uint64_t cluster_id = number_field(body, "cluster_id");
  if (cluster_id != 0 && cluster_id != state_.cluster_id) {
    return error_response(409, "cluster id mismatch, need " + std::to_string(state_.cluster_id) +
                                   " but got " + std::to_string(cluster_id));
  }
  const View view = views_->ping(ping, now);
  persist();
  std::uint64_t store_id = 0;
  for (const StoreRecord& store : views_->state().stores) {
    if (store.address == ping.address) {
      store_id = store.id;
    }
  }
  return document({{"view", to_json(view)},
                   {"cluster_id", state_.cluster_id},
                   {"store_id", store_id},
                   {"reference", true}});
}

HttpResponse PdServer::take_front(const HttpRequest& request, Time now) {
  fronts_.report(front_from(parse_object(request.body)), now);
  const auto owner = fronts_.owner(now);
  json::object all;
  for (const Front& front : fronts_.live(now)) {
    all[front.id] = to_json(front);
  }
  return document({{"view", to_json(views_->view())},
                   {"owner_id", owner ? owner->id : ""},
                   {"fronts", std::move(all)},
                   {"reference", true}});
}

PdFacts PdServer::facts(Time now) const {
  return {.cluster_id = state_.cluster_id,
          .term = state_.term,
          .members = &members_,
          .views = views_ ? &*views_ : nullptr,
          .now = now};
}

void PdServer::persist() {
  if (state_.views == views_->state()) {
    return;
  }
  const View before = state_.views.view;
  state_.views = views_->state();
  try {
    save_pd_state(options_.data_dir, state_);
  } catch (const Error& error) {
    // A view that a restart would forget must not be told to anybody.
    log_.warn(std::string("stopping: ") + error.what());
    std::_Exit(1);
  }
  const View& view = state_.views.view;
  if (before.number != view.number) {
    log_.info("view " + std::to_string(view.number) + ": primary '" + view.primary.address +
              "', backup '" + view.backup.address + "'");
  }
}

}  // namespace tinet::refstore
