// What faults do to packets and connections, seen by programs inside the cluster.

#include <algorithm>
#include <chrono>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/echo_scene.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::int64_t dropped(const EchoScene& scene, const std::string& from, const std::string& to) {
  const std::string count = text_at(scene.link(from, to), "/packets/dropped");
  return count.empty() ? 0 : std::stoll(count);
}

TEST(Traffic, StopsBothWaysAndComesBackAfterHeal) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const Asker other(scene, "udp", "node-1", "node-2");
  const Asker into(scene, "udp", "node-1", "node-0");
  const Asker out_of(scene, "udp", "node-0", "node-2");
  ASSERT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  const auto cut = monotonic_ms();
  EXPECT_TRUE(other.answered_after(cut + 500));
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  const auto healed = monotonic_ms();
  EXPECT_TRUE(into.answered_after(healed));
  EXPECT_TRUE(out_of.answered_after(healed));
  EXPECT_TRUE(into.silent(cut, cut + 500));
  EXPECT_TRUE(out_of.silent(cut, cut + 500));
}

TEST(Traffic, OfOpenConnectionsStallsAndGoesOnOverTheSameConnection) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const Asker client(scene, "tcp", "client", "node-0");
  const Asker peer(scene, "tcp", "node-0", "node-1");
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--from", "all,client"}).ok());
  const auto cut = monotonic_ms();
  // Both have a question under way, which TCP repeats in vain.
  EXPECT_TRUE(eventually([&] { return dropped(scene, "client", "node-0") >= 2; }, 60s));
  EXPECT_TRUE(eventually([&] { return dropped(scene, "node-0", "node-1") >= 2; }, 60s));
  const auto before_heal = monotonic_ms();
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  // An asker never makes a second connection.
  EXPECT_TRUE(client.answered_after(before_heal));
  EXPECT_TRUE(peer.answered_after(before_heal));
  EXPECT_TRUE(client.silent(cut, before_heal));
  EXPECT_TRUE(peer.silent(cut, before_heal));
}

TEST(Traffic, OfTheClientIsCutOnlyWhenItIsNamed) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const Asker client(scene, "udp", "client", "node-0");
  ASSERT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  EXPECT_TRUE(client.answered_after(monotonic_ms()));
  ASSERT_TRUE(scene.tinet({"partition", "client", "--from", "node-0"}).ok());
  const auto cut = monotonic_ms();
  EXPECT_TRUE(eventually([&] { return dropped(scene, "client", "node-0") >= 10; }, 60s));
  const auto before_heal = monotonic_ms();
  ASSERT_TRUE(scene.tinet({"heal", "f2"}).ok());
  EXPECT_TRUE(client.answered_after(before_heal));
  EXPECT_TRUE(client.silent(cut, before_heal));
}

struct OneWay {
  std::string direction;
  bool node_0_is_heard;
};

class OneWayCut : public ::testing::TestWithParam<OneWay> {};

TEST_P(OneWayCut, DropsOnlyWhatGoesThatWay) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const auto [direction, heard] = GetParam();
  const auto fault =
      scene.fault({"partition", "node-0", "--to", "node-1", "--direction", direction, "--verify"});
  const std::string open = heard ? "node-0" : "node-1";
  const std::string shut = heard ? "node-1" : "node-0";
  EXPECT_EQ(EchoScene::links_of(fault), shut + ">" + open);
  EXPECT_EQ(text_at(fault, "/verify/pairs"), text_at(fault, "/verify/as_intended"));
  EXPECT_EQ(text_at(fault, "/verify/wrong"), "[]");

  // Datagrams of the open way arrive; their echoes are the only ones dropped on the shut way.
  const auto before = dropped(scene, shut, open);
  ASSERT_TRUE(scene.burst(open, shut, 10));
  EXPECT_TRUE(eventually([&] { return dropped(scene, shut, open) == before + 10; }, 30s))
      << before << " then " << dropped(scene, shut, open);
  ASSERT_TRUE(scene.burst(shut, open, 10));
  EXPECT_TRUE(eventually([&] { return dropped(scene, shut, open) == before + 20; }, 30s));
  EXPECT_EQ(dropped(scene, open, shut), 0);

  EXPECT_EQ(text_at(scene.json({"why", shut, open}), "/reachable"), "no");
  EXPECT_EQ(text_at(scene.json({"why", open, shut}), "/reachable"), "yes");
  EXPECT_EQ(text_at(scene.link(shut, open), "/reachable"), "no");
}

