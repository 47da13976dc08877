#include "src/supervisor/routes.h"

#include <charconv>
#include <chrono>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

namespace tinet {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::chrono::seconds kLinksEvery{1};
constexpr std::string_view kInstances = "/v1/instances/";

std::string query_word(const Request& request, const std::string& name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? "" : found->second;
}

bool query_flag(const Request& request, const std::string& name) {
  const std::string word = query_word(request, name);
  return word == "1" || word == "true";
}

std::uint64_t query_number(const Request& request, const std::string& name) {
  const std::string word = query_word(request, name);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (!word.empty() && (error != std::errc{} || end != word.data() + word.size())) {
    throw_usage("query '" + name + "': '" + word + "' is not a number");
  }
  return number;
}

Response document(json::value value) {
  Response response;
  response.document = std::move(value);
  return response;
}

Response watch_status(Cluster& cluster) {
  Response response;
  response.stream = [&cluster](LineWriter& writer) -> asio::awaitable<void> {
    for (;;) {
      const auto seen = cluster.changes().version();
      const json::object status = co_await cluster.status();
      std::string line = json::serialize(status);
      co_await writer.write(std::move(line));
      if (status.at("state").as_string() == "stopped") {
        co_return;
      }
      co_await cluster.changes().wait(seen);
    }
  };
  return response;
}

Response watch_links(Cluster& cluster) {
  Response response;
  response.stream = [&cluster](LineWriter& writer) -> asio::awaitable<void> {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (;;) {
      std::string line = json::serialize(cluster.faults().reports().links());
      co_await writer.write(std::move(line));
      timer.expires_after(kLinksEvery);
      co_await timer.async_wait(asio::use_awaitable);
    }
  };
  return response;
}

Response events(Cluster& cluster, std::uint64_t since, bool follow) {
  Response response;
  response.stream = [&cluster, since, follow](LineWriter& writer) -> asio::awaitable<void> {
    std::uint64_t last = since;
    for (;;) {
      const auto seen = cluster.journal().changes().version();
      for (auto& entry : cluster.journal().after(last)) {
        last = entry.seq;
        co_await writer.write(std::move(entry.line));
      }
      if (!follow) {
        co_return;
      }
      co_await cluster.journal().changes().wait(seen);
    }
  };
  return response;
}

/// GET requests: nothing changes.
asio::awaitable<Response> answer_get(Cluster& cluster, const Request& request) {
  if (request.path == "/v1/status") {
    if (query_flag(request, "watch")) {
      co_return watch_status(cluster);
    }
    json::object status = co_await cluster.status();
    co_return document(std::move(status));
  }
  if (request.path == "/v1/plan") {
    co_return document(to_json(cluster.plan()));
  }
  if (request.path == "/v1/faults") {
    co_return document(cluster.faults().reports().documents(query_flag(request, "all")));
  }
  if (request.path == "/v1/links") {
    co_return query_flag(request, "watch") ? watch_links(cluster)
                                           : document(cluster.faults().reports().links());
  }
  if (request.path == "/v1/why") {
    co_return document(cluster.faults().reports().why(
        {query_word(request, "from"), query_word(request, "to"), query_word(request, "port"),
         query_word(request, "protocol")}));
  }
  if (request.path == "/v1/events") {
    co_return events(cluster, query_number(request, "since"), query_flag(request, "follow"));
  }
  co_return not_found(request.path);
}

asio::awaitable<Response> answer_post(Cluster& cluster, const SupervisorActions& actions,
                                      Request request) {
  if (request.path == "/v1/faults") {
    auto words = api::parse_request<api::FaultRequest>(request.body);
    json::object fault = co_await cluster.faults().create(std::move(words));
    co_return document(std::move(fault));
  }
  if (request.path == "/v1/faults/apply") {
    auto words = api::parse_request<api::ApplyRequest>(request.body);
    json::object converged = co_await cluster.faults().converge(std::move(words));
    co_return document(std::move(converged));
  }
  if (request.path == "/v1/faults/release") {
    co_return document(
        cluster.faults().release(api::parse_request<api::ReleaseRequest>(request.body)));
  }
  if (request.path == "/v1/heal") {
    auto words = api::parse_request<api::HealRequest>(request.body);
    json::object healed = co_await cluster.faults().heal(std::move(words));
    co_return document(std::move(healed));
  }
  if (request.path.starts_with(kInstances)) {
    auto words = api::parse_request<api::InstanceRequest>(request.body);
    std::string verb = request.path.substr(kInstances.size());
    json::object answer = co_await cluster.instance_verb(std::move(verb), std::move(words));
    co_return document(std::move(answer));
  }
  if (request.path == "/v1/stop") {
    const auto words = api::parse_request<api::StopRequest>(request.body);
    json::object last = co_await actions.stop(words);
    co_return document(std::move(last));
  }
  if (request.path == "/v1/exec") {
    co_return co_await actions.exec(std::move(request));
  }
  if (request.path == "/v1/capture") {
    co_return co_await actions.capture(std::move(request));
  }
  co_return not_found(request.path);
}

asio::awaitable<Response> answer_wait(Cluster& cluster, api::WaitRequest words) {
  json::object answer = co_await cluster.wait(std::move(words));
  co_return document(std::move(answer));
}

}  // namespace

Handler make_routes(Cluster& cluster, SupervisorActions actions) {
  return [&cluster, actions = std::move(actions)](Request request) -> asio::awaitable<Response> {
    if (request.method == "GET") {
      co_return co_await answer_get(cluster, request);
    }
    if (request.method == "POST" && request.path == "/v1/wait") {
      auto words = api::parse_request<api::WaitRequest>(request.body);
      // Waiting changes nothing, so it ends with whoever waits.
      co_return co_await cancel_on_close(request.peer, answer_wait(cluster, std::move(words)));
    }
    if (request.method == "POST") {
      co_return co_await answer_post(cluster, actions, std::move(request));
    }
    co_return not_found(request.method + " " + request.path);
  };
}

}  // namespace tinet
