#include "src/topology/roles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/topology/base64.h"
#include "tests/unit/topology/plans.h"

namespace tinet {
namespace {

using test::builtin_plan;
using test::failure_of;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Answers by "INSTANCE PATH"; everything else is silence.
class World {
 public:
  World(ClusterPlan plan, std::vector<std::string> words)
      : plan_(std::move(plan)), words_(std::move(words)) {}

  void say(const std::string& instance, const std::string& path, const std::string& body,
           int status = 200) {
    answers_[instance + " " + path] = {status, body, ""};
  }
  void say_all(const std::vector<std::string>& instances, const std::string& path,
               const std::string& body) {
    for (const auto& instance : instances) {
      say(instance, path, body);
    }
  }
  void fail(const std::string& instance, const std::string& path, const std::string& error) {
    answers_[instance + " " + path] = {0, "", error};
  }

  [[nodiscard]] RoleResult resolve() const {
    std::vector<RoleAnswer> answers;
    for (const auto& query : role_queries(plan_, words_)) {
      // Both ranges go to one path; the key tells them apart.
      const auto key = query.body.find("L3RpZGIvc2VydmVy") != std::string::npos ? "#servers" : "";
      const auto found = answers_.find(query.instance + " " + query.path + key);
      if (found != answers_.end()) {
        answers.push_back({query, found->second});
      }
    }
    return resolve_roles(plan_, words_, answers);
  }
  [[nodiscard]] RoleHolders holders(const std::string& word) const {
    return resolve().holders.at(word);
  }

 private:
  ClusterPlan plan_;
  std::vector<std::string> words_;
  std::map<std::string, HttpAnswer> answers_;
};

constexpr const char* kStatus = "/v3/maintenance/status";

std::string etcd_status(int member, int leader, int term) {
  std::string body = R"({"header":{"cluster_id":"429","member_id":"91007465432109876)" +
                     std::to_string(member) + R"(","revision":"1"},"version":"3.4.23")";
  if (leader >= 0) {
    body += R"(,"leader":"91007465432109876)" + std::to_string(leader) + "\"";
  } else {
    body += R"(,"errors":["etcdserver: no leader"])";
  }
  return body + R"(,"raftTerm":")" + std::to_string(term) + "\"}";
}

World etcd_world(std::vector<std::string> words = {"etcd-leader", "etcd-follower"}) {
  return World(builtin_plan("etcd"), std::move(words));
}

TEST(EtcdRoles, FollowTheMajority) {
  auto world = etcd_world();
  world.say("etcd-0", kStatus, etcd_status(0, 2, 4));
  world.say("etcd-1", kStatus, etcd_status(1, 2, 4));
  world.say("etcd-2", kStatus, etcd_status(2, 2, 4));
  EXPECT_THAT(world.holders("etcd-leader").instances, ElementsAre("etcd-2"));
  EXPECT_THAT(world.holders("etcd-follower").instances, ElementsAre("etcd-0", "etcd-1"));
  EXPECT_THAT(world.resolve().by_instance.at("etcd-2"), ElementsAre("etcd-leader"));
}

TEST(EtcdRoles, IgnoreACutOffLeaderThatBelievesInItself) {
  auto world = etcd_world();
  world.say("etcd-0", kStatus, etcd_status(0, 0, 2));
  world.say("etcd-1", kStatus, etcd_status(1, 2, 3));
  world.say("etcd-2", kStatus, etcd_status(2, 2, 3));
  EXPECT_THAT(world.holders("etcd-leader").instances, ElementsAre("etcd-2"));
  EXPECT_THAT(world.holders("etcd-follower").instances, ElementsAre("etcd-0", "etcd-1"));
}

