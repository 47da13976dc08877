// The JSON documents of faults: every normative member, by name and type.

#include <algorithm>
#include <functional>
#include <map>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tests/e2e/echo_scene.h"

namespace tinet::test {
namespace {

namespace json = boost::json;

using Check = std::function<bool(const json::value&)>;
using Members = std::map<std::string, Check>;

const Check kText = [](const json::value& value) { return value.is_string(); };
const Check kBoolean = [](const json::value& value) { return value.is_bool(); };
const Check kCount = [](const json::value& value) {
  return value.is_uint64() || (value.is_int64() && value.as_int64() >= 0);
};
const Check kObject = [](const json::value& value) { return value.is_object(); };
const Check kCountOrNull = [](const json::value& value) {
  return value.is_null() || kCount(value);
};

Check one_of(std::vector<std::string> words) {
  return [words = std::move(words)](const json::value& value) {
    return value.is_string() &&
           std::find(words.begin(), words.end(), value.as_string()) != words.end();
  };
}

Check list_of(Check element) {
  return [element = std::move(element)](const json::value& value) {
    return value.is_array() &&
           std::all_of(value.as_array().begin(), value.as_array().end(), element);
  };
}

Check pair_of(Check element) {
  return [element = std::move(element)](const json::value& value) {
    return value.is_array() && value.as_array().size() == 2 && element(value.as_array()[0]) &&
           element(value.as_array()[1]);
  };
}

Check map_to(Check element) {
  return [element = std::move(element)](const json::value& value) {
    if (!value.is_object()) {
      return false;
    }
    const auto& members = value.as_object();
    return std::all_of(members.begin(), members.end(),
                       [&](const auto& member) { return element(member.value()); });
  };
}

void expect_members(const json::value& document, const Members& members) {
  ASSERT_TRUE(document.is_object()) << document;
  for (const auto& [name, check] : members) {
    const auto* value = document.as_object().if_contains(name);
    if (value == nullptr) {
      ADD_FAILURE() << "no '" << name << "' in " << document;
    } else {
      EXPECT_TRUE(check(*value)) << "'" << name << "' of " << document;
    }
  }
}

const Members kFault = {
    {"id", kText},
    {"kind", one_of({"partition", "pause"})},
    {"target", list_of(kText)},
    {"peers", list_of(kText)},
    {"links", list_of(pair_of(kText))},
    {"params", kObject},
    {"mechanism", one_of({"nftables", "netem", "htb", "wire", "proxy", "signal"})},
    {"created_at_unix_ms", kCount},
    {"expires_in_ms", kCountOrNull},
    {"packets", map_to(kCount)},
    {"shared", kBoolean},
    {"atomic", kBoolean},
};

const Members kStatus = {
    {"tag", kText},
    {"state", one_of({"starting", "ready", "degraded", "failed", "stopping"})},
    {"backend", one_of({"netns", "rootless", "proxy"})},
    {"topology", kText},
    {"store", one_of({"real", "reference"})},
    {"subnet", kText},
    {"supervisor_pid", kCount},
    {"state_dir", kText},
    {"control_socket", kText},
    {"instances", list_of(kObject)},
    {"faults", list_of(kObject)},
};

const Members kInstance = {
    {"name", kText},
    {"component", kText},
    {"index", kCount},
    {"state", one_of({"planned", "starting", "running", "ready", "paused", "stopping", "stopped",
                      "crashed"})},
    {"waiting_for", kText},
    {"pid", kCount},
    {"address", kText},
    {"zone", kText},
    {"roles", list_of(kText)},
    {"services", map_to(kCount)},
    {"published", map_to(kText)},
    {"network", one_of({"ok", "cut", "impaired"})},
    {"restarts", kCount},
    {"binary", kText},
    {"version", kText},
    {"data_dir", kText},
    {"log", kText},
};

TEST(Documents, OfStatusHaveTheirMembers) {
  const EchoScene scene(3, {"--publish", "node:echo"});
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--for", "1h"}).ok());
  const auto status = scene.json({"status"});
  expect_members(status, kStatus);
  ASSERT_EQ(status.at("instances").as_array().size(), 3U);
  for (const auto& instance : status.at("instances").as_array()) {
    expect_members(instance, kInstance);
  }
  EXPECT_EQ(text_at(status, "/tag"), scene.tag());
  EXPECT_EQ(text_at(status, "/subnet"), scene.subnet());
  EXPECT_EQ(text_at(status, "/instances/0/network"), "cut");
  EXPECT_EQ(text_at(status, "/instances/1/network"), "impaired");
  EXPECT_EQ(text_at(status, "/instances/0/published/echo").substr(0, 10), "127.0.0.1:");
  ASSERT_EQ(status.at("faults").as_array().size(), 1U);
  expect_members(status.at("faults").at(0), kFault);
}

TEST(Documents, OfFaultsHaveTheirMembers) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const auto made = scene.fault({"partition", "node-0"});
  expect_members(made, kFault);
  EXPECT_EQ(text_at(made, "/id"), "f1");
  EXPECT_EQ(text_at(made, "/kind"), "partition");
  EXPECT_EQ(text_at(made, "/target"), R"(["node-0"])");
  EXPECT_EQ(text_at(made, "/peers"), R"(["node-1","node-2"])");
  EXPECT_EQ(text_at(made, "/mechanism"), chosen_network() == "proxy" ? "proxy" : "nftables");
  EXPECT_EQ(text_at(made, "/atomic"), "true");
  EXPECT_TRUE(made.at("expires_in_ms").is_null());
  EXPECT_TRUE(made.at("packets").as_object().contains("dropped"));
  EXPECT_TRUE(made.at("packets").as_object().contains("passed"));

