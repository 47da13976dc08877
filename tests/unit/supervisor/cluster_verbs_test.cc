#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/supervisor/cluster.h"
#include "tests/support/desk_world.h"
#include "tests/support/temp_dir.h"

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
    return run_on(loop, std::move(request));
  }
};

ClusterPlan plan_with_host() {
  ClusterPlan plan = desk_plan(2);
  plan.host_link = true;
  plan.host_address.value = 0x7f0000f1U;
  return plan;
}

template <typename Action>
void expect_error(ErrorKind kind, Action action, const std::string& text) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    EXPECT_THAT(error.what(), HasSubstr(text));
    return;
  }
  ADD_FAILURE() << "accepted";
}

template <typename Action>
void expect_usage(Action action, const std::string& text) {
  expect_error(ErrorKind::Usage, action, text);
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

/// Whose instances run a program that waits.
ClusterPlan plan_of_sleepers(int count, const test::TempDir& home) {
  ClusterPlan plan = desk_plan(count);
  plan.user.uid = ::getuid();
  plan.user.gid = ::getgid();
  for (InstancePlan& instance : plan.instances) {
    instance.program = "/bin/sleep";
    instance.args = {"1000"};
    instance.directory = home / instance.name;
    instance.log = home / (instance.name + ".log");
  }
  return plan;
}

TEST(ClusterVerbs, PauseAllOrNone) {
  const test::TempDir home;
  ClusterWorld world(plan_of_sleepers(2, home));
  api::InstanceRequest request;
  request.selector = "n-0";
  request.wait = "no";
  world.run(world.cluster.instance_verb("start", request));
  const auto runs = [&] {
    const InstanceState state = world.cluster.instance("n-0").state();
    return state == InstanceState::Running || state == InstanceState::Ready;
  };
  ASSERT_TRUE(runs());
  request.selector = "all";
  expect_error(
      ErrorKind::Conflict, [&] { world.run(world.cluster.instance_verb("pause", request)); },
      "'n-1' cannot be paused");
  EXPECT_TRUE(runs());
  EXPECT_TRUE(world.cluster.faults().book().entries().empty());

  request.selector = "n-0";
  world.run(world.cluster.instance_verb("pause", request));
  EXPECT_EQ(world.cluster.instance("n-0").state(), InstanceState::Paused);
  EXPECT_EQ(world.cluster.faults().book().entries().size(), 1U);
  world.run(world.cluster.instance_verb("kill", request));
  EXPECT_EQ(world.cluster.instance("n-0").state(), InstanceState::Stopped);
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
