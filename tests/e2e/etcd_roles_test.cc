// Real etcd, {kill, pause, delay} x {leader, follower, quorum, all}: the matrix of etcd's own
// former functional tests (etcd #15048 asks for it back).

#include <algorithm>
#include <ostream>

#include <gtest/gtest.h>

#include "tests/e2e/etcd_scene.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;

/// How a member is taken away and brought back.
struct Absence {
  std::string name;
  std::vector<std::string> away;
  std::vector<std::string> back;
};

std::ostream& operator<<(std::ostream& out, const Absence& absence) {
  return out << absence.name;
}

/// A cluster with a leader, and a key that says "before".
class EtcdLed : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!scene.up()) {
      GTEST_SKIP() << "no etcd";
    }
    leader = scene.await_leader();
    ASSERT_FALSE(leader.empty());
    before = scene.term(leader);
    ASSERT_GT(before, 0);
    ASSERT_TRUE(scene.put(leader, "k", "before"));
  }

  EtcdScene scene{3, kPreVote};
  std::string leader;
  std::int64_t before = 0;
};

class EtcdWithout : public EtcdLed, public ::testing::WithParamInterface<Absence> {
 protected:
  void away(const std::string& who) { run_words(GetParam().away, who); }
  void back(const std::string& who) { run_words(GetParam().back, who); }

 private:
  void run_words(std::vector<std::string> words, const std::string& who) {
    words.push_back(who);
    const RunResult result = scene.tinet(words);
    EXPECT_TRUE(result.ok()) << result;
  }
};
INSTANTIATE_TEST_SUITE_P(By, EtcdWithout,
                         ::testing::Values(Absence{"Kill", {"kill"}, {"start-instance"}},
                                           Absence{"Pause", {"pause"}, {"resume"}}),
                         [](const auto& absence) { return absence.param.name; });

TEST_P(EtcdWithout, AFollowerNobodyIsElected) {
  const std::string follower = scene.followers(leader).front();
  away(follower);
  EXPECT_TRUE(scene.put(leader, "k", "during"));
  EXPECT_EQ(scene.leader(), leader);
  EXPECT_EQ(scene.term(leader), before);
  back(follower);
  EXPECT_TRUE(eventually([&] { return scene.local_value(follower, "k") == "during"; }, 60s));
  EXPECT_EQ(scene.leader(), leader);
  EXPECT_EQ(scene.term(leader), before);
}

TEST_P(EtcdWithout, TheLeaderAnotherIsElected) {
  away(leader);
  const std::string next = scene.await_leader({leader});
  ASSERT_FALSE(next.empty());
  EXPECT_GT(scene.term(next), before);
  EXPECT_TRUE(scene.put(next, "k", "during"));
  back(leader);
  EXPECT_TRUE(eventually([&] { return scene.local_value(leader, "k") == "during"; }, 60s));
  EXPECT_TRUE(scene.become_equal());
}

TEST_P(EtcdWithout, AQuorumNothingIsWrittenAndTheLeaderResigns) {
  const auto followers = scene.followers(leader);
  const std::string both = followers.front() + "," + followers.back();
  away(both);
  EXPECT_TRUE(scene.stays_silent(leader, {"put", "other", "x"}));
  EXPECT_TRUE(scene.misses_its_leader(leader));
  EXPECT_TRUE(scene.stays_silent(leader, {"get", "k"}));
  EXPECT_EQ(scene.local_value(leader, "k"), "before");
  EXPECT_EQ(scene.term(leader), before) << "with pre-vote it asks before it begins a term";
  back(both);
  EXPECT_FALSE(scene.await_leader().empty());
  EXPECT_TRUE(scene.put(leader, "k", "after"));
  EXPECT_TRUE(scene.become_equal());
}

TEST_P(EtcdWithout, AllOfThemTheDataStays) {
  away("all");
  EXPECT_TRUE(eventually([&] { return scene.leader().empty(); }, 60s));
  for (const std::string& member : scene.members()) {
    EXPECT_TRUE(scene.stays_silent(member, {"get", "k"}));
  }
  back("all");
  ASSERT_FALSE(scene.await_leader().empty());
  EXPECT_TRUE(scene.put(leader, "other", "after"));
  EXPECT_EQ(scene.local_value(leader, "k"), "before");
  EXPECT_TRUE(scene.become_equal());
}

/// Long enough to be seen in every write, and far below the second after which a follower calls an
/// election.
constexpr auto kDelay = "200ms";
constexpr std::int64_t kRoundTripMs = 400;

class EtcdDelayed : public EtcdLed {
 protected:
  /// The quickest of some writes at the leader.
  std::int64_t quickest_ms() {
    std::int64_t quickest = 1'000'000;
    for (int i = 0; i < 5; ++i) {
      quickest = std::min(quickest, scene.write_ms(leader));
    }
    return quickest;
  }
  void expect_the_same_reign() {
    EXPECT_EQ(scene.leader(), leader);
    EXPECT_EQ(scene.term(leader), before);
  }
};

TEST_F(EtcdDelayed, FollowerKeepsNobodyWaiting) {
  const std::string slow = scene.followers(leader).front();
  ASSERT_TRUE(scene.tinet({"delay", slow, kDelay}).ok());
  EXPECT_LT(quickest_ms(), kRoundTripMs) << "the other one is a quorum with the leader";
  EXPECT_GE(scene.write_ms(slow), kRoundTripMs);
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  expect_the_same_reign();
  EXPECT_TRUE(scene.become_equal());
}

TEST_F(EtcdDelayed, QuorumMakesEveryWriteWait) {
  const auto followers = scene.followers(leader);
  ASSERT_TRUE(
      scene.tinet({"delay", followers.front() + "," + followers.back(), kDelay, "--each"}).ok());
  EXPECT_GE(quickest_ms(), kRoundTripMs);
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_LT(quickest_ms(), kRoundTripMs);
  expect_the_same_reign();
}

TEST_F(EtcdDelayed, AllMakeEveryWriteWait) {
  ASSERT_TRUE(scene.tinet({"delay", "all", kDelay}).ok());
  EXPECT_GE(quickest_ms(), kRoundTripMs);
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_LT(quickest_ms(), kRoundTripMs);
  expect_the_same_reign();
}

}  // namespace
}  // namespace tinet::test
