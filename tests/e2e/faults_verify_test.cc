// What `--verify` confirms, what it does not, and that its own packets count for nobody.

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/echo_scene.h"

namespace tinet::test {
namespace {

/// "as_intended/pairs skipped" of a fault's verification.
std::string verdict_of(const boost::json::value& fault) {
  return text_at(fault, "/verify/as_intended") + "/" + text_at(fault, "/verify/pairs") + " " +
         text_at(fault, "/verify/skipped");
}

TEST(Verify, ConfirmsOnlyWhatItHasSeen) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const auto verdict = [&](std::vector<std::string> words) {
    for (const char* word : {"--to", "node-1", "--direction", "out", "--verify", "1s"}) {
      words.emplace_back(word);
    }
    const auto fault = scene.fault(words);
    EXPECT_TRUE(scene.tinet({"heal"}).ok());
    return verdict_of(fault);
  };
  EXPECT_EQ(verdict({"partition", "node-0"}), "1/1 0");
  EXPECT_EQ(verdict({"loss", "node-0", "100%"}), "1/1 0");
  EXPECT_EQ(verdict({"loss", "node-0", "20%"}), "1/1 0");
  EXPECT_EQ(verdict({"corrupt", "node-0", "100%"}), "1/1 0");
  EXPECT_EQ(verdict({"corrupt", "node-0", "10%"}), "1/1 0");
  EXPECT_EQ(verdict({"duplicate", "node-0", "100%"}), "1/1 0");
  EXPECT_EQ(verdict({"duplicate", "node-0", "10%"}), "1/1 0");
  EXPECT_EQ(verdict({"delay", "node-0", "10ms", "--jitter", "2ms"}), "1/1 0");
  EXPECT_EQ(verdict({"partition", "node-0", "--proto", "tcp"}), "2/2 0") << "a connection as well";
  EXPECT_EQ(verdict({"partition", "node-0", "--new"}), "2/2 0");

  EXPECT_EQ(verdict({"corrupt", "node-0", "100%", "--proto", "icmp"}), "0/0 1");
  EXPECT_EQ(verdict({"partition", "node-0", "--proto", "icmp"}), "0/0 1");
  EXPECT_EQ(verdict({"rate", "node-0", "10mbit"}), "0/0 1");
  EXPECT_EQ(verdict({"partition", "node-0", "--first", "3"}), "0/0 1");
}

TEST(Verify, IsNoEffectByItself) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"partition", "node-2", "--to", "node-1", "--verify", "1s"},
        {"partition", "node-2", "--to", "node-1", "--proto", "tcp", "--verify", "1s"},
        {"loss", "node-2", "20%", "--to", "node-1", "--verify", "1s"},
        {"delay", "node-2", "10ms", "--to", "node-1", "--verify", "1s"}}) {
    ASSERT_TRUE(scene.tinet(words).ok());
    const auto links = scene.json({"links"});
    for (const auto& link : links.as_array()) {
      EXPECT_EQ(text_at(link, "/packets/dropped") + " " + text_at(link, "/packets/passed") + " " +
                    text_at(link, "/packets/delayed"),
                "0 0 0")
          << link;
    }
    const RunResult healed = scene.tinet({"heal", "--require-effect"});
    EXPECT_EQ(healed.exit_code, 5) << words.front() << ": " << healed.out << healed.err;
    EXPECT_THAT(healed.err, testing::HasSubstr("no packet matched"));
  }
}

TEST(Verify, UsesUpNothingThatAnotherFaultCounts) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const auto first =
      scene.fault({"partition", "node-0", "--to", "node-1", "--direction", "out", "--first", "5"});
  static_cast<void>(scene.fault({"delay", "node-0", "1ms", "--to", "node-1", "--verify"}));
  static_cast<void>(scene.fault({"partition", "node-0", "--to", "node-1", "--new", "--verify"}));
  ASSERT_TRUE(scene.burst("node-0", "node-1", 8));
  EXPECT_EQ(text_at(scene.json({"faults"}), "/0/packets/dropped"), "5") << first;
}

TEST(Verify, IsNoEffectOfOtherFaults) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  using Words = std::vector<std::string>;
  const std::vector<std::pair<Words, Words>> together{
      {{"loss", "node-0", "50%"}, {"loss", "node-0", "50%"}},
      {{"duplicate", "node-0", "50%"}, {"loss", "node-0", "50%"}},
      {{"corrupt", "node-0", "100%"}, {"loss", "node-0", "50%"}},
      {{"partition", "node-0", "--direction", "out"}, {"partition", "node-0", "--mode", "reject"}},
      {{"delay", "node-0", "30ms"}, {"delay", "node-0", "20ms"}},
      {{"loss", "node-0", "50%"}, {"partition", "node-0", "--mode", "reject", "--service", "echo"}},
  };
  for (auto [older, newer] : together) {
    older.insert(older.end(), {"--to", "node-1"});
    newer.insert(newer.end(), {"--to", "node-1", "--verify"});
    ASSERT_TRUE(scene.tinet(older).ok());
    ASSERT_TRUE(scene.tinet(newer).ok());
    const auto faults = scene.json({"faults"});
    for (const auto& fault : faults.as_array()) {
      for (const auto& [kind, count] : fault.at("packets").as_object()) {
        EXPECT_EQ(count, 0) << kind << " of " << text_at(fault, "/summary") << " with "
                            << newer.front();
      }
    }
    EXPECT_EQ(scene.tinet({"heal", "--require-effect"}).exit_code, 5) << older.front();
  }
}

TEST(Verify, LeavesThePacketsOfTheClusterInTheCounts) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const auto fault = scene.fault({"partition", "node-2", "--to", "node-1", "--verify", "1s"});
  ASSERT_TRUE(scene.burst("node-2", "node-1", 17));
  EXPECT_EQ(text_at(scene.json({"faults"}), "/0/packets/dropped"), "17") << fault;
  EXPECT_EQ(text_at(scene.link("node-2", "node-1"), "/packets/dropped"), "17");
  EXPECT_TRUE(scene.tinet({"heal", "--require-effect"}).ok());
}

TEST(Verify, TimesADelayOfManyPairsAsItIs) {
  const EchoScene scene(12);
  ASSERT_TRUE(scene.up());
  const auto slow = scene.fault({"delay", "all", "10ms", "--each", "--verify"});
  EXPECT_EQ(verdict_of(slow), "132/132 0") << slow;
  for (const auto& trip : slow.at("verify").at("rtt").as_array()) {
    EXPECT_GE(std::stol(text_at(trip, "/rtt_us")), 20'000) << trip;
    EXPECT_LT(std::stol(text_at(trip, "/rtt_us")), 30'000) << trip;
  }
}

}  // namespace
}  // namespace tinet::test
