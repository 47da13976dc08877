#include "src/supervisor/role_board.h"

#include <exception>
#include <memory>
#include <utility>

#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "src/base/error.h"
#include "src/supervisor/changes.h"
#include "src/supervisor/checks.h"
#include "src/supervisor/probe.h"

namespace tinet {

namespace asio = boost::asio;

namespace {

/// Members answer such questions from memory; one that does not within this time counts as silent.
constexpr std::chrono::milliseconds kAnswerTimeout{700};
constexpr std::chrono::seconds kRecentFor{1};

/// Answers of one round; shared with the coroutines that fill it.
struct Round {
  explicit Round(const asio::any_io_executor& executor) : done(executor) {}
  std::vector<RoleAnswer> answers;
  std::size_t missing = 0;
  Changes done;
};

asio::awaitable<void> ask_member(std::shared_ptr<Round> round, std::size_t slot, UniqueFd socket,
                                 Ipv4 address, std::uint16_t port) {
  const RoleQuery& query = round->answers[slot].query;
  HttpAsk ask;
  ask.method = query.method;
  ask.path = query.path;
  ask.headers = query.headers;
  ask.body = query.body;
  round->answers[slot].answer =
      co_await ask_http(std::move(socket), address, port, std::move(ask), kAnswerTimeout);
}

}  // namespace

RoleBoard::RoleBoard(const ClusterPlan& plan, Fabric& fabric,
                     std::function<bool(const std::string&)> is_up)
    : plan_(plan), fabric_(fabric), is_up_(std::move(is_up)) {}

asio::awaitable<RoleResult> RoleBoard::resolve(std::vector<std::string> words) {
  const auto executor = co_await asio::this_coro::executor;
  const auto round = std::make_shared<Round>(executor);
  for (auto& query : role_queries(plan_, words)) {
    round->answers.push_back({std::move(query), {}});
  }
  for (std::size_t slot = 0; slot < round->answers.size(); ++slot) {
    const RoleQuery& query = round->answers[slot].query;
    HttpAnswer& answer = round->answers[slot].answer;
    const InstancePlan* instance = plan_.find(query.instance);
    const auto port = instance == nullptr ? std::nullopt : instance->port_of(query.service);
    if (!port || !is_up_(query.instance)) {
      answer.error = "not running";
      continue;
    }
    UniqueFd socket;
    try {
      socket = fabric_.open_socket(endpoint_of(plan_, *instance), AF_INET,
                                   SOCK_STREAM | SOCK_NONBLOCK, 0);
    } catch (const Error& error) {
      answer.error = error.what();
      continue;
    }
    ++round->missing;
    asio::co_spawn(executor,
                   ask_member(round, slot, std::move(socket), instance->listen_address, *port),
                   [round, slot](const std::exception_ptr& failure) {
                     if (failure) {
                       round->answers[slot].answer.error = "the question failed";
                     }
                     --round->missing;
                     round->done.notify();
                   });
  }
  while (round->missing > 0) {
    const auto seen = round->done.version();
    co_await round->done.wait(seen);
  }
  co_return resolve_roles(plan_, words, round->answers);
}

asio::awaitable<RoleResult> RoleBoard::recent() {
  const auto now = std::chrono::steady_clock::now();
  if (now - recent_at_ > kRecentFor) {
    recent_ = co_await resolve({});
    recent_at_ = std::chrono::steady_clock::now();
  }
  co_return recent_;
}

}  // namespace tinet
