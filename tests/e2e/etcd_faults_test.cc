// Real etcd under faults that are no plain cut: what it must notice, and what it must not.

#include <gtest/gtest.h>

#include "tests/e2e/etcd_scene.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;

TEST(EtcdFollower, ThatIsCutOffCausesNoElection) {
  const EtcdScene scene(3, kPreVote);
  if (!scene.up()) {
    return;
  }
  const std::string leader = scene.await_leader();
  ASSERT_FALSE(leader.empty());
  const std::string cut = scene.followers(leader).front();
  const auto before = scene.term(leader);
  ASSERT_GT(before, 0);
  ASSERT_TRUE(scene.tinet({"partition", cut}).ok());
  EXPECT_TRUE(scene.misses_its_leader(cut));
  EXPECT_TRUE(scene.put(leader, "k", "during"));
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_TRUE(eventually([&] { return scene.local_value(cut, "k") == "during"; }, 30s));
  EXPECT_EQ(scene.leader(), leader);
  EXPECT_EQ(scene.term(leader), before);
  EXPECT_EQ(scene.term(cut), before);
}

TEST(EtcdFollower, ThatCannotSeeTheLeaderWhileOthersCanCausesNoElection) {
  const EtcdScene scene(3, kPreVote);
  if (!scene.up()) {
    return;
  }
  const std::string leader = scene.await_leader();
  ASSERT_FALSE(leader.empty());
  const std::string blind = scene.followers(leader).front();
  const std::string other = scene.followers(leader).back();
  const auto before = scene.term(leader);
  ASSERT_TRUE(scene.tinet({"partition", blind, "--to", leader}).ok());
  EXPECT_TRUE(scene.misses_its_leader(blind));
  EXPECT_EQ(scene.leader(), leader);
  EXPECT_EQ(scene.term(other), before);
  EXPECT_TRUE(scene.put(other, "k", "during"));
  EXPECT_EQ(scene.local_value(blind, "k"), "");
  // It reaches the majority of members, and still has nobody who would answer it.
  EXPECT_TRUE(scene.stays_silent(blind, {"get", "k"}));
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_TRUE(eventually([&] { return scene.local_value(blind, "k") == "during"; }, 30s));
  EXPECT_EQ(scene.term(leader), before);
}

TEST(EtcdFollower, ThatIsCutOffComesBackWithAHigherTermWithoutPreVote) {
  const EtcdScene scene(3, kNoPreVote);
  if (!scene.up()) {
    return;
  }
  const std::string leader = scene.await_leader();
  ASSERT_FALSE(leader.empty());
  const std::string cut = scene.followers(leader).front();
  const auto before = scene.term(leader);
  ASSERT_GT(before, 0);
  ASSERT_TRUE(scene.tinet({"partition", cut}).ok());
  // A candidate has no leader, and a term of its own.
  EXPECT_TRUE(scene.misses_its_leader(cut));
  EXPECT_EQ(scene.term(leader), before);
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  // The others cannot but follow its term, which costs them an election.
  EXPECT_TRUE(eventually([&] { return scene.term(leader) > before; }, 30s));
  EXPECT_FALSE(scene.await_leader().empty());
  EXPECT_TRUE(scene.put(leader, "k", "after"));
}

TEST(EtcdLeader, ThatIsFarAwayStaysAndWritesTakeLonger) {
  const EtcdScene scene(3, kPreVote);
  if (!scene.up()) {
    return;
  }
  const std::string leader = scene.await_leader();
  ASSERT_FALSE(leader.empty());
  const auto before = scene.term(leader);
  ASSERT_GT(before, 0);
  // Far below the second after which a follower calls an election.
  ASSERT_TRUE(scene.tinet({"delay", leader, "200ms"}).ok());
  for (int i = 0; i < 5; ++i) {
    EXPECT_GE(scene.write_ms(leader), 400);
  }
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  std::int64_t quickest = 1000;
  for (int i = 0; i < 5; ++i) {
    quickest = std::min(quickest, scene.write_ms(leader));
  }
  EXPECT_LT(quickest, 400);
  EXPECT_EQ(scene.leader(), leader);
  EXPECT_EQ(scene.term(leader), before);
}

TEST(EtcdLeader, ThatWasFrozenReadsNothingStale) {
  const EtcdScene scene(3, kPreVote);
  if (!scene.up()) {
    return;
  }
  const std::string old = scene.await_leader();
  ASSERT_FALSE(old.empty());
  ASSERT_TRUE(scene.put(old, "k", "before"));
  const auto before = scene.term(old);
  ASSERT_TRUE(scene.tinet({"pause", old}).ok());
  const std::string next = scene.await_leader({old});
  ASSERT_FALSE(next.empty());
  ASSERT_TRUE(scene.put(next, "k", "after"));

  // The question waits in its socket, so it is the first thing that it does when it wakes up.
  const auto reader = scene.beside(
      {"exec", old, "--", "etcdctl", "--command-timeout=30s", "get", "--print-value-only", "k"});
  ASSERT_TRUE(scene.tinet({"resume", old}).ok());
  EXPECT_EQ(reader->finish().out, "after\n");
  EXPECT_TRUE(eventually([&] { return scene.local_value(old, "k") == "after"; }, 30s));
  EXPECT_GT(scene.term(old), before);
}

}  // namespace
}  // namespace tinet::test