TEST(EtcdRoles, IgnoreACutOffCandidateThatHasRaisedItsTerm) {
  auto world = etcd_world();
  world.say("etcd-0", kStatus, etcd_status(0, -1, 17));
  world.say("etcd-1", kStatus, etcd_status(1, 1, 3));
  world.say("etcd-2", kStatus, etcd_status(2, 1, 3));
  EXPECT_THAT(world.holders("etcd-leader").instances, ElementsAre("etcd-1"));
}

TEST(EtcdRoles, AreVacantWithoutAMajority) {
  auto world = etcd_world();
  world.say("etcd-0", kStatus, etcd_status(0, 0, 2));
  world.say("etcd-1", kStatus, etcd_status(1, -1, 3));
  world.fail("etcd-2", kStatus, "timed out");
  const auto leader = world.holders("etcd-leader");
  EXPECT_THAT(leader.instances, IsEmpty());
  EXPECT_THAT(leader.answers, ElementsAre("etcd-0: says etcd-0 (term 2)",
                                          "etcd-1: knows no leader (term 3)", "etcd-2: timed out"));
  EXPECT_THAT(world.holders("etcd-follower").instances, IsEmpty());
}

TEST(EtcdRoles, AreVacantWhileOpinionsDiffer) {
  auto world = etcd_world();
  world.say("etcd-0", kStatus, etcd_status(0, 0, 2));
  world.say("etcd-1", kStatus, etcd_status(1, 0, 3));
  world.say("etcd-2", kStatus, etcd_status(2, 2, 3));
  EXPECT_THAT(world.holders("etcd-leader").instances, IsEmpty());
}

TEST(EtcdRoles, NameALeaderThatDoesNotAnswer) {
  auto world = etcd_world();
  world.fail("etcd-0", kStatus, "timed out");
  world.say("etcd-1", kStatus, etcd_status(1, 0, 3));
  world.say("etcd-2", kStatus, etcd_status(2, 0, 3));
  world.say("etcd-1", "/v3/cluster/member/list",
            R"({"members":[{"ID":"910074654321098760","name":"etcd-0"},)"
            R"({"ID":"910074654321098761","name":"etcd-1"}]})");
  EXPECT_THAT(world.holders("etcd-leader").instances, ElementsAre("etcd-0"));
  EXPECT_THAT(world.holders("etcd-follower").instances, ElementsAre("etcd-1", "etcd-2"));
}

TEST(EtcdRoles, SurviveAnswersThatAreNoJson) {
  auto world = etcd_world();
  world.say("etcd-0", kStatus, "<html>");
  world.say("etcd-1", kStatus, "[]");
  world.say("etcd-2", kStatus, "{}", 503);
  EXPECT_THAT(
      world.holders("etcd-leader").answers,
      ElementsAre("etcd-0: answer is not JSON", "etcd-1: knows no leader", "etcd-2: status 503"));
}

constexpr const char* kPdLeader = "/pd/api/v1/leader";

World tidb_world(std::vector<std::string> words) {
  World world(builtin_plan("tidb", {{"pd", 3}, {"tikv", 3}, {"tidb", 2}}), std::move(words));
  for (const int member : {0, 1, 2}) {
    world.say("pd-" + std::to_string(member), kStatus, etcd_status(member, 1, 5));
    world.say("pd-" + std::to_string(member), kPdLeader,
              R"({"name":"pd-1","member_id":9100746543210987654})");
  }
  return world;
}

TEST(PdRoles, AskEachMemberForItsOwnView) {
  const auto queries = role_queries(builtin_plan("tidb"), {"pd-leader"});
  ASSERT_EQ(queries.size(), 2U);
  EXPECT_EQ(queries[1].path, kPdLeader);
  EXPECT_EQ(queries[1].headers.at("PD-Allow-follower-handle"), "true");
}

TEST(PdRoles, FollowTheMajority) {
  EXPECT_THAT(tidb_world({"pd-leader"}).holders("pd-leader").instances, ElementsAre("pd-1"));
}

