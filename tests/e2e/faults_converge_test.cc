// Files of faults, proof by probes, and faults that meet no packet, with the kernel's own answers.

#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/echo_scene.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;

/// "keep create heal" as numbers of faults.
std::string counts_of(const boost::json::value& answer) {
  std::string text;
  for (const auto* member : {"keep", "create", "heal"}) {
    text += std::to_string(answer.at(member).as_array().size()) + " ";
  }
  return text;
}

TEST(Apply, ConvergesAndLeavesEqualFaultsAlone) {
  const EchoScene scene(3);
  ASSERT_TRUE(scene.up());
  const std::string file = scene.path("faults.yaml");
  std::ofstream(file) << "- {partition: node-0, to: node-1}\n"
                         "- {delay: node-2 20ms, port: 7000}\n";
  EXPECT_EQ(counts_of(scene.json({"diff", file})), "0 2 0 ");
  EXPECT_EQ(text_at(scene.json({"faults"}), ""), "[]");
  EXPECT_EQ(counts_of(scene.json({"apply", file})), "0 2 0 ");
  EXPECT_EQ(counts_of(scene.json({"apply", file})), "2 0 0 ");
  EXPECT_EQ(text_at(scene.link("node-0", "node-1"), "/reachable"), "no");

  std::ofstream(file) << "- {delay: node-2 20ms, port: 7000}\n";
  EXPECT_EQ(counts_of(scene.json({"apply", file})), "1 0 1 ");
  EXPECT_EQ(text_at(scene.link("node-0", "node-1"), "/reachable"), "yes");
  EXPECT_EQ(text_at(scene.json({"faults"}), "/0/id"), "f2");
}

TEST(Verify, SeesBothFamiliesAndTheConnectionsOfAPort) {
  const EchoScene scene(3, {"--ipv6"});
  ASSERT_TRUE(scene.up());
  const auto cut = scene.fault({"partition", "node-0", "--verify", "1s"});
  EXPECT_EQ(text_at(cut, "/verify/pairs"), "4");
  EXPECT_EQ(text_at(cut, "/verify/as_intended"), "4") << cut;
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  const auto port = scene.fault({"partition", "node-0", "--port", EchoScene::kPort, "--to",
                                 "node-1", "--direction", "out", "--verify", "1s"});
  EXPECT_EQ(text_at(port, "/verify/pairs"), "3") << port;
  EXPECT_EQ(text_at(port, "/verify/as_intended"), "3") << port;
}

TEST(Verify, TimesRoundTripsBeforeAndWithADelay) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const auto slow = scene.fault({"delay", "node-0", "20ms", "--to", "node-1", "--verify"});
  EXPECT_EQ(text_at(slow, "/verify/rtt/0/from"), "node-0");
  EXPECT_EQ(text_at(slow, "/verify/rtt/0/to"), "node-1");
  const auto before = std::stol(text_at(slow, "/verify/rtt/0/rtt_before_us"));
  const auto with = std::stol(text_at(slow, "/verify/rtt/0/rtt_us"));
  EXPECT_LT(before, 20'000);
  EXPECT_GE(with, 40'000) << "20ms each way";
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  const RunResult text = scene.tinet({"delay", "node-0", "20ms", "--to", "node-1", "--verify"});
  EXPECT_THAT(text.out, testing::ContainsRegex("round trip: .*s before, [4-9].*ms now\n"));
}

TEST(Events, TellOfAFaultThatNoPacketMeets) {
  const EchoScene scene(3);
  ASSERT_TRUE(scene.up());
  const Asker asker(scene, "udp", "node-1", "node-0");
  ASSERT_TRUE(scene.tinet({"loss", "node-0", "1%", "--from", "node-1"}).ok());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--to", "node-2"}).ok());
  const auto told = [&] {
    const auto events = scene.json({"events"});
    std::string faults;
    for (const auto& event : events.as_array()) {
      if (text_at(event, "/event") == "fault-matched-nothing") {
        faults += text_at(event, "/fault") + " ";
      }
    }
    return faults;
  };
  EXPECT_TRUE(eventually([&] { return !told().empty(); }, 20s));
  EXPECT_EQ(told(), "f2 ");
  const auto faults = scene.json({"faults"});
  EXPECT_EQ(text_at(faults, "/0/matched_nothing"), "false");
  EXPECT_EQ(text_at(faults, "/1/matched_nothing"), "true");
}

}  // namespace
}  // namespace tinet::test
