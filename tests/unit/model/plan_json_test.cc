#include <functional>
#include <string>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/model/plan.h"

namespace tinet {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::MatchesRegex;

/// A plan in which no member has its default value, so that a forgotten one shows.
ClusterPlan full_plan() {
  HttpCheck check;
  check.component = "pd";
  check.service = "client";
  check.method = "POST";
  check.path = "/pd/api/v1/stores";
  check.headers = {{"Accept", "application/json"}};
  check.body = "{\"a\": \"\\\"\u00e4\\n\"}";
  check.status = 201;
  check.json = {{"/stores", {{"/state", JsonOp::Equals, "Up"}, {"/count", JsonOp::AtLeast, "3"}}},
                {"", {{"/error", JsonOp::Absent, ""}, {"/id", JsonOp::NotEquals, "0"}}}};

  InstancePlan instance;
  instance.name = "tikv-0";
  instance.component = "tikv";
  instance.index = 3;
  instance.zone = "a";
  instance.address = parse_ipv4("198.18.0.12", "test");
  instance.address6 = parse_ipv6("fd74:696e:6574::c", "test");
  instance.program = "/opt/tikv-server";
  instance.version = "v8.5.0";
  instance.args = {"--addr", "", "a b"};
  instance.env = {{"PATH", "/bin"}, {"EMPTY", ""}};
  instance.directory = "/data/tikv-0";
  instance.log = "/logs/tikv-0.log";
  instance.directories = {"/data/tikv-0/raft"};
  instance.files = {{"/data/tikv-0/tikv.toml", "[a]\nb = 1\n"}};
  instance.services = {{"client", 20160}, {"status", 65535}};
  instance.ready = {{check}, {"client"}, "ready .*", {"/bin/true", "-x"}, 1234};
  instance.stop = {2, 5678, {0, 7}};
  instance.keep_visible = {"/tmp/bin"};

  ClusterPlan plan;
  plan.tag = "demo";
  plan.topology = "tidb";
  plan.store = "reference";
  plan.backend = "netns";
  plan.subnet = parse_subnet("198.19.0.0/16", "test");
  plan.gateway = gateway_address(plan.subnet);
  plan.ipv6 = true;
  plan.client_address = parse_ipv4("198.19.0.20", "test");
  plan.client_address6 = parse_ipv6("fd74:696e:6574::14", "test");
  plan.user = {1000, 1001, {27, 4}, "me", "/home/me"};
  plan.state_dir = "/run/tinet/1000/demo";
  plan.data_dir = "/data";
  plan.log_dir = "/logs";
  plan.keep_data = true;
  plan.on_failure = "keep";
  plan.paused = true;
  plan.start_timeout_ms = 99'000;
  plan.ttl_ms = 3'600'000;
  plan.tcp_rto_max_ms = 5'000;
  plan.instances = {instance};
  plan.components = {{"tikv", {"pd"}, true, {check}, 42'000}};
  plan.stop_order = {"tidb", "tikv"};
  plan.roles = {{"pd", "pd", "client", "pd"}};
  plan.publish = {{"tidb-0", "client", 4000, true}};
  plan.connect_lines = {"mysql -h 127.0.0.1"};
  return plan;
}

json::value full_document() {
  return to_json(full_plan());
}

/// The message that a changed full document is refused with.
std::string refusal_of(const json::value& document) {
  try {
    static_cast<void>(plan_from_json(document));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_FALSE(error.hint().empty());
    return error.what();
  }
  ADD_FAILURE() << "the document was accepted";
  return {};
}

std::string refusal_after(const std::function<void(json::value&)>& change) {
  auto document = full_document();
  change(document);
  return refusal_of(document);
}

TEST(PlanJson, RoundTripsAFullPlan) {
  const auto document = full_document();
  const auto text = json::serialize(document);
  const auto again = plan_from_json(json::parse(text));
  EXPECT_EQ(json::serialize(to_json(again)), text);

  EXPECT_EQ(again.ttl_ms, 3'600'000);
  EXPECT_EQ(again.tcp_rto_max_ms, 5'000);
  EXPECT_EQ(again.subnet, full_plan().subnet);
  EXPECT_EQ(again.client_address6, full_plan().client_address6);
  EXPECT_EQ(again.user.groups, (std::vector<std::uint32_t>{27, 4}));
  ASSERT_EQ(again.instances.size(), 1U);
  const auto& instance = again.instances[0];
  EXPECT_EQ(instance.address6, full_plan().instances[0].address6);
  EXPECT_EQ(instance.env.at("PATH"), "/bin");
  EXPECT_EQ(instance.port_of("status"), 65535);
  ASSERT_EQ(instance.ready.http.size(), 1U);
  EXPECT_EQ(instance.ready.http[0].json[0].conditions[1].op, JsonOp::AtLeast);
  EXPECT_EQ(instance.ready.http[0].body, full_plan().instances[0].ready.http[0].body);
  EXPECT_EQ(instance.stop.clean_exit_codes, (std::vector<int>{0, 7}));
  EXPECT_TRUE(again.components[0].first_alone);
}

TEST(PlanJson, RoundTripsAbsentOptionals) {
  auto plan = full_plan();
  plan.ttl_ms.reset();
  plan.client_address6.reset();
  plan.instances[0].address6.reset();
  const auto again = plan_from_json(json::parse(json::serialize(to_json(plan))));
  EXPECT_EQ(again.ttl_ms, std::nullopt);
  EXPECT_EQ(again.client_address6, std::nullopt);
  EXPECT_EQ(again.instances[0].address6, std::nullopt);
}

TEST(PlanJson, WritesAddressesAsText) {
  const auto document = full_document();
  EXPECT_EQ(document.at("subnet").as_string(), "198.19.0.0/16");
  EXPECT_EQ(document.at("gateway").as_string(), "198.19.255.254");
  EXPECT_EQ(document.at("instances").at(0).at("address").as_string(), "198.18.0.12");
}

// Every member at every depth, so that no new one can be read leniently by mistake.
void remove_each_member(const json::value& whole, const std::string& pointer) {
  const auto& here = whole.at_pointer(pointer);
  if (const auto* array = here.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      remove_each_member(whole, pointer + "/" + std::to_string(i));
    }
  }
  const auto* object = here.if_object();
  if (object == nullptr || pointer.ends_with("/env") || pointer.ends_with("/headers")) {
    return;
  }
  for (const auto& entry : *object) {
    const std::string name(entry.key());
    auto changed = whole;
    changed.at_pointer(pointer).as_object().erase(name);
    EXPECT_THAT(refusal_of(changed), HasSubstr("has no member '" + name + "'"));
    remove_each_member(whole, pointer + "/" + name);
  }
}

TEST(PlanJson, NamesAMissingMemberAtAnyDepth) {
  const auto document = full_document();
  remove_each_member(document, "");
}

TEST(PlanJson, SaysWhereAMemberIsMistyped) {
  EXPECT_EQ(refusal_after([](auto& document) { document.at("tag") = 7; }),
            "the cluster plan is malformed: 'plan.tag' is not a string");
  EXPECT_EQ(refusal_after([](auto& document) {
              document.at_pointer("/instances/0/services/1/port") = "20180";
            }),
            "the cluster plan is malformed: 'plan.instances[0].services[1].port' is not a whole "
            "number from 0 to 65535");
  EXPECT_EQ(
      refusal_after([](auto& document) { document.at_pointer("/instances/0/env/PATH") = nullptr; }),
      "the cluster plan is malformed: 'plan.instances[0].env.PATH' is not a string");
}

TEST(PlanJson, RefusesAnUnknownMember) {
  EXPECT_EQ(refusal_after([](auto& document) { document.as_object()["colour"] = "red"; }),
            "the cluster plan is malformed: 'plan' has an unknown member 'colour'");
}

struct Malformed {
  const char* name;
  const char* pointer;
  const char* replacement;  ///< JSON
};

class PlanJsonCorpus : public testing::TestWithParam<Malformed> {};

TEST_P(PlanJsonCorpus, IsRefused) {
  auto document = full_document();
  document.at_pointer(GetParam().pointer) = json::parse(GetParam().replacement);
  EXPECT_THAT(refusal_of(document), MatchesRegex("the cluster plan is malformed: '?plan\\..*"));
}

INSTANTIATE_TEST_SUITE_P(
    Members, PlanJsonCorpus,
    testing::Values(
        Malformed{"NullString", "/tag", "null"}, Malformed{"NumberForBool", "/ipv6", "1"},
        Malformed{"TextForBool", "/paused", "\"true\""},
        Malformed{"ObjectForArray", "/instances", "{}"}, Malformed{"ArrayForObject", "/user", "[]"},
        Malformed{"ArrayForMap", "/instances/0/env", "[]"},
        Malformed{"NumberForObject", "/instances/0", "3"},
        Malformed{"NullInArray", "/stop_order/0", "null"},
        Malformed{"PortTooLarge", "/publish/0/port", "65536"},
        Malformed{"PortNegative", "/publish/0/port", "-1"},
        Malformed{"PortFraction", "/publish/0/port", "4000.5"},
        Malformed{"PortHuge", "/publish/0/port", "1e300"},
        Malformed{"IdTooLarge", "/user/uid", "4294967296"},
        Malformed{"OptionalOfWrongType", "/ttl_ms", "\"1h\""},
        Malformed{"UnknownEnumerator", "/instances/0/ready/http/0/json/0/conditions/0/op",
                  "\"Roughly\""},
        Malformed{"NumberForEnumerator", "/instances/0/ready/http/0/json/0/conditions/0/op", "1"},
        Malformed{"BadAddress", "/gateway", "\"198.18.0\""},
        Malformed{"NumberForAddress", "/gateway", "3"},
        Malformed{"BadAddress6", "/client_address6", "\"::g\""},
        Malformed{"BadSubnet", "/subnet", "\"198.18.0.1/16\""}),
    [](const auto& test) { return test.param.name; });

TEST(PlanJson, RefusesADocumentThatIsNoObject) {
  for (const auto* text : {"null", "[]", "\"plan\"", "7", "{}"}) {
    EXPECT_FALSE(refusal_of(json::parse(text)).empty()) << text;
  }
}

TEST(Plan, FindsInstancesAndPorts) {
  const auto plan = full_plan();
  ASSERT_NE(plan.find("tikv-0"), nullptr);
  EXPECT_EQ(plan.find("tikv-0")->port_of("client"), 20160);
  EXPECT_EQ(plan.find("tikv-0")->port_of("peer"), std::nullopt);
  EXPECT_EQ(plan.find("tikv-1"), nullptr);
}

}  // namespace
}  // namespace tinet
