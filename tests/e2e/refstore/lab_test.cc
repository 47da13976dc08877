/// The lab's cases S2-01..S2-09 against real processes, without network faults. A busy machine may
/// starve a server into a view change, so tests ask who is primary and never assume it.

#include <atomic>
#include <thread>

#include <sys/wait.h>

#include <gtest/gtest.h>

#include "src/refstore/kv_state.h"
#include "tests/e2e/refstore/cluster.h"

namespace tinet::refstore::test {
namespace {

constexpr char kHashQuery[] = "?hash=1&timeout_ms=20000";

void start_pair(Cluster& cluster) {
  cluster.start_server(1);
  ASSERT_TRUE(eventually([&] { return cluster.settled(false); }));
  cluster.start_server(2);
  ASSERT_TRUE(eventually([&] { return cluster.settled(true); }));
}

/// Appends to the chain at `key` and checks what the server says was there before.
void extend_chain(Cluster& cluster, const std::string& key, int from, int to, std::string& value) {
  for (int i = from; i < to; ++i) {
    const Reply reply = cluster.put(key, std::to_string(i), kHashQuery);
    ASSERT_EQ(reply.status, 200) << reply.body;
    ASSERT_EQ(reply.body, value) << "link " << i;
    value = chain_hash(value + std::to_string(i));
  }
}

TEST(Refstore, SurvivesOneFailureAfterAnotherButNeverServesBlank) {
  Cluster cluster;
  cluster.start_server(1);
  EXPECT_EQ(cluster.put("a", "aa").status, 200);
  EXPECT_EQ(cluster.put("b", "bb").status, 200);
  EXPECT_EQ(cluster.get("a").body, "aa");
  EXPECT_EQ(cluster.get("none").status, 404);

  cluster.start_server(2);
  ASSERT_TRUE(eventually([&] { return cluster.settled(true); }));
  EXPECT_EQ(cluster.put("c", "cc").status, 200);
  EXPECT_TRUE(eventually([&] { return cluster.equal(); }));

  const int first = cluster.kill_primary();
  EXPECT_EQ(cluster.get("a").body, "aa");
  EXPECT_EQ(cluster.get("c").body, "cc");
  EXPECT_NE(cluster.primary(), first);
  EXPECT_EQ(cluster.put("a", "after").status, 200);

  cluster.kill_server(3 - first);
  cluster.start_server(3);
  const Reply reply = cluster.get("a", "?timeout_ms=2000");
  EXPECT_EQ(reply.status, 504) << reply.body;
  EXPECT_EQ(cluster.state(3, "initialised"), "false");
}

TEST(Refstore, PutsAtMostOnceThoughRequestsAndRepliesAreLost) {
  Cluster cluster(true);
  cluster.start_server(1);
  std::string value;
  extend_chain(cluster, "counter", 0, 100, value);
  EXPECT_EQ(cluster.get("counter").body, value);
}

TEST(Refstore, KeepsTheChainThroughFailoverWithUnreliableServers) {
  Cluster cluster(true);
  start_pair(cluster);
  std::string value;
  extend_chain(cluster, "chain", 0, 40, value);
  const int first = cluster.kill_primary();
  extend_chain(cluster, "chain", 40, 60, value);
  cluster.start_server(first);
  ASSERT_TRUE(eventually([&] { return cluster.settled(true); }));
  extend_chain(cluster, "chain", 60, 80, value);
  cluster.kill_primary();
  extend_chain(cluster, "chain", 80, 100, value);
  EXPECT_EQ(cluster.get("chain").body, value);
}

TEST(Refstore, PutsRightAfterTheBackupFails) {
  Cluster cluster;
  start_pair(cluster);
  cluster.start_server(3);
  EXPECT_EQ(cluster.put("a", "1").status, 200);
  const int dead = cluster.backup();
  ASSERT_NE(dead, -1);
  cluster.kill_server(dead);
  EXPECT_EQ(cluster.put("a", "2").status, 200);
  ASSERT_TRUE(eventually([&] { return cluster.backup() != dead && cluster.settled(true); }));
  EXPECT_EQ(cluster.get("a").body, "2");
  EXPECT_TRUE(eventually([&] { return cluster.equal(); }));
}

TEST(Refstore, PutsRightAfterThePrimaryFails) {
  Cluster cluster;
  start_pair(cluster);
  cluster.start_server(3);
  EXPECT_EQ(cluster.put("a", "1").status, 200);
  EXPECT_EQ(cluster.put("b", "1").status, 200);
  const int dead = cluster.kill_primary();
  EXPECT_EQ(cluster.put("b", "2").status, 200);
  EXPECT_EQ(cluster.get("a").body, "1");
  EXPECT_EQ(cluster.get("b").body, "2");
  EXPECT_NE(cluster.primary(), dead);
}

void put_concurrently(Cluster& cluster) {
  std::atomic<int> failed = 0;
  std::vector<std::thread> clients;
  for (int client = 0; client < 3; ++client) {
    clients.emplace_back([&cluster, &failed, client] {
      for (int i = 0; i < 60; ++i) {
        const std::string key = (i + client) % 2 == 0 ? "x" : "y";
        const std::string value = std::to_string(client) + "/" + std::to_string(i);
        failed += cluster.put(key, value).status == 200 ? 0 : 1;
      }
    });
  }
  for (std::thread& client : clients) {
    client.join();
  }
  EXPECT_EQ(failed, 0);
}

class ConcurrentSame : public testing::TestWithParam<bool> {};

TEST_P(ConcurrentSame, LeavesPrimaryAndBackupEqual) {
  Cluster cluster(GetParam());
  start_pair(cluster);
  put_concurrently(cluster);
  const std::string x = cluster.get("x").body;
  const std::string y = cluster.get("y").body;
  // The backup may have been told of an operation whose primary waits for a lost reply.
  EXPECT_TRUE(eventually([&] { return cluster.settled(true) && cluster.equal(); }));
  cluster.kill_primary();
  EXPECT_EQ(cluster.get("x").body, x);
  EXPECT_EQ(cluster.get("y").body, y);
}

INSTANTIATE_TEST_SUITE_P(Refstore, ConcurrentSame, testing::Bool(), [](const auto& unreliable) {
  return unreliable.param ? "Unreliable" : "Reliable";
});

TEST(Refstore, TransfersAStateOfManyChunks) {
  Cluster cluster;
  cluster.start_server(1);
  for (int i = 0; i < 8; ++i) {
    ASSERT_EQ(cluster.put("big" + std::to_string(i), std::string(200000, 'v')).status, 200);
  }
  cluster.start_server(2);
  ASSERT_TRUE(eventually([&] { return cluster.settled(true); }));
  EXPECT_TRUE(eventually([&] { return cluster.equal(); }));
  cluster.kill_primary();
  EXPECT_EQ(cluster.get("big7").body.size(), 200000U);
}

TEST(Refstore, FrozenPrimaryDoesNotAnswerWithStaleValuesWhenItThaws) {
  Cluster cluster;
  start_pair(cluster);
  ASSERT_EQ(cluster.put("a", "old").status, 200);
  const int old = cluster.primary();
  ASSERT_NE(old, -1);
  const pid_t frozen = cluster.pid("tikv-" + std::to_string(old));
  ASSERT_EQ(::kill(frozen, SIGSTOP), 0);
  Reply stale;
  std::thread late([&] {
    stale = request("GET", cluster.server(old), "/kv/get?key=a", "", std::chrono::seconds(20));
  });
  ASSERT_TRUE(eventually([&] { return cluster.primary() != old; }));
  EXPECT_EQ(cluster.put("a", "new").status, 200);
  ASSERT_EQ(::kill(frozen, SIGCONT), 0);
  late.join();
  EXPECT_NE(stale.status, 200) << stale.body;
  ASSERT_TRUE(eventually([&] { return cluster.backup() == old && cluster.settled(true); }));
  EXPECT_EQ(cluster.get("a").body, "new");
}

TEST(Refstore, ViewServiceContinuesWithTheSameViewAfterARestart) {
  Cluster cluster;
  start_pair(cluster);
  ASSERT_EQ(cluster.put("a", "1").status, 200);
  const std::uint64_t view = cluster.view_number();
  cluster.stop("pd-0", SIGKILL);
  EXPECT_EQ(cluster.put("a", "2").status, 200) << "needs no view service";
  cluster.start_pd(0);
  ASSERT_TRUE(eventually([&] { return cluster.settled(true); }));
  EXPECT_GE(cluster.view_number(), view);
  cluster.kill_primary();
  EXPECT_EQ(cluster.get("a").body, "2");
}

TEST(Refstore, PdFollowersForwardAndLoseTheirLeader) {
  Cluster cluster(false, 3);
  cluster.start_server(1);
  ASSERT_TRUE(eventually([&] { return cluster.settled(false); }));
  ASSERT_TRUE(
      eventually([&] { return request("GET", cluster.pd(2), "/pd/api/v1/stores").status == 200; }));
  EXPECT_EQ(request("GET", cluster.pd(2), "/pd/api/v1/stores").body,
            request("GET", cluster.pd(0), "/pd/api/v1/stores").body);
  cluster.stop("pd-0", SIGKILL);
  ASSERT_TRUE(
      eventually([&] { return request("GET", cluster.pd(2), "/pd/api/v1/leader").status == 503; }));
  EXPECT_EQ(request("GET", cluster.pd(2), "/pd/api/v1/ping").status, 200);
}

TEST(Refstore, EndsAsTheRealProgramsDo) {
  Cluster cluster;
  cluster.start_server(1);
  ASSERT_TRUE(eventually([&] { return cluster.settled(false); }));
  ASSERT_EQ(cluster.get("a").status, 404);
  EXPECT_EQ(WEXITSTATUS(cluster.stop("tikv-1", SIGTERM)), 0);
  EXPECT_EQ(WEXITSTATUS(cluster.stop("tidb-0", SIGTERM)), 0);
  EXPECT_EQ(WEXITSTATUS(cluster.stop("pd-0", SIGTERM)), 0);
  cluster.start_pd(0);
  ASSERT_TRUE(eventually([&] { return request("GET", cluster.pd(), "/health").status == 200; }));
  EXPECT_EQ(WEXITSTATUS(cluster.stop("pd-0", SIGINT)), 1);
}

}  // namespace
}  // namespace tinet::refstore::test
