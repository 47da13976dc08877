// Real etcd: members restarted and killed while they are cut off, and clients cut off from members.

#include <chrono>
#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/etcd_scene.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Some member that does not lead.
std::string follower(const EtcdScene& scene) {
  return scene.await_leader() == "etcd-0" ? "etcd-1" : "etcd-0";
}

void expect_cut(const EtcdScene& scene, const std::string& member) {
  for (const auto& other : scene.members()) {
    if (other != member) {
      EXPECT_EQ(text_at(scene.json({"why", member, other}), "/reachable"), "no");
      EXPECT_EQ(text_at(scene.json({"why", other, member}), "/reachable"), "no");
    }
  }
  EXPECT_TRUE(scene.stays_silent(member, {"get", "k"}));
}

TEST(EtcdMember, StaysCutThroughRestartAndKill) {
  const EtcdScene scene(3);
  if (!scene.up()) {
    return;
  }
  const std::string member = follower(scene);
  ASSERT_TRUE(scene.put(member, "k", "before"));
  ASSERT_TRUE(scene.tinet({"partition", member}).ok());

  const RunResult restarted = scene.tinet({"restart", member});
  EXPECT_TRUE(restarted.ok()) << restarted;
  EXPECT_THAT(restarted.err, HasSubstr("readiness was not awaited because of f1"));
  expect_cut(scene, member);

  EXPECT_TRUE(scene.tinet({"kill", member}).ok());
  EXPECT_EQ(text_at(named_in(scene.json({"status"}), "instances", member), "/state"), "stopped");
  EXPECT_TRUE(scene.put(scene.await_leader({member}), "k", "after"));
  const RunResult started = scene.tinet({"start-instance", member});
  EXPECT_TRUE(started.ok()) << started;
  EXPECT_THAT(started.err, HasSubstr("readiness was not awaited because of f1"));
  EXPECT_EQ(text_at(named_in(scene.json({"status"}), "instances", member), "/state"), "running");
  expect_cut(scene, member);

  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  const RunResult ready = scene.tinet({"wait", member, "--ready", "--timeout", "60s"});
  EXPECT_TRUE(ready.ok()) << ready;
  EXPECT_TRUE(scene.become_equal());
  EXPECT_EQ(scene.local_value(member, "k"), "after");
}

TEST(EtcdMember, KeepsItsDataWhenItIsKilledAndStarted) {
  const EtcdScene scene(3);
  if (!scene.up()) {
    return;
  }
  ASSERT_TRUE(scene.put("etcd-0", "k", "v"));
  const std::string old = scene.await_leader();
  const RunResult killed = scene.tinet({"kill", "role:etcd-leader"});
  ASSERT_TRUE(killed.ok()) << killed;
  EXPECT_EQ(text_at(named_in(scene.json({"status"}), "instances", old), "/state"), "stopped");
  const std::string next = scene.await_leader({old});
  ASSERT_FALSE(next.empty());
  EXPECT_TRUE(scene.put(next, "k", "w"));
  const RunResult started = scene.tinet({"start-instance", old});
  EXPECT_TRUE(started.ok()) << started;
  EXPECT_EQ(text_at(scene.json({"status"}), "/state"), "ready");
  EXPECT_TRUE(scene.become_equal());
}

TEST(EtcdMember, IsResumedBehindACutThatWasThereBeforeIt) {
  const TempDir directory;
  const std::string file = directory / "faults.yaml";
  std::ofstream(file) << "- {partition: etcd-2}\n";
  const EtcdScene scene(3, {"--paused", "--faults", file});
  if (!scene.up()) {
    return;
  }
  const auto began = std::chrono::steady_clock::now();
  const RunResult resumed = scene.tinet({"resume", "all"});
  ASSERT_TRUE(resumed.ok()) << resumed;
  EXPECT_LT(std::chrono::steady_clock::now() - began, 30s) << "it waited for what cannot be";
  EXPECT_THAT(resumed.err, HasSubstr("'etcd-2' is running; readiness was not awaited because of "
                                     "f1"));
  EXPECT_FALSE(scene.await_leader({"etcd-2"}).empty());
  EXPECT_EQ(text_at(scene.json({"status"}), "/state"), "degraded");

  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  const RunResult ready = scene.tinet({"wait", "--ready", "--timeout", "60s"});
  EXPECT_TRUE(ready.ok()) << ready;
  EXPECT_EQ(text_at(scene.json({"status"}), "/state"), "ready");
}

TEST(EtcdWatch, StallsWhileItsClientIsCutOffAndThenTellsWhatItMissed) {
  const EtcdScene scene(3);
  if (!scene.up()) {
    return;
  }
  const std::string member = follower(scene);
  const std::string leader = scene.await_leader();
  const auto watch = scene.watch(member, leader, "k");
  ASSERT_TRUE(watch);

  ASSERT_TRUE(scene.tinet({"partition", member, "--from", "client"}).ok());
  ASSERT_TRUE(scene.put(leader, "k", "during"));
  // The member has it and tells it, to nobody.
  EXPECT_TRUE(eventually([&] { return scene.local_value(member, "k") == "during"; }, 60s));
  EXPECT_TRUE(
      eventually([&] { return stopped_at(scene.json({"faults"}), "/0/packets") > 0; }, 60s));
  EXPECT_FALSE(watch->wait_for_output("during", 100ms));
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_TRUE(watch->wait_for_output("during", 50s));
}

}  // namespace
}  // namespace tinet::test
