#include "src/refstore/front_server.h"

#include <charconv>
#include <chrono>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/refstore/messages.h"
#include "src/refstore/random_id.h"
#include "src/refstore/version.h"

namespace tinet::refstore {
namespace asio = boost::asio;
namespace json = boost::json;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kReportInterval{200};
constexpr milliseconds kReportTimeout{500};
constexpr milliseconds kDefaultTimeout{5000};
constexpr std::int64_t kTimeoutMsMax = 600000;

HttpResponse document(const json::object& body) {
  return {.body = json::serialize(body)};
}

HttpResponse plain(int status, std::string body) {
  return {.status = status, .body = std::move(body), .content_type = "text/plain; charset=utf-8"};
}

milliseconds timeout_of(const HttpRequest& request) {
  const auto found = request.query.find("timeout_ms");
  if (found == request.query.end()) {
    return kDefaultTimeout;
  }
  const std::string& text = found->second;
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error != std::errc() || end != text.data() + text.size() || ms < 1 || ms > kTimeoutMsMax) {
    throw_usage("timeout_ms: '" + text + "' is not a number from 1 to " +
                std::to_string(kTimeoutMsMax));
  }
  return milliseconds(ms);
}

}  // namespace

FrontServer::FrontServer(const asio::any_io_executor& executor, FrontServerOptions options,
                         const Log& log)
    : executor_(executor),
      options_(std::move(options)),
      log_(log),
      self_{std::to_string(random_id()), options_.advertise, options_.listen.port,
            options_.status ? options_.status->port : std::uint64_t{0}},
      clerk_(executor, options_.pd),
      pd_(executor, options_.pd),
      kv_(executor, [this](HttpRequest request) { return handle_kv(std::move(request)); }),
      status_(executor, [this](HttpRequest request) { return handle_status(std::move(request)); }) {
}

void FrontServer::start() {
  kv_.listen(options_.listen);
  if (options_.status) {
    status_.listen(*options_.status);
  }
  asio::co_spawn(executor_, report_forever(), asio::detached);
}

asio::awaitable<HttpResponse> FrontServer::handle_kv(HttpRequest request) {
  constexpr std::string_view kPrefix = "/kv/";
  if (request.method == "POST" && request.path == "/kv/put") {
    Op op = put_from(parse_object(request.body));
    co_return co_await clerk_.run(std::move(op), timeout_of(request));
  }
  if (request.method == "POST" && request.path == "/kv/get") {
    Op op = get_from(parse_object(request.body));
    co_return co_await clerk_.run(std::move(op), timeout_of(request));
  }
  if (request.path.starts_with(kPrefix) && request.path.size() > kPrefix.size()) {
    co_return co_await handle_key(std::move(request));
  }
  co_return error_response(404, "no such path; try GET or PUT /kv/KEY");
}

asio::awaitable<HttpResponse> FrontServer::handle_key(HttpRequest request) {
  constexpr std::size_t kPrefixSize = 4;
  Op op;
  op.key = percent_decode(std::string_view(request.path).substr(kPrefixSize));
  if (request.method == "PUT") {
    op.kind = request.query["hash"] == "1" ? Op::Kind::PutHash : Op::Kind::Put;
    op.value = std::move(request.body);
  } else if (request.method != "GET") {
    co_return error_response(405, "use GET or PUT");
  }
  const bool get = op.kind == Op::Kind::Get;
  const HttpResponse answer = co_await clerk_.run(std::move(op), timeout_of(request));
  if (answer.status != 200) {
    co_return answer;
  }
  co_return plain(200, string_field(parse_object(answer.body), get ? "value" : "previous"));
}

asio::awaitable<HttpResponse> FrontServer::handle_status(HttpRequest request) {
  if (request.path == "/status") {
    if (!ready_) {
      co_return HttpResponse{.status = 500};
    }
    co_return document(
        {{"connections", 0}, {"version", kVersion}, {"git_hash", ""}, {"reference", true}});
  }
  if (request.path == "/info") {
    json::object info = own_info();
    info["is_owner"] = owner_id_ == self_.id;
    co_return document(info);
  }
  if (request.path == "/info/all") {
    co_return document({{"servers_num", fronts_.size()},
                        {"owner_id", owner_id_},
                        {"all_servers_info", fronts_},
                        {"reference", true}});
  }
  co_return error_response(404, "no such path on the status port");
}

asio::awaitable<void> FrontServer::report_forever() {
  asio::steady_timer timer(executor_);
  while (true) {
    timer.expires_after(kReportInterval);
    std::string body = json::serialize(to_json(self_));
    const HttpReply reply =
        co_await pd_.request("POST", "/refstore/front", std::move(body), kReportTimeout);
    if (reply.status == 200) {
      take_report_reply(reply.body);
    }
    co_await timer.async_wait(asio::use_awaitable);
  }
}

void FrontServer::take_report_reply(const std::string& body) {
  try {
    const json::object reply = parse_object(body);
    const View view = view_from(object_field(reply, "view"));
    owner_id_ = string_field(reply, "owner_id");
    fronts_.clear();
    for (const auto& [id, front] : object_field(reply, "fronts")) {
      json::object row = front.as_object();
      row["ddl_id"] = id;
      fronts_[id] = std::move(row);
    }
    clerk_.hint(view);
    if (!ready_ && !view.primary.empty()) {
      ready_ = true;
      log_.info("ready, primary '" + view.primary.address + "'");
    }
  } catch (const std::exception& error) {
    log_.warn(std::string("cannot read the view service's answer: ") + error.what());
  }
}

json::object FrontServer::own_info() const {
  json::object info = to_json(self_);
  info["ddl_id"] = self_.id;
  info["reference"] = true;
  return info;
}

}  // namespace tinet::refstore