TEST(PdRoles, IgnoreACutOffLeader) {
  auto world = tidb_world({"pd-leader", "pd-follower"});
  world.say("pd-0", kStatus, etcd_status(0, 0, 4));
  world.say("pd-0", kPdLeader, R"({"name":"pd-0"})");
  EXPECT_THAT(world.holders("pd-leader").instances, ElementsAre("pd-1"));
  EXPECT_THAT(world.holders("pd-follower").instances, ElementsAre("pd-0", "pd-2"));
}

TEST(PdRoles, AreVacantBetweenLeaders) {
  auto world = tidb_world({"pd-leader"});
  world.say("pd-0", kPdLeader, "no leader", 503);
  world.say("pd-2", kPdLeader, "no leader", 503);
  EXPECT_THAT(world.holders("pd-leader").instances, IsEmpty());
  EXPECT_THAT(world.holders("pd-leader").answers, Contains("pd-0: knows no leader (term 5)"));
}

std::string stores(const std::vector<std::pair<std::string, int>>& entries) {
  std::string body = R"({"count":3,"stores":[)";
  int id = 1;
  for (const auto& [state, leaders] : entries) {
    body += (id > 1 ? "," : "") + std::string(R"({"store":{"id":)") + std::to_string(id) +
            R"(,"address":"198.18.0.)" + std::to_string(13 + id) + R"(:20160","state_name":")" +
            state + R"("},"status":{"leader_count":)" + std::to_string(leaders) + "}}";
    ++id;
  }
  return body + "]}";
}

TEST(RegionLeader, IsTheStoreThatLeadsMostRegions) {
  auto world = tidb_world({"tikv-region-leader"});
  world.say("pd-1", "/pd/api/v1/stores", stores({{"Up", 3}, {"Up", 9}, {"Up", 9}}));
  world.say("pd-0", "/pd/api/v1/stores", stores({{"Up", 99}, {"Up", 0}, {"Up", 0}}));
  EXPECT_THAT(world.holders("tikv-region-leader").instances, ElementsAre("tikv-1"));
}

TEST(RegionLeader, IgnoresStoresThatAreGone) {
  auto world = tidb_world({"tikv-region-leader"});
  world.say("pd-1", "/pd/api/v1/stores", stores({{"Disconnected", 12}, {"Up", 1}, {"Up", 0}}));
  EXPECT_THAT(world.holders("tikv-region-leader").instances, ElementsAre("tikv-1"));
}

TEST(RegionLeader, IsVacantBeforeBootstrap) {
  auto world = tidb_world({"tikv-region-leader"});
  world.say("pd-1", "/pd/api/v1/stores", "TiKV cluster not bootstrapped", 500);
  const auto holders = world.holders("tikv-region-leader");
  EXPECT_THAT(holders.instances, IsEmpty());
  EXPECT_THAT(holders.answers, Contains("pd-1: status 500"));
}

std::string region(const std::string& state, int leader, int term) {
  return R"({"raft_status":{"hard_state":{"term":)" + std::to_string(term) +
         R"(},"soft_state":{"leader_id":)" + std::to_string(leader) + R"(,"raft_state":")" + state +
         R"("}},"region_state":{"peers":[{"id":11,"store_id":1},{"id":12,"store_id":2},)"
         R"({"id":13,"store_id":3}]}})";
}

TEST(RegionLeader, OfOneRegionIsWhatItsPeersSay) {
  auto world = tidb_world({"tikv-region-leader:7"});
  world.say("pd-1", "/pd/api/v1/stores", stores({{"Up", 9}, {"Up", 1}, {"Up", 1}}));
  world.say("pd-1", "/pd/api/v1/region/id/7", R"({"leader":{"id":11,"store_id":1}})");
  world.say("tikv-0", "/region/7", region("Leader", 11, 6));
  world.say("tikv-1", "/region/7", region("Follower", 13, 8));
  world.say("tikv-2", "/region/7", region("Leader", 13, 8));
  const auto holders = world.holders("tikv-region-leader:7");
  EXPECT_THAT(holders.instances, ElementsAre("tikv-2"));
  EXPECT_THAT(holders.answers, Contains("tikv-0: Leader at term 6"));
}

