// What users of other tools complained about, by its number in the list that tinet was made with:
// faults that were lost, stayed, or got in one another's way.

#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/exchange.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// How long a cut must be silent to be believed.
constexpr auto kSilence = 300ms;

TEST(Complaint01, ARestartNeitherLosesNorSticksToAFault) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--to", "node-1"}).ok());
  ASSERT_TRUE(scene.tinet({"restart", "node-0"}).ok());
  EXPECT_FALSE(answers(scene, "node-1", "node-0", kSilence));
  EXPECT_TRUE(answers(scene, "node-2", "node-0"));
  ASSERT_TRUE(scene.tinet({"kill", "node-0"}).ok());
  ASSERT_TRUE(scene.tinet({"start-instance", "node-0"}).ok());
  EXPECT_FALSE(answers(scene, "node-1", "node-0", kSilence));
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_TRUE(answers(scene, "node-1", "node-0"));
}

TEST(Complaint02, HealingLeavesNothingAndMayBeRepeated) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  // The same twice, and once more of an instance that is gone when it is healed.
  ASSERT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  ASSERT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  ASSERT_TRUE(scene.tinet({"loss", "node-2", "10%"}).ok());
  ASSERT_TRUE(scene.tinet({"kill", "node-2"}).ok());
  EXPECT_EQ(scene.json({"heal"}).at("healed").as_array().size(), 3U);
  EXPECT_EQ(text_at(scene.json({"heal"}), "/healed"), "[]");
  const auto links = scene.json({"links"});
  for (const auto& link : links.as_array()) {
    EXPECT_EQ(text_at(link, "/reachable"), "yes") << link;
    EXPECT_EQ(text_at(link, "/effects"), "{}") << link;
  }
  EXPECT_TRUE(answers(scene, "node-1", "node-0"));
  ASSERT_TRUE(scene.tinet({"start-instance", "node-2"}).ok());
  EXPECT_EQ(exchange(scene, "node-0", "node-2", {.count = 200, .gap = 1ms}).answered, 200);
}

TEST(Complaint10, WhateverIsCutTheClusterCanBeCommanded) {
  const EchoScene scene(3, {"--publish", "node:echo"});
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "all,client", "--each"}).ok());
  EXPECT_EQ(text_at(scene.json({"status"}), "/instances/0/network"), "cut");
  EXPECT_TRUE(scene.tinet({"exec", "node-0", "--", "/bin/true"}).ok());
  EXPECT_TRUE(scene.tinet({"restart", "node-1"}).ok());
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_TRUE(answers(scene, "client", "node-0"));
}

TEST(Complaint11, APartitionCancelsNoEarlierDelay) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"delay", "node-0", "40ms"}).ok());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--to", "node-1"}).ok());
  EXPECT_FALSE(answers(scene, "node-1", "node-0", kSilence));
  EXPECT_GE(exchange(scene, "node-2", "node-0", {.patience = 10s}).shortest, 80ms);
  ASSERT_TRUE(scene.tinet({"heal", "f2"}).ok());
  const Exchange left = exchange(scene, "node-1", "node-0", {.patience = 10s});
  EXPECT_EQ(left.answered, 1);
  EXPECT_GE(left.shortest, 80ms) << left;
  EXPECT_EQ(scene.json({"heal"}).at("healed").as_array().size(), 1U);
}

TEST(Complaint12, TheSameFaultCanBeMadeAgainAndAgain) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(scene.tinet({"delay", "node-0", "1ms", "--port", "7000"}).ok()) << round;
    ASSERT_TRUE(scene.tinet({"partition", "node-0", "--mode", "reject"}).ok()) << round;
    EXPECT_EQ(dial(scene, "node-1", "node-0"), "refused") << round;
    ASSERT_TRUE(scene.tinet({"heal"}).ok()) << round;
    EXPECT_EQ(dial(scene, "node-1", "node-0"), "connected") << round;
  }
}