  const auto timed = scene.fault({"partition", "node-1", "--for", "1h"});
  EXPECT_GT(timed.at("expires_in_ms").to_number<std::int64_t>(), 3'000'000);
  EXPECT_LE(timed.at("expires_in_ms").to_number<std::int64_t>(), 3'600'000);
  const auto paused = scene.json({"pause", "node-2"});
  expect_members(paused, kStatus);

  const auto faults = scene.json({"faults"});
  ASSERT_EQ(faults.as_array().size(), 3U);
  for (const auto& fault : faults.as_array()) {
    expect_members(fault, kFault);
  }
  EXPECT_EQ(text_at(faults, "/2/kind"), "pause");
  const auto healed = scene.json({"heal"});
  expect_members(healed, {{"healed", list_of(kObject)}, {"notes", list_of(kText)}});
  EXPECT_EQ(healed.at("healed").as_array().size(), 3U);
}

TEST(Documents, OfLinksNameEveryOrderedPair) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--to", "node-1", "--direction", "out"}).ok());
  const auto links = scene.json({"links"});
  std::map<std::string, std::string> reachable;
  for (const auto& link : links.as_array()) {
    expect_members(link, {{"from", kText},
                          {"to", kText},
                          {"reachable", one_of({"yes", "no", "partial"})},
                          {"effects", kObject},
                          {"packets", map_to(kCount)},
                          {"faults", list_of(kText)}});
    reachable[text_at(link, "/from") + ">" + text_at(link, "/to")] = text_at(link, "/reachable");
  }
  const std::map<std::string, std::string> expected = {
      {"node-0>node-1", "no"},  {"node-0>node-2", "yes"}, {"node-1>node-0", "yes"},
      {"node-1>node-2", "yes"}, {"node-2>node-0", "yes"}, {"node-2>node-1", "yes"}};
  for (const auto& [link, answer] : expected) {
    EXPECT_EQ(reachable[link], answer) << link;
  }
}

TEST(Documents, OfWhyNameTheRuleAndTheFault) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  const Members why = {{"from", kText},
                       {"to", kText},
                       {"reachable", kText},
                       {"effects", kObject},
                       {"faults", list_of(kText)},
                       {"mechanism", kText},
                       {"rule", kText},
                       {"text", kText}};
  const auto cut = scene.json({"why", "node-0", "node-1:7000"});
  expect_members(cut, why);
  EXPECT_EQ(text_at(cut, "/faults"), R"(["f1"])");
  EXPECT_EQ(text_at(cut, "/effects/cut"), "drop");
  EXPECT_NE(text_at(cut, "/rule"), "");
  const auto open = scene.json({"why", "node-1", "node-2"});
  expect_members(open, why);
  EXPECT_EQ(text_at(open, "/faults"), "[]");
}

TEST(Documents, OfEventsAreNumbered) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  std::int64_t last = 0;
  std::string names;
  const auto events = scene.json({"events"});
  for (const auto& event : events.as_array()) {
    expect_members(event, {{"seq", kCount},
                           {"time_unix_ms", kCount},
                           {"monotonic_ns", kCount},
                           {"actor", kText},
                           {"event", kText},
                           {"text", kText}});
    EXPECT_GT(event.at("seq").to_number<std::int64_t>(), last);
    last = event.at("seq").to_number<std::int64_t>();
    names += text_at(event, "/event") + " ";
  }
  EXPECT_NE(names.find("cluster-ready fault-applied fault-healed"), std::string::npos) << names;
}

TEST(Documents, OfErrorsAreOnStdout) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const RunResult result = scene.tinet({"heal", "f7", "--json"});
  EXPECT_EQ(result.exit_code, 4);
  const auto error = json::parse(result.out);
  expect_members(error.at("error"), {{"kind", kText},
                                     {"message", kText},
                                     {"hint", kText},
                                     {"instance", kText},
                                     {"log_tail", [](const json::value& value) {
                                        return value.is_string() || value.is_array();
                                      }}});
  EXPECT_EQ(text_at(error, "/error/kind"), "conflict");
}

}  // namespace
}  // namespace tinet::test