TEST(RegionLeader, OfOneRegionIsVacantWhileItsPeersDisagree) {
  auto world = tidb_world({"tikv-region-leader:7"});
  world.say("pd-1", "/pd/api/v1/stores", stores({{"Up", 9}, {"Up", 1}, {"Up", 1}}));
  world.say("tikv-0", "/region/7", region("Leader", 11, 6));
  world.say("tikv-1", "/region/7", region("Candidate", 0, 8));
  EXPECT_THAT(world.holders("tikv-region-leader:7").instances, IsEmpty());
}

TEST(RegionLeader, OfOneRegionComesFromPdWhenNoPeerCanBeAsked) {
  auto world = tidb_world({"tikv-region-leader:7"});
  world.say("pd-1", "/pd/api/v1/stores", stores({{"Up", 9}, {"Up", 1}, {"Up", 1}}));
  world.say("pd-1", "/pd/api/v1/region/id/7", R"({"leader":{"id":12,"store_id":2}})");
  EXPECT_THAT(world.holders("tikv-region-leader:7").instances, ElementsAre("tikv-1"));
}

std::string owner_key(const std::string& value, int revision) {
  return R"({"header":{"revision":")" + std::to_string(revision) +
         R"("},"kvs":[{"key":"eA==","value":")" + detail::base64_encode(value) +
         R"(","create_revision":"3"}],"count":"1"})";
}

std::string servers() {
  return R"({"kvs":[{"key":")" + detail::base64_encode("/tidb/server/info/uuid-a") +
         R"(","value":")" + detail::base64_encode(R"({"ip":"198.18.0.17","listening_port":4000})") +
         R"("},{"key":")" + detail::base64_encode("/tidb/server/info/uuid-b") + R"(","value":")" +
         detail::base64_encode(R"({"ip":"198.18.0.18","listening_port":4000})") + R"("}]})";
}

TEST(TidbOwner, IsTheOldestKeyInPd) {
  auto world = tidb_world({"tidb-owner"});
  world.say("pd-0", "/v3/kv/range", owner_key("uuid-a", 40));
  world.say("pd-1", "/v3/kv/range", owner_key("uuid-b_2", 44));
  world.say_all({"pd-0", "pd-1"}, "/v3/kv/range#servers", servers());
  world.say("pd-2", "/v3/kv/range", R"({"error":"request timed out"})", 503);
  world.say("tidb-0", "/info", R"({"is_owner":true})");
  world.say("tidb-1", "/info", R"({"is_owner":true})");
  const auto holders = world.holders("tidb-owner");
  EXPECT_THAT(holders.instances, ElementsAre("tidb-1"));
  EXPECT_THAT(holders.answers,
              ElementsAre("pd-0: owner is tidb-0", "pd-1: owner is tidb-1", "pd-2: status 503",
                          "tidb-0: says it is", "tidb-1: says it is"));
}

TEST(TidbOwner, IsVacantWhenTheKeyIsGone) {
  auto world = tidb_world({"tidb-owner"});
  world.say("pd-0", "/v3/kv/range", R"({"header":{"revision":"9"}})");
  world.say("pd-0", "/v3/kv/range#servers", servers());
  world.say("tidb-0", "/info/all",
            R"({"owner_id":"uuid-a","all_servers_info":{"uuid-a":{"ip":"198.18.0.17"}}})");
  EXPECT_THAT(world.holders("tidb-owner").instances, IsEmpty());
}