TEST(Complaint13, AHealThatSucceedsHasHealed) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"partition", "node-0", "--mode", "reset"},
        std::vector<std::string>{"loss", "node-0", "100%"},
        std::vector<std::string>{"hold", "node-0"}}) {
    ASSERT_TRUE(scene.tinet(words).ok());
    ASSERT_FALSE(answers(scene, "node-1", "node-0", kSilence)) << words[0];
    ASSERT_TRUE(scene.tinet({"heal"}).ok());
    EXPECT_TRUE(answers(scene, "node-1", "node-0", 1s)) << words[0];
    EXPECT_EQ(text_at(scene.json({"status"}), "/instances/0/network"), "ok");
  }
}

TEST(Complaint15, SeveralFaultsShapeTheSameLink) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"delay", "node-0", "20ms"},
        std::vector<std::string>{"delay", "node-0", "10ms", "--jitter", "1ms"},
        std::vector<std::string>{"rate", "node-0", "10mbit"},
        std::vector<std::string>{"loss", "node-0", "50%"},
        std::vector<std::string>{"loss", "node-0", "20%"},
        std::vector<std::string>{"duplicate", "node-0", "50%"}}) {
    ASSERT_TRUE(scene.tinet(words).ok()) << words[0];
  }
  const auto effects = scene.link("node-1", "node-0").at("effects");
  EXPECT_EQ(text_at(effects, "/delay_ms"), "30");
  EXPECT_EQ(text_at(effects, "/rate"), "10mbit");
  EXPECT_EQ(text_at(effects, "/loss"), "60%");
  EXPECT_EQ(text_at(effects, "/duplicate"), "50%");
  const Exchange felt = exchange(scene, "node-1", "node-0", {.count = 300, .gap = 1ms});
  EXPECT_GE(felt.shortest, 58ms) << felt;
  EXPECT_GT(felt.repeated, 0) << felt;
  EXPECT_GT(felt.answered, 0) << felt;
  EXPECT_LT(felt.answered, 150) << felt;  // about 300 * 0.4 * 0.4, more by the copies
}

TEST(Complaint20, RemovingOneFaultDisturbsNoOtherLink) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  // The first fault that shapes what node-0 receives comes and goes under way, too.
  const auto sender =
      scene.beside({"exec", "node-1", "--", support_program("echo_count"), scene.address("node-0"),
                    EchoScene::kPort, "1000", "2", "10000"});
  ASSERT_TRUE(scene.tinet({"delay", "node-0", "50ms", "--to", "node-1"}).ok());
  int changes = 0;
  for (int id = 2; id < 12; id += 2, ++changes) {
    ASSERT_TRUE(scene.tinet({"delay", "node-2", "9ms", "--to", "node-0"}).ok());
    ASSERT_TRUE(scene.tinet({"rate", "node-2", "1mbit", "--to", "node-0"}).ok());
    ASSERT_TRUE(scene.tinet({"heal", "f" + std::to_string(id)}).ok());
    ASSERT_TRUE(scene.tinet({"heal", "f" + std::to_string(id + 1)}).ok());
  }
  const RunResult sent = sender->finish();
  EXPECT_THAT(sent.out, HasSubstr("answered 1000 repeated 0 overtaken 0 damaged 0")) << changes;
}

TEST(Complaint22, ATargetThatDiesIsAnEvent) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"delay", "node-0", "5ms"}).ok());
  ASSERT_TRUE(scene.tinet({"kill", "node-0"}).ok());
  EXPECT_EQ(text_at(scene.json({"faults"}), "/0/id"), "f1");
  ASSERT_TRUE(scene.tinet({"loss", "node-0", "5%"}).ok());
  EXPECT_EQ(scene.json({"heal"}).at("healed").as_array().size(), 2U);
  ASSERT_TRUE(scene.tinet({"partition", "node-1"}).ok());
  ASSERT_TRUE(scene.tinet({"stop"}).ok());
  EXPECT_THAT(scene.left(), ::testing::IsEmpty());
}

