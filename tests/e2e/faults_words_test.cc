// Which links the words of a fault mean, and which faults the words of heal end.

#include <regex>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/echo_scene.h"

namespace tinet::test {
namespace {

using ::testing::HasSubstr;

/// Links of the fault that these words make; the fault is healed again.
std::string links_of(const EchoScene& scene, std::vector<std::string> words) {
  words.insert(words.begin(), "partition");
  const auto fault = scene.fault(words);
  EXPECT_TRUE(scene.tinet({"heal"}).ok());
  return fault.is_object() ? EchoScene::links_of(fault) : "";
}

TEST(Words, MeanTheseLinks) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const std::string around_0 = "node-0>node-1 node-0>node-2 node-1>node-0 node-2>node-0";
  EXPECT_EQ(links_of(scene, {"node-0"}), around_0);
  EXPECT_EQ(links_of(scene, {"!node-1,!node-2"}), around_0);
  EXPECT_EQ(links_of(scene, {"node-1,node-2"}), around_0);
  EXPECT_EQ(links_of(scene, {"!node-0"}), around_0);
  EXPECT_EQ(links_of(scene, {"node-*,!node-0"}), around_0);
  EXPECT_EQ(links_of(scene, {"node-0 / node-1,node-2"}), around_0);
  EXPECT_EQ(links_of(scene, {"node-0", "/", "node-1"}),
            "node-0>node-1 node-0>node-2 node-1>node-0 node-1>node-2 node-2>node-0 node-2>node-1");
  EXPECT_EQ(links_of(scene, {"node-0", "--direction", "out"}), "node-0>node-1 node-0>node-2");
  EXPECT_EQ(links_of(scene, {"node-0", "--direction", "in"}), "node-1>node-0 node-2>node-0");
  EXPECT_EQ(links_of(scene, {"node-0,node-1", "--each"}),
            "node-0>node-1 node-0>node-2 node-1>node-0 node-1>node-2 node-2>node-0 node-2>node-1");
  EXPECT_EQ(links_of(scene, {"node-0", "--from", "client"}), "node-0>client client>node-0");
  EXPECT_EQ(links_of(scene, {"client"}),
            "node-0>client node-1>client node-2>client client>node-0 client>node-1 client>node-2");
}

TEST(Words, ChooseTheSameAgainWithTheSameSeed) {
  const EchoScene scene(5);
  ASSERT_TRUE(scene.up());
  for (const std::string word : {"random:2:node", "minority", "majority:node"}) {
    SCOPED_TRACE(word);
    const auto first = scene.json({"partition", word, "--seed", "7", "--dry-run"});
    const auto again = scene.json({"partition", word, "--seed", "7", "--dry-run"});
    EXPECT_EQ(text_at(first, "/fault/target"), text_at(again, "/fault/target"));
    EXPECT_EQ(first.at("fault").at("target").as_array().size(), word == "majority:node" ? 3U : 2U);
    // Without a seed, the one that was drawn is printed and repeats the choice.
    const RunResult drawn = scene.tinet({"partition", word});
    ASSERT_TRUE(drawn.ok()) << drawn;
    const std::string text = drawn.out + drawn.err;
    std::smatch seed;
    ASSERT_TRUE(std::regex_search(text, seed, std::regex("seed ([0-9]+)"))) << text;
    const auto active = scene.json({"faults"});
    ASSERT_TRUE(scene.tinet({"heal"}).ok());
    const auto repeated = scene.json({"partition", word, "--seed", seed[1].str(), "--dry-run"});
    EXPECT_EQ(text_at(repeated, "/fault/target"), text_at(active, "/0/target"));
  }
}

TEST(Words, WithZonesCutAWholeZoneOrAllZones) {
  const EchoScene scene(4, {"--node.zone", "a,b"});
  ASSERT_TRUE(scene.up());
  const auto status = scene.json({"status"});
  EXPECT_EQ(text_at(named_in(status, "instances", "node-2"), "/zone"), "a");
  EXPECT_EQ(text_at(named_in(status, "instances", "node-3"), "/zone"), "b");
  const std::string across =
      "node-0>node-1 node-0>node-3 node-1>node-0 node-1>node-2 "
      "node-2>node-1 node-2>node-3 node-3>node-0 node-3>node-2";
  EXPECT_EQ(links_of(scene, {"zone:a"}), across);
  EXPECT_EQ(links_of(scene, {"--between", "zones"}), across);
  EXPECT_EQ(links_of(scene, {"zone:b", "--to", "node-0", "--direction", "out"}),
            "node-1>node-0 node-3>node-0");
}

TEST(Words, ThatCannotBeMeantChangeNothing) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const auto refused = [&](const std::vector<std::string>& words, int code,
                           const std::string& text) {
    const RunResult result = scene.tinet(words);
    EXPECT_EQ(result.exit_code, code) << result;
    EXPECT_THAT(result.err, HasSubstr(text));
  };
  refused({"partition", "nod-0"}, 2, "did you mean 'node-0'?");
  refused({"partition", "zone:z"}, 2, "zone");
  refused({"partition", "node-0", "--for", "2"}, 2, "--for");
  refused({"partition", "node-0", "--direction", "up"}, 2, "--direction");
  refused({"partition", "node-0", "--from", "node-0"}, 2, "node-0");
  refused({"partition", "role:node-leader"}, 2, "node-leader");
  refused({"heal", "f1"}, 4, "f1");
  EXPECT_EQ(text_at(scene.json({"faults", "--all"}), ""), "[]");
}

TEST(Heal, EndsTheFaultsThatItsWordsTouch) {
  const EchoScene scene(4);
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "node-0", "--to", "node-1"}).ok());
  ASSERT_TRUE(scene.tinet({"partition", "node-2", "--to", "node-3"}).ok());
  ASSERT_TRUE(scene.tinet({"partition", "node-3", "--to", "client"}).ok());

  // As target or as peer; whole faults.
  const auto touched = scene.json({"heal", "node-3"});
  ASSERT_EQ(touched.at("healed").as_array().size(), 2U);
  EXPECT_EQ(text_at(touched, "/healed/0/id"), "f2");
  EXPECT_EQ(text_at(touched, "/healed/1/id"), "f3");
  EXPECT_EQ(text_at(scene.json({"why", "node-0", "node-1"}), "/reachable"), "no");
  EXPECT_EQ(text_at(scene.json({"why", "node-2", "node-3"}), "/reachable"), "yes");

  const RunResult again = scene.tinet({"heal", "f2"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.out + again.err, HasSubstr("f2 was healed already"));
  EXPECT_EQ(scene.tinet({"heal", "f9"}).exit_code, 4);
  EXPECT_EQ(scene.tinet({"heal", "nobody"}).exit_code, 2);
  EXPECT_EQ(text_at(scene.json({"heal", "f1"}), "/healed/0/id"), "f1");
  const auto none = scene.json({"heal"});
  EXPECT_EQ(text_at(none, "/healed"), "[]");
}

TEST(Heal, RefusesAllOfItsWordsWhenOneWasNeverIssued) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  EXPECT_EQ(scene.tinet({"heal", "f1", "f7"}).exit_code, 4);
  EXPECT_EQ(text_at(scene.json({"why", "node-0", "node-1"}), "/reachable"), "no");
}

}  // namespace
}  // namespace tinet::test
