// Faults of some packets only: by service, port, protocol and state of the connection.

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/exchange.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// A port where nobody listens: its owner refuses at once, if it hears of it.
constexpr auto kOtherPort = "7009";

TEST(Scope, OfAServiceLeavesOtherPortsAlone) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const auto fault = scene.fault({"partition", "node-0", "--service", "echo"});
  EXPECT_THAT(text_at(fault, "/params"), HasSubstr("7000"));
  EXPECT_EQ(dial(scene, "node-1", "node-0"), "silence");
  EXPECT_EQ(dial(scene, "node-0", "node-1"), "silence");
  EXPECT_EQ(dial(scene, "node-1", "node-0", kOtherPort), "refused");
  EXPECT_EQ(dial(scene, "node-1", "node-2"), "connected");
  EXPECT_EQ(text_at(scene.link("node-1", "node-0"), "/reachable"), "partial");
  EXPECT_EQ(text_at(scene.json({"why", "node-1", "node-0:echo"}), "/reachable"), "no");
  EXPECT_EQ(text_at(scene.json({"why", "node-1", "node-0:7009"}), "/reachable"), "yes");
}

TEST(Scope, OfAPortAndAProtocolMeansBoth) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--port", "7000", "--proto", "tcp"}).ok());
  EXPECT_EQ(dial(scene, "node-1", "node-0"), "silence");
  EXPECT_EQ(dial(scene, "node-1", "node-0", kOtherPort), "refused");
  EXPECT_TRUE(answers(scene, "node-1", "node-0"));  // by UDP
}

TEST(Scope, InADirectionMeansTheConnectionsOfThatDirectionWithTheirReplies) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--port", "7000", "--direction", "in"}).ok());
  EXPECT_EQ(dial(scene, "node-1", "node-0"), "silence");
  EXPECT_EQ(dial(scene, "node-0", "node-1"), "connected");
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--port", "7000", "--direction", "out"}).ok());
  EXPECT_EQ(dial(scene, "node-1", "node-0"), "connected");
  EXPECT_EQ(dial(scene, "node-0", "node-1"), "silence");
}

TEST(Scope, OfNewConnectionsLeavesOpenOnesAlone) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const Asker open(scene, "tcp", "node-1", "node-0");
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--new"}).ok());
  EXPECT_EQ(dial(scene, "node-2", "node-0"), "silence");
  EXPECT_TRUE(open.answered_after(monotonic_ms()));
}

TEST(Scope, OfEstablishedConnectionsLetsNewOnesIn) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const Asker open(scene, "tcp", "node-1", "node-0");
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--established"}).ok());
  const auto cut = monotonic_ms();
  EXPECT_EQ(dial(scene, "node-1", "node-0"), "connected");
  EXPECT_TRUE(eventually([&] { return count_of(scene, "node-1", "node-0", "dropped") >= 2; }, 30s));
  const auto before_heal = monotonic_ms();
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_TRUE(open.answered_after(before_heal));
  EXPECT_TRUE(open.silent(cut, before_heal));
}

TEST(Scope, OfTheFirstPacketsEndsAfterThemOnEachLink) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--first", "5", "--direction", "in"}).ok());
  ASSERT_TRUE(scene.burst("node-1", "node-0", 20));
  EXPECT_EQ(count_of(scene, "node-1", "node-0", "dropped"), 5);
  ASSERT_TRUE(scene.burst("node-2", "node-0", 3));
  EXPECT_EQ(count_of(scene, "node-2", "node-0", "dropped"), 3);
  EXPECT_EQ(text_at(scene.json({"faults"}), "/0/packets/dropped"), "8");
}

TEST(Scope, AfterBytesBeginsOnceSoMuchHasPassed) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(
      scene.tinet({"partition", "node-0", "--after-bytes", "10kb", "--direction", "in"}).ok());
  ASSERT_TRUE(scene.burst("node-1", "node-0", 10));
  EXPECT_EQ(count_of(scene, "node-1", "node-0", "dropped"), 0);
  ASSERT_TRUE(scene.burst("node-1", "node-0", 1000));
  EXPECT_GT(count_of(scene, "node-1", "node-0", "dropped"), 500);
  EXPECT_FALSE(answers(scene, "node-1", "node-0", 300ms));
}

TEST(Mode, DecidesWhatOneWhoConnectsGetsToKnow) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const Asker open(scene, "tcp", "node-1", "node-0");
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--mode", "reject"}).ok());
  const auto cut = monotonic_ms();
  EXPECT_EQ(dial(scene, "node-2", "node-0"), "refused");
  EXPECT_EQ(dial(scene, "node-0", "node-2"), "refused");
  // Open connections starve; they are not ended.
  EXPECT_TRUE(eventually([&] { return count_of(scene, "node-1", "node-0", "dropped") >= 2; }, 30s));
  const auto before_heal = monotonic_ms();
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_TRUE(open.answered_after(before_heal));
  EXPECT_TRUE(open.silent(cut, before_heal));
  EXPECT_EQ(dial(scene, "node-2", "node-0"), "connected");
}

TEST(Mode, ResetEndsOpenConnectionsToo) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const auto open = scene.beside({"exec", "node-1", "--", support_program("echo_ping"), "tcp",
                                  scene.address("node-0"), EchoScene::kPort});
  ASSERT_TRUE(open->wait_for_output(" ", 30s));
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--mode", "reset"}).ok());
  EXPECT_EQ(dial(scene, "node-2", "node-0"), "refused");
  EXPECT_EQ(open->finish().exit_code, 1) << "it ends when its connection does";
}

}  // namespace
}  // namespace tinet::test
