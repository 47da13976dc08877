#include "src/supervisor/checks.h"

#include <chrono>
#include <utility>

#include <sys/socket.h>

#include <boost/asio/use_awaitable.hpp>

#include "src/base/error.h"
#include "src/supervisor/probe.h"
#include "src/topology/readiness.h"

namespace tinet {

namespace asio = boost::asio;

namespace {

/// One answer of a healthy program takes milliseconds; a loaded machine gets two seconds.
constexpr std::chrono::milliseconds kAnswerTimeout{2'000};

UniqueFd tcp_socket(Fabric& fabric, Endpoint endpoint) {
  return fabric.open_socket(endpoint, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

asio::awaitable<std::optional<std::string>> ask_one(Fabric& fabric, const ClusterPlan& plan,
                                                    const InstancePlan& asked,
                                                    const HttpCheck& check) {
  const auto port = asked.port_of(check.service);
  if (!port) {
    co_return "'" + asked.name + "' has no service '" + check.service + "'";
  }
  HttpAsk ask;
  ask.method = check.method;
  ask.path = check.path;
  ask.headers = check.headers;
  ask.body = check.body;
  UniqueFd socket = tcp_socket(fabric, endpoint_of(plan, asked));
  const HttpAnswer answer = co_await ask_http(std::move(socket), asked.listen_address, *port,
                                              std::move(ask), kAnswerTimeout);
  co_return unmet(check, answer, asked.name);
}

}  // namespace

Endpoint endpoint_of(const ClusterPlan& plan, const InstancePlan& instance) {
  const auto position = &instance - plan.instances.data();
  TINET_ASSERT(position >= 0 && static_cast<std::size_t>(position) < plan.instances.size());
  return static_cast<Endpoint>(position);
}

asio::awaitable<std::optional<std::string>> check_http(Fabric& fabric, const ClusterPlan& plan,
                                                       const InstancePlan* self,
                                                       const HttpCheck& check) {
  if (check.component.empty()) {
    TINET_ASSERT(self != nullptr);
    co_return co_await ask_one(fabric, plan, *self, check);
  }
  std::optional<std::string> reason = "no instance of '" + check.component + "' to ask";
  for (const auto& candidate : plan.instances) {
    if (candidate.component == check.component) {
      reason = co_await ask_one(fabric, plan, candidate, check);
      if (!reason) {
        co_return std::nullopt;
      }
    }
  }
  co_return reason;
}

asio::awaitable<std::optional<std::string>> check_tcp(Fabric& fabric, const ClusterPlan& plan,
                                                      const InstancePlan& self,
                                                      const std::string& service) {
  const auto port = self.port_of(service);
  if (!port) {
    co_return "'" + self.name + "' has no service '" + service + "'";
  }
  UniqueFd socket = tcp_socket(fabric, endpoint_of(plan, self));
  const std::string error =
      co_await ask_connect(std::move(socket), self.listen_address, *port, kAnswerTimeout);
  if (error.empty()) {
    co_return std::nullopt;
  }
  co_return "port " + std::to_string(*port) + ": " + error;
}

}  // namespace tinet
