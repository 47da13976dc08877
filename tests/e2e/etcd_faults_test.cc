// Real etcd under faults that are no plain cut: what it must notice, and what it must not.

#include <chrono>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tests/e2e/etcd_scene.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

/// With pre-vote a member asks whether it would be elected before it begins a term; etcd has that
/// on by default from 3.5 on only.
const std::vector<std::string> kPreVote = {"--etcd.args", "--pre-vote=true"};
const std::vector<std::string> kNoPreVote = {"--etcd.args", "--pre-vote=false"};

/// Two members that do not lead.
std::pair<std::string, std::string> followers(const EtcdScene& scene, const std::string& leader) {
  std::vector<std::string> names;
  for (const auto& member : scene.members()) {
    if (member != leader) {
      names.push_back(member);
    }
  }
  return {names.at(0), names.at(1)};
}

/// A member's term; 0 when it does not answer.
std::int64_t term(const EtcdScene& scene, const std::string& member) {
  const RunResult result = scene.ctl(member, {"endpoint", "status", "-w", "json"});
  std::error_code error;
  const json::value answer = json::parse(result.out, error);
  return error ? 0 : std::stoll("0" + text_at(answer, "/0/Status/raftTerm"));
}

/// Milliseconds that a write at that member takes.
std::int64_t write_ms(const EtcdScene& scene, const std::string& member) {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(scene.put(member, "timed", "x"));
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               before)
      .count();
}

/// Waits until the member has had no leader for so long that it asked for votes: with pre-vote in
/// vain.
bool misses_its_leader(const EtcdScene& scene, const std::string& member) {
  return eventually(
      [&] {
        const RunResult result = scene.ctl(member, {"endpoint", "status", "-w", "json"});
        std::error_code error;
        const json::value answer = json::parse(result.out, error);
        // A member that has not answered says nothing; etcd leaves out what is zero.
        if (error || text_at(answer, "/0/Status/raftTerm").empty()) {
          return false;
        }
        const std::string leader = text_at(answer, "/0/Status/leader");
        return leader.empty() || leader == "0";
      },
      30s);
}

TEST(EtcdFollower, ThatIsCutOffCausesNoElection) {
  const EtcdScene scene(3, kPreVote);
  if (!scene.up()) {
    return;
  }
  const std::string leader = scene.await_leader();
  ASSERT_FALSE(leader.empty());
  const auto [cut, other] = followers(scene, leader);
  const auto before = term(scene, leader);
  ASSERT_GT(before, 0);
  ASSERT_TRUE(scene.tinet({"partition", cut}).ok());
  EXPECT_TRUE(misses_its_leader(scene, cut));
  EXPECT_TRUE(scene.put(leader, "k", "during"));
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_TRUE(eventually([&] { return scene.local_value(cut, "k") == "during"; }, 30s));
  EXPECT_EQ(scene.leader(), leader);
  EXPECT_EQ(term(scene, leader), before);
  EXPECT_EQ(term(scene, cut), before);
}

TEST(EtcdFollower, ThatCannotSeeTheLeaderWhileOthersCanCausesNoElection) {
  const EtcdScene scene(3, kPreVote);
  if (!scene.up()) {
    return;
  }
  const std::string leader = scene.await_leader();
  ASSERT_FALSE(leader.empty());
  const auto [blind, other] = followers(scene, leader);
  const auto before = term(scene, leader);
  ASSERT_TRUE(scene.tinet({"partition", blind, "--to", leader}).ok());
  EXPECT_TRUE(misses_its_leader(scene, blind));
  EXPECT_EQ(scene.leader(), leader);
  EXPECT_EQ(term(scene, other), before);
  EXPECT_TRUE(scene.put(other, "k", "during"));
  EXPECT_EQ(scene.local_value(blind, "k"), "");
  // It reaches the majority of members, and still has nobody who would answer it.
  EXPECT_TRUE(scene.stays_silent(blind, {"get", "k"}));
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_TRUE(eventually([&] { return scene.local_value(blind, "k") == "during"; }, 30s));
  EXPECT_EQ(term(scene, leader), before);
}

TEST(EtcdFollower, ThatIsCutOffComesBackWithAHigherTermWithoutPreVote) {
  const EtcdScene scene(3, kNoPreVote);
  if (!scene.up()) {
    return;
  }
  const std::string leader = scene.await_leader();
  ASSERT_FALSE(leader.empty());
  const std::string cut = followers(scene, leader).first;
  const auto before = term(scene, leader);
  ASSERT_GT(before, 0);
  ASSERT_TRUE(scene.tinet({"partition", cut}).ok());
  // A candidate has no leader, and a term of its own.
  EXPECT_TRUE(misses_its_leader(scene, cut));
  EXPECT_EQ(term(scene, leader), before);
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  // The others cannot but follow its term, which costs them an election.
  EXPECT_TRUE(eventually([&] { return term(scene, leader) > before; }, 30s));
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
  const auto before = term(scene, leader);
  ASSERT_GT(before, 0);
  // Far below the second after which a follower calls an election.
  ASSERT_TRUE(scene.tinet({"delay", leader, "200ms"}).ok());
  for (int i = 0; i < 5; ++i) {
    EXPECT_GE(write_ms(scene, leader), 400);
  }
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  std::int64_t quickest = 1000;
  for (int i = 0; i < 5; ++i) {
    quickest = std::min(quickest, write_ms(scene, leader));
  }
  EXPECT_LT(quickest, 400);
  EXPECT_EQ(scene.leader(), leader);
  EXPECT_EQ(term(scene, leader), before);
}

TEST(EtcdLeader, ThatWasFrozenReadsNothingStale) {
  const EtcdScene scene(3, kPreVote);
  if (!scene.up()) {
    return;
  }
  const std::string old = scene.await_leader();
  ASSERT_FALSE(old.empty());
  ASSERT_TRUE(scene.put(old, "k", "before"));
  const auto before = term(scene, old);
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
  EXPECT_GT(term(scene, old), before);
}

}  // namespace
}  // namespace tinet::test
