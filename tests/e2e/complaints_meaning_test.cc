// What users of other tools complained about, by its number in the list that tinet was made with:
// faults that did not do what their words said. Other rows have tests beside these: 6 and 30
// (Scope, ResolveTraffic), 21 (PacketCounts, FaultWatch).

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/exchange.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Complaint03, HalfASecondIsNotIgnored) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const std::vector<std::pair<std::string, std::string>> delays = {
      {"0.5s", "500"}, {"1.5ms", "1.5"}, {"250us", "0.25"}, {"1us", "0.001"}};
  for (const auto& [word, ms] : delays) {
    SCOPED_TRACE(word);
    const auto planned = scene.json({"delay", "node-0", word, "--dry-run"});
    EXPECT_EQ(planned.at("fault").at("params").at("delay_ms").to_number<double>(), std::stod(ms));
  }
  for (const std::string word : {"0.5sx", "0.5 s s", "0,5s", ".s", "1e3ms", "-1s"}) {
    EXPECT_EQ(scene.tinet({"delay", "node-0", word}).exit_code, 2) << word;
  }
  ASSERT_TRUE(scene.tinet({"delay", "node-0", "0.5s", "--direction", "in"}).ok());
  const Exchange felt = exchange(scene, "node-1", "node-0", {.patience = 10s});
  EXPECT_EQ(felt.answered, 1);
  EXPECT_GE(felt.shortest, 500ms) << felt;
}

TEST(Complaint04, MillisecondsAreNotMicroseconds) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"delay", "node-0", "40ms", "--to", "node-1"}).ok());
  ASSERT_TRUE(scene.tinet({"delay", "node-0", "40us", "--to", "node-2"}).ok());
  EXPECT_EQ(text_at(scene.link("node-0", "node-1"), "/effects/delay_ms"), "40");
  const Exchange slow = exchange(scene, "node-0", "node-1", {.count = 10, .patience = 10s});
  const Exchange quick =
      exchange(scene, "node-0", "node-2", {.count = 20, .gap = 5ms, .patience = 10s});
  EXPECT_EQ(slow.answered, 10);
  EXPECT_GE(slow.shortest, 80ms) << slow;
  EXPECT_EQ(quick.answered, 20);
  EXPECT_LT(quick.shortest, 40ms) << quick;
}

TEST(Complaint05, ADelaySaysWhetherItIsOneWayOrARoundTrip) {
  const EchoScene scene(4);
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"delay", "node-0", "60ms", "--to", "node-1"}).ok());
  ASSERT_TRUE(scene.tinet({"delay", "node-0", "60ms", "--to", "node-2", "--rtt"}).ok());
  ASSERT_TRUE(
      scene.tinet({"delay", "node-0", "60ms", "--to", "node-3", "--direction", "out"}).ok());
  const auto round_trip = [&](const std::string& to) {
    const Exchange felt = exchange(scene, "node-0", to, {.count = 20, .gap = 5ms, .patience = 10s});
    EXPECT_EQ(felt.answered, 20) << felt;
    return felt.shortest;
  };
  EXPECT_GE(round_trip("node-1"), 120ms);
  const auto halved = round_trip("node-2");
  EXPECT_GE(halved, 60ms);
  EXPECT_LT(halved, 120ms);
  const auto one_way = round_trip("node-3");
  EXPECT_GE(one_way, 60ms);
  EXPECT_LT(one_way, 120ms);
  // Each of the two links says its own part.
  EXPECT_EQ(text_at(scene.link("node-0", "node-2"), "/effects/delay_ms"), "30");
  EXPECT_EQ(text_at(scene.link("node-2", "node-0"), "/effects/delay_ms"), "30");
  EXPECT_EQ(text_at(scene.link("node-3", "node-0"), "/effects"), "{}");
}

TEST(Complaint08, WhatIsAffectedAndWhatHappenedIsShown) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--to", "node-1"}).ok());
  ASSERT_TRUE(scene.tinet({"loss", "node-2", "5%", "--to", "node-1"}).ok());
  ASSERT_TRUE(scene.tinet({"heal", "f1"}).ok());
  EXPECT_THAT(scene.tinet({"links"}).out,
              AllOf(HasSubstr("FROM \\ TO"), HasSubstr("partial"), HasSubstr("loss 5%")));
  EXPECT_THAT(scene.tinet({"status"}).out, HasSubstr("impaired"));
  std::string events;
  const auto history = scene.json({"events"});
  for (const auto& event : history.as_array()) {
    events += text_at(event, "/event") + " " + text_at(event, "/text") + "\n";
  }
  const auto made = events.find("fault-applied f1");
  const auto second = events.find("fault-applied f2");
  const auto healed = events.find("fault-healed f1");
  EXPECT_TRUE(made < second && second < healed && healed != std::string::npos) << events;
}

