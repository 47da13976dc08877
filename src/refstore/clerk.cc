#include "src/refstore/clerk.h"

#include <algorithm>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/refstore/http_client.h"
#include "src/refstore/messages.h"
#include "src/refstore/pd_link.h"
#include "src/refstore/random_id.h"

namespace tinet::refstore {
namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

/// A try that is not answered by then is repeated elsewhere; the primary may be cut off.
constexpr milliseconds kTryTimeout{1000};
constexpr milliseconds kRetryPause{20};

milliseconds time_left(Time deadline) {
  return std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
}

HttpResponse out_of_time(milliseconds timeout, const std::string& last) {
  const boost::json::object body{
      {"error", "no answer of a primary within " + std::to_string(timeout.count()) + " ms"},
      {"last_try", last},
      {"outcome", "unknown"},
      {"reference", true}};
  return {.status = 504, .body = boost::json::serialize(body)};
}

}  // namespace

bool is_final(int status) {
  return status == 200 || status == 400 || status == 404 || status == 409;
}

/// One operation at a time: a client id of its own and connections of its own.
struct Clerk::Session {
  Session(const asio::any_io_executor& executor, const std::vector<Endpoint>& pd_endpoints)
      : client_id("front-" + std::to_string(random_id())), pd(executor, pd_endpoints) {}

  std::string client_id;
  std::uint64_t seq = 0;
  PdLink pd;
  std::string primary_address;
  std::unique_ptr<HttpClient> primary;
};

Clerk::Clerk(asio::any_io_executor executor, std::vector<Endpoint> pd)
    : executor_(std::move(executor)), pd_(std::move(pd)) {}

Clerk::~Clerk() = default;

void Clerk::hint(const View& view) {
  if (view.number > view_.number) {
    view_ = view;
  }
}

std::unique_ptr<Clerk::Session> Clerk::borrow() {
  if (idle_.empty()) {
    return std::make_unique<Session>(executor_, pd_);
  }
  std::unique_ptr<Session> session = std::move(idle_.back());
  idle_.pop_back();
  return session;
}

asio::awaitable<HttpResponse> Clerk::run(Op op, milliseconds timeout) {
  std::unique_ptr<Session> session = borrow();
  if (op.kind != Op::Kind::Get && op.client_id.empty()) {
    op.client_id = session->client_id;
    op.seq = ++session->seq;
  }
  HttpResponse answer = co_await run_in(*session, std::move(op), timeout);
  // Also after 504: the session's next number makes a late try of this one stale.
  idle_.push_back(std::move(session));
  co_return answer;
}

asio::awaitable<HttpResponse> Clerk::run_in(Session& session, Op op, milliseconds timeout) {
  const Time deadline = std::chrono::steady_clock::now() + timeout;
  const std::string path = op.kind == Op::Kind::Get ? "/kv/get" : "/kv/put";
  const std::string body = boost::json::serialize(to_json(op));
  std::string last = "no primary known";
  while (time_left(deadline) > milliseconds(0)) {
    const std::string address = view_.primary.address;
    if (!address.empty()) {
      if (session.primary_address != address) {
        session.primary =
            std::make_unique<HttpClient>(executor_, parse_endpoint(address, "primary"));
        session.primary_address = address;
      }
      HttpRequest request;
      request.method = "POST";
      request.path = path;
      request.body = body;
      const HttpReply reply = co_await session.primary->request(
          std::move(request), std::min(kTryTimeout, time_left(deadline)));
      if (is_final(reply.status)) {
        co_return HttpResponse{.status = reply.status, .body = reply.body};
      }
      last = address + ": " + (reply.status == 0 ? reply.error : reply.body);
    }
    const milliseconds left = time_left(deadline);
    if (left > kRetryPause) {
      asio::steady_timer pause(executor_, kRetryPause);
      co_await pause.async_wait(asio::use_awaitable);
      co_await refresh_view(session, std::min(kTryTimeout, left - kRetryPause));
    }
  }
  co_return out_of_time(timeout, last);
}

asio::awaitable<void> Clerk::refresh_view(Session& session, milliseconds timeout) {
  const HttpReply reply = co_await session.pd.request("GET", "/refstore/view", {}, timeout);
  if (reply.status != 200) {
    co_return;
  }
  try {
    hint(view_from(object_field(parse_object(reply.body), "view")));
  } catch (const Error&) {
    // Not a view service; the next try asks the next address.
    co_return;
  }
}

}  // namespace tinet::refstore