TEST(Complaint23, PartitionsOverlap) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--to", "node-1"}).ok());
  ASSERT_TRUE(scene.tinet({"partition", "node-1", "--to", "node-2"}).ok());
  EXPECT_FALSE(answers(scene, "node-0", "node-1", kSilence));
  EXPECT_FALSE(answers(scene, "node-1", "node-2", kSilence));
  EXPECT_TRUE(answers(scene, "node-0", "node-2"));
  ASSERT_TRUE(scene.tinet({"heal", "f1"}).ok());
  EXPECT_TRUE(answers(scene, "node-0", "node-1"));
  EXPECT_FALSE(answers(scene, "node-1", "node-2", kSilence));
}

TEST(Complaint24, ALaterCutWinsOverWhatLetsPass) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"loss", "node-0", "1%", "--port", "7000"}).ok());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--mode", "reject"}).ok());
  ASSERT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  EXPECT_EQ(text_at(scene.json({"why", "node-1", "node-0"}), "/effects/cut"), "drop");
  EXPECT_EQ(dial(scene, "node-1", "node-0"), "silence");
  EXPECT_FALSE(answers(scene, "node-1", "node-0", kSilence));
}

TEST(Complaint25, ChanceHasASeedThatIsToldAndTaken) {
  const EchoScene scene(5);
  ASSERT_TRUE(scene.up());
  const auto links = [&](const std::string& seed) {
    const auto planned =
        scene.json({"partition", "--shape", "random", "--seed", seed, "--dry-run"});
    return EchoScene::links_of(planned.at("fault"));
  };
  EXPECT_EQ(links("11"), links("11"));
  const RunResult told = scene.tinet({"partition", "--shape", "halves"});
  EXPECT_THAT(told.out + told.err, HasSubstr("seed "));
  EXPECT_EQ(text_at(scene.fault({"loss", "node-0", "5%", "--seed", "12"}), "/params/seed"), "12");
}

TEST(Complaint26, ControlNeverWaitsForPackets) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"hold", "node-0", "--to", "node-1"}).ok());
  ASSERT_TRUE(scene.tinet({"rate", "node-2", "1kbit", "--to", "node-0"}).ok());
  ASSERT_TRUE(scene.tinet({"delay", "node-2", "1h", "--to", "node-1"}).ok());
  for (const std::string from : {"node-1", "node-2"}) {
    ASSERT_TRUE(scene.burst(from, "node-0", 500));
  }
  ASSERT_TRUE(scene.burst("node-1", "node-2", 500));
  RunOptions bounded = scene.options();
  bounded.timeout = 10s;
  EXPECT_TRUE(scene.tinet({"faults"}, bounded).ok());
  EXPECT_TRUE(scene.tinet({"heal"}, bounded).ok());
  EXPECT_TRUE(answers(scene, "node-1", "node-2"));
}

TEST(Complaint27, FaultsAreThereBeforeTheFirstPacket) {
  const TempDir directory;
  const std::string file = directory / "faults.yaml";
  std::ofstream(file) << "- {partition: node-0, to: node-1}\n"
                         "- {loss: node-2 0.0001%, to: node-1}\n";
  const EchoScene scene(3, {"--paused", "--faults", file});
  ASSERT_TRUE(scene.up());
  EXPECT_EQ(text_at(scene.json({"status"}), "/instances/0/state"), "planned");
  EXPECT_EQ(text_at(scene.link("node-0", "node-1"), "/effects/cut"), "drop");
  ASSERT_TRUE(scene.tinet({"resume", "all", "--wait", "ready"}).ok());
  EXPECT_FALSE(answers(scene, "node-1", "node-0", kSilence));
  EXPECT_TRUE(answers(scene, "node-2", "node-0"));
  // A chance next to nothing touches nothing.
  EXPECT_EQ(exchange(scene, "node-1", "node-2", {.count = 100, .gap = 1ms}).answered, 100);
}

}  // namespace
}  // namespace tinet::test
