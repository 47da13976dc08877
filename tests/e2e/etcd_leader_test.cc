// Real etcd, its leader cut off: the majority goes on without it, and it comes back.

#include <algorithm>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/etcd_scene.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(EtcdLeader, IsReplacedWhenCutOffAndRejoinsWhenHealed) {
  const EtcdScene scene(3);
  if (!scene.up()) {
    return;
  }
  const std::string old = scene.await_leader();
  ASSERT_FALSE(old.empty());
  ASSERT_TRUE(scene.put(old, "k", "before"));

  const auto fault = scene.json({"partition", "role:etcd-leader", "--verify"});
  ASSERT_EQ(text_at(fault, "/target/0"), old);
  EXPECT_EQ(text_at(fault, "/verify/wrong"), "[]");
  const std::string next = scene.await_leader({old});
  ASSERT_FALSE(next.empty());
  const RunResult waited = scene.tinet({"wait", "!" + old, "--role", "etcd-leader"});
  EXPECT_TRUE(waited.ok()) << waited;
  const auto again = scene.json({"partition", "role:etcd-leader", "--dry-run"});
  EXPECT_EQ(text_at(again, "/fault/target/0"), next);

  // The old one has what it had, and promises nothing. What becomes of a write without an answer is
  // open, so it has a key of its own.
  EXPECT_TRUE(scene.put(next, "k", "after"));
  EXPECT_TRUE(scene.stays_silent(old, {"put", "other", "x"}));
  EXPECT_TRUE(scene.stays_silent(old, {"get", "k"}));
  EXPECT_EQ(scene.local_value(old, "k"), "before");

  const auto healed = scene.json({"heal"});
  EXPECT_GT(stopped_at(healed, "/healed/0/packets"), 0);
  EXPECT_TRUE(scene.tinet({"wait", "--ready", "--timeout", "60s"}).ok());
  EXPECT_TRUE(eventually([&] { return scene.local_value(old, "k") == "after"; }, 60s));
  EXPECT_TRUE(scene.become_equal());
  EXPECT_TRUE(scene.put(old, "k", "together"));
}

TEST(EtcdLeader, InAMinorityLosesToTheMajoritysAtTheHighestTerm) {
  const EtcdScene scene(5);
  if (!scene.up()) {
    return;
  }
  const std::string old = scene.await_leader();
  ASSERT_FALSE(old.empty());
  const std::string friend_of_old = old == "etcd-0" ? "etcd-1" : "etcd-0";
  ASSERT_TRUE(scene.put(old, "k", "before"));

  // leader() fails the test if status ever names both.
  ASSERT_TRUE(scene.tinet({"partition", old + "," + friend_of_old}).ok());
  const std::string next = scene.await_leader({old, friend_of_old});
  ASSERT_FALSE(next.empty());
  EXPECT_TRUE(scene.put(next, "k", "after"));
  EXPECT_TRUE(scene.stays_silent(friend_of_old, {"put", "other", "x"}));
  EXPECT_EQ(text_at(scene.json({"why", old, friend_of_old}), "/reachable"), "yes");

  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_TRUE(scene.become_equal());
  EXPECT_EQ(scene.local_value(old, "k"), "after");
}

TEST(EtcdLeader, HasNoSuccessorWhileNobodyHasAMajority) {
  const EtcdScene scene(3);
  if (!scene.up()) {
    return;
  }
  ASSERT_FALSE(scene.await_leader().empty());
  ASSERT_TRUE(scene.tinet({"partition", "all", "--each"}).ok());
  EXPECT_TRUE(eventually([&] { return scene.leader().empty(); }, 90s));
  const RunResult vacant = scene.tinet({"partition", "role:etcd-leader"});
  EXPECT_EQ(vacant.exit_code, 4) << vacant;
  for (const auto& member : scene.members()) {
    EXPECT_THAT(vacant.err, HasSubstr(member));
  }
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_FALSE(scene.await_leader().empty());
}

TEST(EtcdLeader, ThatChangesEndsAWait) {
  const EtcdScene scene(3);
  if (!scene.up()) {
    return;
  }
  Program waiter({"/bin/sh", "-c", tinet_binary() + " wait --changed etcd-leader 2>&1"},
                 scene.options());
  // It does not say from when on it looks, so the leader moves until it has seen a move.
  EXPECT_TRUE(eventually(
      [&] {
        const std::string now = scene.leader();
        const std::string next = now == "etcd-0" ? "etcd-1" : "etcd-0";
        const RunResult member = scene.ctl(next, {"endpoint", "status", "-w", "json"});
        std::error_code error;
        const auto answer = boost::json::parse(member.out, error);
        if (!now.empty() && !error) {
          const auto id = answer.at(0).at("Status").at("header").at("member_id");
          char hex[32];
          std::snprintf(hex, sizeof hex, "%llx",
                        static_cast<unsigned long long>(id.to_number<std::uint64_t>()));
          static_cast<void>(scene.ctl(now, {"move-leader", hex}));
        }
        return waiter.wait_for_output("etcd-leader is held by", 100ms);
      },
      50s));
  const RunResult waited = waiter.finish();
  EXPECT_TRUE(waited.ok()) << waited;
}

}  // namespace
}  // namespace tinet::test
