#include "src/topology/readiness.h"

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "tests/unit/topology/plans.h"

namespace tinet {
namespace {

HttpAnswer ok(const std::string& body) {
  return {200, body, ""};
}

HttpCheck check_of(const std::string& instance, std::size_t index = 0) {
  static const auto tidb = test::builtin_plan("tidb");
  return tidb.find(instance)->ready.http.at(index);
}

std::string reason(const HttpCheck& check, const HttpAnswer& answer) {
  return unmet(check, answer, "pd-0").value_or("");
}

TEST(UnmetPd, NeedsAClusterIdAndALeader) {
  const auto check = check_of("pd-0");
  EXPECT_EQ(reason(check, {0, "", "connection refused"}),
            "pd-0 /pd/api/v1/members: connection refused");
  EXPECT_EQ(reason(check, {}), "pd-0 /pd/api/v1/members: no answer");
  EXPECT_EQ(reason(check, {503, "no leader\n", ""}),
            "pd-0 /pd/api/v1/members: status 503: 'no leader'");
  EXPECT_EQ(reason(check, {500, "", ""}), "pd-0 /pd/api/v1/members: status 500");
  EXPECT_EQ(reason(check, ok("<html>")),
            "pd-0 /pd/api/v1/members: the answer is not JSON: '<html>'");
  EXPECT_EQ(reason(check, ok(R"({"header":{"cluster_id":0},"leader":{}})")),
            "pd-0 /pd/api/v1/members: cluster_id is '0'");
  EXPECT_EQ(reason(check, ok(R"({"header":{},"leader":{}})")),
            "pd-0 /pd/api/v1/members: cluster_id is missing");
  EXPECT_EQ(reason(check, ok(R"({"header":{"cluster_id":7}})")),
            "pd-0 /pd/api/v1/members: leader is missing");
  EXPECT_EQ(reason(check, ok(R"({"header":{"cluster_id":7461234567890123456},"leader":{}})")), "");
  EXPECT_EQ(reason(check, ok(R"({"header":{"cluster_id":18446744073709551615},"leader":{}})")), "");
}

TEST(UnmetTikv, NeedsItsOwnStoreToBeUp) {
  const auto check = check_of("tikv-1", 1);
  const auto stores = [](const std::string& own_state) {
    return ok(R"({"count":2,"stores":[{"store":{"id":1,"address":"198.18.0.12:20160",)"
              R"("state_name":"Up"}},{"store":{"id":4,"address":"198.18.0.13:20160",)"
              R"("state_name":")" +
              own_state + R"("}}]})");
  };
  EXPECT_EQ(reason(check, stores("Up")), "");
  EXPECT_EQ(reason(check, stores("Disconnected")),
            "pd-0 /pd/api/v1/stores: state_name is 'Disconnected'");
  EXPECT_EQ(reason(check, ok(R"({"count":0,"stores":[]})")),
            "pd-0 /pd/api/v1/stores: stores has none with address '198.18.0.13:20160'");
  EXPECT_EQ(reason(check, ok(R"({"count":0})")), "pd-0 /pd/api/v1/stores: stores is missing");
  EXPECT_EQ(
      reason(check, {500, "\"TiKV cluster not bootstrapped, please start TiKV first\"\n", ""}),
      "pd-0 /pd/api/v1/stores: status 500: '\"TiKV cluster not bootstrapped, please start "
      "TiKV first\"'");
}

TEST(UnmetTikv, AcceptsAnEmptyBodyForStatus) {
  EXPECT_EQ(reason(check_of("tikv-1", 0), ok("")), "");
}

TEST(UnmetEtcd, TakesHealthAsText) {
  const auto etcd = test::builtin_plan("etcd");
  const auto& check = etcd.instances.at(0).ready.http.at(0);
  EXPECT_EQ(reason(check, ok(R"({"health":"true"})")), "");
  EXPECT_EQ(reason(check, ok(R"({"health":"false"})")), "pd-0 /health: health is 'false'");
  const auto& settled = etcd.components.at(0).settled.at(0);
  EXPECT_EQ(reason(settled, ok(R"({"header":{"member_id":"910"}})")),
            "pd-0 /v3/maintenance/status: leader is missing");
  EXPECT_EQ(reason(settled, ok(R"({"header":{},"leader":"910"})")), "");
}

TEST(Unmet, ComparesNumbersExactly) {
  const auto with = [](JsonOp op, const std::string& value, const std::string& body) {
    HttpCheck check;
    check.json.push_back({"", {{"/n", op, value}}});
    return !unmet(check, ok(body), "x").has_value();
  };
  EXPECT_TRUE(with(JsonOp::Equals, "18446744073709551615", R"({"n":18446744073709551615})"));
  EXPECT_FALSE(with(JsonOp::Equals, "18446744073709551614", R"({"n":18446744073709551615})"));
  EXPECT_FALSE(with(JsonOp::Equals, "9007199254740993", R"({"n":9007199254740992})"));
  EXPECT_TRUE(with(JsonOp::Equals, "0", R"({"n":0.0})"));
  EXPECT_TRUE(with(JsonOp::Equals, "3", R"({"n":"3"})"));
  EXPECT_TRUE(with(JsonOp::AtLeast, "3", R"({"n":"10"})"));
  EXPECT_FALSE(with(JsonOp::AtLeast, "3", R"({"n":2})"));
  EXPECT_FALSE(with(JsonOp::AtLeast, "3", R"({"n":[]})"));
  EXPECT_TRUE(with(JsonOp::Equals, "true", R"({"n":true})"));
  EXPECT_FALSE(with(JsonOp::Equals, "", R"({"n":null})"));
  EXPECT_TRUE(with(JsonOp::Absent, "", R"({"m":1})"));
  EXPECT_FALSE(with(JsonOp::Absent, "", R"({"n":1})"));
  EXPECT_TRUE(with(JsonOp::Exists, "", R"({"n":null})"));
}

TEST(LogPattern, FindsTheLineThatShowsReadiness) {
  const LogPattern pattern("listening on .*:[0-9]+$");
  EXPECT_TRUE(pattern.matches("INFO listening on 0.0.0.0:80"));
  EXPECT_FALSE(pattern.matches("INFO listening soon"));
  EXPECT_FALSE(pattern.matches(std::string(100'000, 'x')));
}

TEST(LogPattern, RefusesWhatIsNoPattern) {
  EXPECT_EQ(test::failure_of([] { LogPattern("["); }).kind, ErrorKind::Usage);
  EXPECT_TRUE(test::failure_of([] { LogPattern(std::string(501, 'a')); }).thrown);
}

}  // namespace
}  // namespace tinet
