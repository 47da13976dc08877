#pragma once
/// A fault desk on a fake fabric, with the loop that its requests run on.

#include <chrono>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/supervisor/fault_desk.h"
#include "tests/support/fake_fabric.h"

namespace tinet {

/// `count` instances n-0.. at 127.0.0.2.., with service "peer" on 2380.
inline ClusterPlan desk_plan(int count) {
  ClusterPlan plan;
  plan.tag = "test";
  for (int i = 0; i < count; ++i) {
    InstancePlan instance;
    instance.name = "n-" + std::to_string(i);
    instance.component = "n";
    instance.services = {{"peer", 2380}};
    instance.address.value = 0x7f000002U + static_cast<std::uint32_t>(i);
    plan.instances.push_back(std::move(instance));
  }
  plan.client_address.value = 0x7f0000f0U;
  return plan;
}

/// Runs one request to its end; timers that are due meanwhile run too.
inline boost::json::object run_on(boost::asio::io_context& loop,
                                  boost::asio::awaitable<boost::json::object> request) {
  auto answer = boost::asio::co_spawn(loop, std::move(request), boost::asio::use_future);
  while (answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    loop.restart();
    loop.run_one();
  }
  return answer.get();
}

struct DeskWorld {
  boost::asio::io_context loop{};
  ClusterPlan plan;
  FakeFabric fabric{};
  Journal journal{loop.get_executor(), UniqueFd{}};
  RoleBoard roles{plan, fabric, [](const std::string& /*instance*/) { return false; }};
  Changes changes{loop.get_executor()};
  std::vector<FaultId> undone{};
  FaultId cannot_undo{};  ///< a process fault that stays whatever is done
  FaultDesk desk;

  explicit DeskWorld(ClusterPlan of, WatchTimes times = {})
      : plan(std::move(of)),
        desk(
            loop.get_executor(), plan, fabric, journal, roles, changes,
            [this](const Fault& fault) { undo(fault); }, times) {}
  DeskWorld(const DeskWorld&) = delete;
  DeskWorld& operator=(const DeskWorld&) = delete;
  DeskWorld(DeskWorld&&) = delete;
  DeskWorld& operator=(DeskWorld&&) = delete;
  ~DeskWorld() { desk.shut_down(); }

  void undo(const Fault& fault) {
    if (fault.id == cannot_undo) {
      throw Error(ErrorKind::Operation, "no signal reaches it");
    }
    undone.push_back(fault.id);
  }

  boost::json::object run(boost::asio::awaitable<boost::json::object> request) {
    return run_on(loop, std::move(request));
  }

  /// Runs the loop until `done` or for ten seconds.
  template <typename Condition>
  bool run_until(Condition done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done() && std::chrono::steady_clock::now() < limit) {
      loop.restart();
      loop.run_one_until(limit);
    }
    return done();
  }

  boost::json::object create(api::FaultRequest request) {
    return run(desk.create(std::move(request)));
  }
  boost::json::object heal(api::HealRequest request = {}) {
    return run(desk.heal(std::move(request)));
  }
  boost::json::object converge(std::vector<api::FaultRequest> faults, bool dry_run = false) {
    api::ApplyRequest request;
    request.faults = std::move(faults);
    request.dry_run = dry_run;
    return run(desk.converge(std::move(request)));
  }

  /// Texts of the journal's events of one kind.
  std::vector<std::string> events(std::string_view kind) {
    std::vector<std::string> texts;
    for (const auto& entry : journal.after(0)) {
      const auto event = boost::json::parse(entry.line);
      if (event.at("event").as_string() == kind) {
        texts.emplace_back(event.at("text").as_string());
      }
    }
    return texts;
  }
};

inline api::FaultRequest fault_request(std::string kind, std::string selector) {
  api::FaultRequest request;
  request.kind = std::move(kind);
  request.selector = std::move(selector);
  return request;
}

}  // namespace tinet
