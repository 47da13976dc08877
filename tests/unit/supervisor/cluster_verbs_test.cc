#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/supervisor/cluster.h"
#include "tests/support/desk_world.h"

namespace tinet {
namespace {

using testing::HasSubstr;

/// A cluster of which no process was started yet.
struct ClusterWorld {
  boost::asio::io_context loop{};
  Journal journal{loop.get_executor(), UniqueFd{}};
  Cluster cluster;

  explicit ClusterWorld(ClusterPlan plan)
      : cluster(loop.get_executor(), std::move(plan), std::make_unique<FakeFabric>(), journal, {}) {
  }
  ClusterWorld(const ClusterWorld&) = delete;
  ClusterWorld& operator=(const ClusterWorld&) = delete;
  ClusterWorld(ClusterWorld&&) = delete;
  ClusterWorld& operator=(ClusterWorld&&) = delete;
  ~ClusterWorld() { cluster.faults().shut_down(); }

  boost::json::object run(boost::asio::awaitable<boost::json::object> request) {
    auto answer = boost::asio::co_spawn(loop, std::move(request), boost::asio::use_future);
    while (answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      loop.restart();
      loop.run_one();
    }
    return answer.get();
  }
};

ClusterPlan plan_with_host() {
  ClusterPlan plan = desk_plan(2);
  plan.host_link = true;
  plan.host_address.value = 0x7f0000f1U;
  return plan;
}

template <typename Action>
void expect_usage(Action action, const std::string& text) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_THAT(error.what(), HasSubstr(text));
    return;
  }
  ADD_FAILURE() << "accepted";
}

TEST(ClusterVerbs, RefuseEndpointsWithoutAProcess) {
  ClusterWorld world(plan_with_host());
  for (const std::string name : {"client", "host"}) {
    for (const std::string verb : {"kill", "pause", "restart"}) {
      SCOPED_TRACE(verb + " " + name);
      api::InstanceRequest request;
      request.selector = name;
      expect_usage([&] { world.run(world.cluster.instance_verb(verb, request)); },
                   "'" + name + "' has no process of its own");
    }
  }
}

TEST(ClusterWait, RefusesEndpointsWithoutAProcess) {
  ClusterWorld world(plan_with_host());
  for (const std::string name : {"client", "host"}) {
    SCOPED_TRACE(name);
    api::WaitRequest request;
    request.selector = name;
    expect_usage([&] { world.run(world.cluster.wait(request)); },
                 "'" + name + "' has no process of its own");
  }
}

}  // namespace
}  // namespace tinet