TEST(Complaint09, ZonesHaveLatenciesOfTheirOwn) {
  const EchoScene scene(3, {"--node.zone", "a,b,c"});
  ASSERT_TRUE(scene.up());
  const std::string matrix = scene.write("zones.yaml", R"(zones: [a, b, c]
delay:
  - [none, 20ms, 60ms]
  - [20ms, none, none]
  - [60ms, none, none]
)");
  const auto fault = scene.fault({"delay", "--matrix", matrix});
  EXPECT_EQ(EchoScene::links_of(fault), "node-0>node-1 node-0>node-2 node-1>node-0 node-2>node-0");
  const auto round_trip = [&](const std::string& from, const std::string& to) {
    return exchange(scene, from, to, {.count = 20, .gap = 5ms, .patience = 10s}).shortest;
  };
  const auto near = round_trip("node-0", "node-1");
  EXPECT_GE(near, 40ms);
  EXPECT_LT(near, 120ms);
  EXPECT_GE(round_trip("node-0", "node-2"), 120ms);
  EXPECT_LT(round_trip("node-1", "node-2"), 40ms);
}

TEST(Complaint16, ReorderingIsNoLoss) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(
      scene.tinet({"reorder", "node-0", "25%", "--direction", "in", "--delay", "30ms"}).ok());
  const Exchange felt =
      exchange(scene, "node-1", "node-0", {.count = 200, .gap = 1ms, .patience = 10s});
  EXPECT_EQ(felt.answered, 200) << felt;
  EXPECT_GT(felt.overtaken, 20) << felt;
  EXPECT_EQ(felt.repeated + felt.damaged, 0) << felt;
  EXPECT_EQ(count_of(scene, "node-1", "node-0", "dropped"), 0);
}

TEST(Complaint17, ADryRunShowsTheTransactionAndChangesNothing) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const auto planned = scene.json({"partition", "node-0", "--to", "node-1", "--dry-run"});
  EXPECT_EQ(EchoScene::links_of(planned.at("fault")), "node-0>node-1 node-1>node-0");
  EXPECT_FALSE(planned.at("transaction").as_array().empty());
  EXPECT_THAT(scene.tinet({"rate", "node-0", "1mbit", "--dry-run"}).out,
              AllOf(HasSubstr("would be: "), HasSubstr("transaction:"), HasSubstr("node-1")));
  EXPECT_EQ(text_at(scene.json({"faults", "--all"}), ""), "[]");
  EXPECT_EQ(text_at(scene.link("node-0", "node-1"), "/effects"), "{}");
  EXPECT_TRUE(answers(scene, "node-0", "node-1"));
}

TEST(Complaint18, WhatAnInstanceReceivesIsDelayedToo) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"delay", "node-0", "50ms", "--direction", "in"}).ok());
  ASSERT_TRUE(scene.burst("node-1", "node-0", 50));
  ASSERT_TRUE(scene.burst("node-0", "node-1", 50));
  EXPECT_GE(count_of(scene, "node-1", "node-0", "delayed"), 50);
  EXPECT_EQ(count_of(scene, "node-0", "node-1", "delayed"), 0);
  const Exchange felt = exchange(scene, "node-1", "node-0", {.patience = 10s});
  EXPECT_GE(felt.shortest, 50ms) << felt;
}

TEST(Complaint30, AServiceIsCutOnBothSides) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const Asker out_of(scene, "tcp", "node-0", "node-1");
  const Asker into(scene, "tcp", "node-1", "node-0");
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--service", "echo"}).ok());
  const auto cut = monotonic_ms();
  EXPECT_EQ(dial(scene, "node-0", "node-1"), "silence");
  EXPECT_EQ(dial(scene, "node-1", "node-0"), "silence");
  const auto before_heal = monotonic_ms();
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_TRUE(out_of.answered_after(before_heal));
  EXPECT_TRUE(into.answered_after(before_heal));
  EXPECT_TRUE(out_of.silent(cut, before_heal));
  EXPECT_TRUE(into.silent(cut, before_heal));
}

}  // namespace
}  // namespace tinet::test