INSTANTIATE_TEST_SUITE_P(Directions, OneWayCut,
                         ::testing::Values(OneWay{"out", false}, OneWay{"in", true}),
                         [](const auto& one) { return one.param.direction; });

TEST(PacketCounts, AreExactAndStayAfterTheFault) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--to", "node-1"}).ok());
  ASSERT_TRUE(scene.burst("node-0", "node-1", 100));
  ASSERT_TRUE(scene.burst("node-0", "node-2", 50));
  const auto active = scene.json({"faults"});
  EXPECT_EQ(text_at(active, "/0/packets/dropped"), "100");
  EXPECT_EQ(text_at(active, "/0/shared"), "false");

  const auto healed = scene.json({"heal"});
  EXPECT_EQ(text_at(healed, "/healed/0/packets/dropped"), "100");
  ASSERT_TRUE(scene.burst("node-0", "node-1", 7));
  const auto all = scene.json({"faults", "--all"});
  EXPECT_EQ(text_at(all, "/0/packets/dropped"), "100");
  EXPECT_EQ(text_at(scene.json({"faults"}), ""), "[]");
}

TEST(PacketCounts, OfAnExpiredFaultStay) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  std::string id;
  std::string time_left;
  // A loaded machine may still send when a short time is over.
  for (const auto* time : {"2s", "10s", "40s"}) {
    id = text_at(scene.json({"partition", "node-0", "--for", time}), "/id");
    ASSERT_TRUE(scene.burst("node-0", "node-1", 25));
    time_left = text_at(scene.json({"faults"}), "/0/expires_in_ms");
    if (!time_left.empty()) {
      break;
    }
  }
  ASSERT_FALSE(time_left.empty()) << "the packets came after the fault's end";
  ASSERT_TRUE(scene.tinet({"wait", "--fault-ended", id, "--timeout", "90s"}).ok());
  const auto all = scene.json({"faults", "--all"}).as_array();
  const auto fault = std::find_if(all.begin(), all.end(),
                                  [&](const auto& each) { return text_at(each, "/id") == id; });
  ASSERT_NE(fault, all.end());
  EXPECT_EQ(text_at(*fault, "/ended"), "expired");
  EXPECT_EQ(text_at(*fault, "/packets/dropped"), "25");
}

TEST(PacketCounts, AreSharedByFaultsOnTheSameLink) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--to", "node-1"}).ok());
  ASSERT_TRUE(scene.burst("node-0", "node-1", 10));
  ASSERT_TRUE(scene.tinet({"partition", "node-1", "--to", "node-0"}).ok());
  ASSERT_TRUE(scene.burst("node-0", "node-1", 5));
  const auto faults = scene.json({"faults"});
  EXPECT_EQ(text_at(faults, "/0/packets/dropped"), "15");
  EXPECT_EQ(text_at(faults, "/1/packets/dropped"), "5");
  EXPECT_EQ(text_at(faults, "/0/shared"), "true");
  EXPECT_EQ(text_at(faults, "/1/shared"), "true");
  EXPECT_EQ(text_at(scene.link("node-0", "node-1"), "/faults"), R"(["f1","f2"])");

  // One of them goes: nothing opens, and the other counts on.
  ASSERT_TRUE(scene.tinet({"heal", "f1"}).ok());
  ASSERT_TRUE(scene.burst("node-0", "node-1", 3));
  EXPECT_EQ(text_at(scene.json({"faults"}), "/0/packets/dropped"), "8");
}

TEST(PacketCounts, SayWhenAFaultMatchedNothing) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  const RunResult healed = scene.tinet({"heal"});
  EXPECT_TRUE(healed.ok());
  EXPECT_THAT(healed.out, HasSubstr("no packet"));
  ASSERT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  EXPECT_EQ(scene.tinet({"heal", "--require-effect"}).exit_code, 5);
}

}  // namespace
}  // namespace tinet::test
