#include "src/refstore/pd_api.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/refstore/front_registry.h"
#include "src/refstore/version.h"

namespace tinet::refstore {
namespace {

namespace json = boost::json;

constexpr char kThree[] =
    "pd-0=http://10.9.0.11:2380,pd-1=http://10.9.0.12:2380,pd-2=http://10.9.0.13:2380";

struct Leader {
  Time now{std::chrono::hours(1)};
  PdMembers members{kThree, "pd-0", {"http://10.9.0.11:2379"}};
  ViewService views{DurableState{}, now};

  HttpResponse ask(const std::string& path) {
    HttpRequest request;
    request.path = path;
    return pd_answer({77, 3, &members, &views, now}, request);
  }
  json::value json_of(const std::string& path) { return json::parse(ask(path).body); }
  void pair() {
    for (const char* address :
         {"10.9.0.21:20160", "10.9.0.22:20160", "10.9.0.21:20160", "10.9.0.21:20160"}) {
      const std::uint64_t incarnation = address[7] == '1' ? 5 : 6;
      views.ping({address, incarnation, views.view().number, true, {"s", "v", {{"zone", "a"}}}},
                 now);
    }
  }
};

TEST(PdApi, SaysNotBootstrappedBeforeTheFirstView) {
  Leader leader;
  const HttpResponse answer = leader.ask("/pd/api/v1/stores");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, "\"TiKV cluster not bootstrapped, please start TiKV first\"");
  EXPECT_FALSE(leader.json_of("/pd/api/v1/cluster/status").at("is_initialized").as_bool());
}

TEST(PdApi, ListsStoresWithStateAndCounts) {
  Leader leader;
  leader.pair();
  const json::value stores = leader.json_of("/pd/api/v1/stores");
  EXPECT_EQ(stores.at("count").as_int64(), 2);
  const json::value first = stores.at("stores").at(0);
  EXPECT_EQ(first.at("store").at("address").as_string(), "10.9.0.21:20160");
  EXPECT_EQ(first.at("store").at("state_name").as_string(), "Up");
  EXPECT_EQ(first.at("store").at("labels").at(0).at("value").as_string(), "a");
  EXPECT_EQ(first.at("status").at("leader_count").as_int64(), 1);
  EXPECT_EQ(stores.at("stores").at(1).at("status").at("leader_count").as_int64(), 0);
  EXPECT_EQ(stores.at("stores").at(1).at("status").at("region_count").as_int64(), 1);
  leader.now += kDeadAfter + kPingInterval;
  EXPECT_EQ(leader.json_of("/pd/api/v1/store/2").at("store").at("state_name").as_string(),
            "Disconnected");
  EXPECT_EQ(leader.ask("/pd/api/v1/store/9").status, 404);
}

TEST(PdApi, ShowsTheOneRegionAndItsPeers) {
  Leader leader;
  leader.pair();
  EXPECT_EQ(leader.json_of("/pd/api/v1/regions/check/miss-peer").at("count").as_int64(), 0);
  const json::value region = leader.json_of("/pd/api/v1/region/id/" + std::to_string(kRegionId));
  EXPECT_EQ(region.at("leader").at("store_id").as_int64(), 1);
  EXPECT_EQ(region.at("peers").as_array().size(), 2U);
  EXPECT_EQ(leader.json_of("/pd/api/v1/stats/region").at("store_leader_count").at("1").as_int64(),
            1);
  EXPECT_EQ(leader.ask("/pd/api/v1/region/id/999").status, 404);
  EXPECT_EQ(leader.ask("/pd/api/v1/region/id/2x").status, 404);
}

TEST(PdApi, NamesTheFixedLeader) {
  Leader leader;
  const json::value members = leader.json_of("/pd/api/v1/members");
  EXPECT_EQ(members.at("header").at("cluster_id").as_int64(), 77);
  EXPECT_EQ(members.at("members").as_array().size(), 3U);
  EXPECT_EQ(members.at("leader").at("name").as_string(), "pd-0");
  const json::value status = leader.json_of("/v3/maintenance/status");
  EXPECT_EQ(status.at("leader"), status.at("header").at("member_id"));
  EXPECT_EQ(status.at("header").at("raft_term").as_string(), "3");
}

TEST(PdApi, FollowerHasALeaderOnlyWhileItAnswers) {
  Time now{std::chrono::hours(1)};
  const PdMembers leader(kThree, "pd-0", {"http://10.9.0.11:2379"});
  PdMembers follower(kThree, "pd-1", {"http://10.9.0.12:2379"});
  HttpRequest request;
  request.path = "/pd/api/v1/leader";
  EXPECT_EQ(pd_answer({0, 0, &follower, nullptr, now}, request).status, 503);
  follower.take_news(leader.news(now), now);
  EXPECT_EQ(pd_answer({77, 1, &follower, nullptr, now}, request).status, 200);
  EXPECT_EQ(follower.leader().client_urls.at(0), "http://10.9.0.11:2379");
  now += kDeadAfter + kPingInterval;
  EXPECT_EQ(pd_answer({77, 1, &follower, nullptr, now}, request).status, 503);
  request.path = "/v3/maintenance/status";
  const json::value status = json::parse(pd_answer({77, 1, &follower, nullptr, now}, request).body);
  EXPECT_FALSE(status.as_object().contains("leader"));
}

TEST(PdMembers, LeaderTellsHealthFromReports) {
  Time now{std::chrono::hours(1)};
  PdMembers leader(kThree, "pd-0", {"http://10.9.0.11:2379"});
  const PdMembers follower(kThree, "pd-2", {"http://10.9.0.13:2379"});
  leader.take_report(follower.report(), now);
  const auto members = leader.list(now);
  EXPECT_TRUE(members[0].healthy);
  EXPECT_FALSE(members[1].healthy);
  EXPECT_TRUE(members[2].healthy);
  EXPECT_EQ(members[2].client_urls.at(0), "http://10.9.0.13:2379");
  EXPECT_FALSE(leader.list(now + kDeadAfter * 2)[2].healthy);
}

TEST(PdMembers, RefusesAListWithoutItself) {
  EXPECT_THROW(PdMembers(kThree, "pd-9", {}), Error);
  EXPECT_THROW(PdMembers("pd-0", "pd-0", {}), Error);
}

TEST(FrontRegistry, OwnerIsTheLongestLiveFront) {
  Time now{std::chrono::hours(1)};
  FrontRegistry fronts;
  EXPECT_FALSE(fronts.owner(now));
  fronts.report({"one", "10.9.0.31", 4000, 10080}, now);
  fronts.report({"two", "10.9.0.32", 4000, 10080}, now);
  EXPECT_EQ(fronts.owner(now)->id, "one");
  now += kFrontLease;
  fronts.report({"two", "10.9.0.32", 4000, 10080}, now);
  EXPECT_EQ(fronts.owner(now)->id, "one");
  now += kPingInterval;
  EXPECT_EQ(fronts.owner(now)->id, "two");
  fronts.report({"one", "10.9.0.31", 4000, 10080}, now);
  EXPECT_EQ(fronts.owner(now)->id, "two") << "who comes back waits in line";
}

}  // namespace
}  // namespace tinet::refstore