TEST(TidbOwner, ComesFromTidbWhenNoPdAnswers) {
  auto world = tidb_world({"tidb-owner"});
  world.say("tidb-1", "/info/all",
            R"({"owner_id":"uuid-a","all_servers_info":{"uuid-a":{"ip":"198.18.0.17"}}})");
  EXPECT_THAT(world.holders("tidb-owner").instances, ElementsAre("tidb-0"));
}

ClusterPlan reference_plan() {
  const auto topology = builtin_topology("tidb");
  auto environment = test::environment_for(topology);
  environment.binaries.store = "reference";
  return render(topology, {}, environment);
}

std::string view(int number, const std::string& primary, const std::string& backup,
                 const std::string& role = "idle") {
  return R"({"role":")" + role + R"(","view":{"number":)" + std::to_string(number) +
         R"(,"primary":{"address":")" + primary + R"(:20160"},"backup":)" +
         (backup.empty() ? "null" : R"({"address":")" + backup + R"(:20160"})") + "}}";
}

TEST(ReferenceRoles, AreWhatTheViewServiceSays) {
  World world(reference_plan(), {"primary", "backup", "tikv-region-leader:1", "pd-leader"});
  world.say("pd-0", "/refstore/view", view(3, "198.18.0.13", "198.18.0.14"));
  world.say("pd-0", kPdLeader, R"({"name":"pd-0"})");
  world.say("tikv-0", "/refstore/state", view(9, "198.18.0.12", "", "primary"));
  const auto result = world.resolve();
  EXPECT_THAT(result.holders.at("primary").instances, ElementsAre("tikv-1"));
  EXPECT_THAT(result.holders.at("backup").instances, ElementsAre("tikv-2"));
  EXPECT_THAT(result.holders.at("tikv-region-leader:1").instances, ElementsAre("tikv-1"));
  EXPECT_THAT(result.holders.at("pd-leader").instances, ElementsAre("pd-0"));
}

TEST(ReferenceRoles, ComeFromTheNewestViewWhenTheServiceIsSilent) {
  World world(reference_plan(), {"primary", "backup"});
  world.say("tikv-0", "/refstore/state", view(1, "198.18.0.12", "198.18.0.13", "primary"));
  world.say("tikv-1", "/refstore/state", view(2, "198.18.0.13", "", "primary"));
  EXPECT_THAT(world.holders("primary").instances, ElementsAre("tikv-1"));
  EXPECT_THAT(world.holders("backup").instances, IsEmpty());
  EXPECT_THAT(world.holders("backup").answers,
              Contains("tikv-1: primary, view 2, primary tikv-1, backup nobody"));
}

TEST(RoleWords, AreCheckedAgainstTheTopology) {
  const auto plan = builtin_plan("tidb");
  EXPECT_THAT(known_roles(plan),
              ElementsAre("pd-leader", "pd-follower", "tikv-region-leader", "tidb-owner"));
  const auto message = [&](const std::string& word) {
    return failure_of([&] { static_cast<void>(role_queries(plan, {word})); });
  };
  EXPECT_EQ(message("pd-leadr").message, "unknown role 'pd-leadr' in topology 'tidb'");
  EXPECT_EQ(message("pd-leadr").hint, "did you mean 'pd-leader'?");
  EXPECT_EQ(message("pd-leader:3").message, "role 'pd-leader:3': '3' is not expected here");
  EXPECT_EQ(message("tikv-region-leader:x").message,
            "role 'tikv-region-leader:x': 'x' is not the number of a region");
  EXPECT_EQ(message("tikv-region-leader:").kind, ErrorKind::Usage);
}

TEST(RoleWords, NoneMeansAll) {
  const auto plan = builtin_plan("tidb");
  EXPECT_EQ(resolve_roles(plan, {}, {}).holders.size(), 4U);
  EXPECT_TRUE(role_queries(test::plan_of(parse_topology(
                               "tinet: 1\nname: t\ncomponents: {n: {program: x}}\n", "t.yaml")),
                           {})
                  .empty());
}

}  // namespace
}  // namespace tinet
