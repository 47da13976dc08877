// Every verb of network faults: what it answers, what the cluster shows of it, what packets meet,
// and that nothing is left of it after a heal.

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/exchange.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::HasSubstr;

struct Verb {
  std::string name;
  std::vector<std::string> words;  ///< always about node-0 and node-1
  std::string kind;
  std::string params;  ///< members of the fault's params, as JSON
  std::vector<std::string> mechanisms;
  std::string effects;  ///< members of the effects of node-0>node-1
  std::string reachable;
  std::string counted;  ///< the count that datagrams of node-0 to node-1 add to
};

void PrintTo(const Verb& verb, std::ostream* out) {
  *out << verb.name;
}

class FaultVerb : public ::testing::TestWithParam<Verb> {};

/// Every member of `expected` is in `document` with the same value.
void expect_holds(const boost::json::value& document, const std::string& expected) {
  const auto members = boost::json::parse(expected);
  for (const auto& member : members.as_object()) {
    const auto* value = document.as_object().if_contains(member.key());
    if (value == nullptr) {
      ADD_FAILURE() << "no '" << member.key() << "' in " << document;
    } else {
      EXPECT_EQ(*value, member.value()) << "'" << member.key() << "' of " << document;
    }
  }
}

TEST_P(FaultVerb, IsShownFeltAndHealed) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const Verb& verb = GetParam();

  const auto fault = scene.fault(verb.words);
  ASSERT_TRUE(fault.is_object());
  EXPECT_EQ(text_at(fault, "/id"), "f1");
  EXPECT_EQ(text_at(fault, "/kind"), verb.kind);
  EXPECT_EQ(text_at(fault, "/target"), R"(["node-0"])");
  EXPECT_EQ(text_at(fault, "/peers"), R"(["node-1"])");
  EXPECT_EQ(EchoScene::links_of(fault), "node-0>node-1 node-1>node-0");
  EXPECT_THAT(verb.mechanisms, ::testing::Contains(text_at(fault, "/mechanism")));
  EXPECT_TRUE(fault.at("atomic").is_bool());
  EXPECT_EQ(text_at(fault, "/shared"), "false");
  expect_holds(fault.at("params"), verb.params);

  const auto link = scene.link("node-0", "node-1");
  EXPECT_EQ(text_at(link, "/reachable"), verb.reachable);
  EXPECT_EQ(text_at(link, "/faults"), R"(["f1"])");
  expect_holds(link.at("effects"), verb.effects);
  EXPECT_EQ(text_at(scene.link("node-0", "node-2"), "/reachable"), "yes");
  EXPECT_EQ(text_at(scene.link("node-0", "node-2"), "/effects"), "{}");
  const auto why = scene.json({"why", "node-0", "node-1"});
  EXPECT_EQ(text_at(why, "/faults"), R"(["f1"])");
  EXPECT_THAT(text_at(why, "/mechanism"), HasSubstr(text_at(fault, "/mechanism")));
  EXPECT_THAT(text_at(why, "/rule"), HasSubstr("f1"));

  // What it counts is counted for the fault and its link, and for no other link.
  ASSERT_TRUE(scene.burst("node-0", "node-1", 200));
  ASSERT_TRUE(scene.burst("node-0", "node-2", 20));
  EXPECT_GT(count_of(scene, "node-0", "node-1", verb.counted), 0);
  EXPECT_EQ(count_of(scene, "node-0", "node-2", verb.counted), 0);
  const auto faults = scene.json({"faults"});
  ASSERT_EQ(faults.as_array().size(), 1U);
  EXPECT_GT(std::stoll("0" + text_at(faults, "/0/packets/" + verb.counted)), 0) << faults;
  EXPECT_EQ(text_at(faults, "/0/matched_nothing"), "false");
  const RunResult table = scene.tinet({"faults"});
  EXPECT_THAT(table.out, AllOf(HasSubstr("f1"), HasSubstr(verb.kind), HasSubstr(verb.counted)));

  EXPECT_EQ(text_at(scene.json({"heal"}), "/healed/0/id"), "f1");
  EXPECT_EQ(text_at(scene.json({"faults"}), ""), "[]");
  EXPECT_EQ(text_at(scene.link("node-0", "node-1"), "/reachable"), "yes");
  EXPECT_EQ(text_at(scene.link("node-0", "node-1"), "/effects"), "{}");
  const Exchange after = exchange(scene, "node-0", "node-1", {.count = 50, .gap = 1ms});
  EXPECT_EQ(after.answered, 50) << after;
  EXPECT_EQ(after.repeated + after.overtaken + after.damaged, 0) << after;
}

/// The words of a verb about the two links between node-0 and node-1.
std::vector<std::string> between(std::vector<std::string> words) {
  words.insert(words.begin() + 1, "node-0");
  words.insert(words.end(), {"--to", "node-1"});
  return words;
}

const std::vector<std::string> kWaiting = {"netem", "wire"};

INSTANTIATE_TEST_SUITE_P(
    Verbs, FaultVerb,
    ::testing::Values(Verb{"partition",
                           between({"partition"}),
                           "partition",
                           R"({"mode":"drop"})",
                           {"nftables"},
                           R"({"cut":"drop"})",
                           "no",
                           "dropped"},
                      Verb{"reject",
                           between({"partition", "--mode", "reject"}),
                           "partition",
                           R"({"mode":"reject"})",
                           {"nftables"},
                           R"({"cut":"reject"})",
                           "no",
                           "rejected"},
                      Verb{"reset",
                           between({"partition", "--mode", "reset"}),
                           "partition",
                           R"({"mode":"reset"})",
                           {"nftables"},
                           R"({"cut":"reset"})",
                           "no",
                           "rejected"},
                      Verb{"delay",
                           between({"delay", "20ms", "--jitter", "5ms", "--distribution", "normal",
                                    "--seed", "7"}),
                           "delay",
                           R"({"delay_ms":20,"jitter_ms":5,"distribution":"normal","seed":7})",
                           kWaiting, R"({"delay_ms":20,"jitter_ms":5,"distribution":"normal"})",
                           "yes", "delayed"},
                      Verb{"loss",
                           between({"loss", "50%"}),
                           "loss",
                           R"({"loss":"50%"})",
                           {"nftables"},
                           R"({"loss":"50%"})",
                           "partial",
                           "dropped"},
                      Verb{"burst_loss", between({"loss", "--burst", "20%,20%"}), "loss",
                           R"({"bursts":[{"begin":"20%","end":"20%"}]})", kWaiting,
                           R"({"bursts":[{"begin":"20%","end":"20%"}]})", "partial", "dropped"},
                      Verb{"duplicate",
                           between({"duplicate", "50%"}),
                           "duplicate",
                           R"({"duplicate":"50%"})",
                           {"nftables"},
                           R"({"duplicate":"50%"})",
                           "yes",
                           "duplicated"},
                      Verb{"corrupt",
                           between({"corrupt", "50%"}),
                           "corrupt",
                           R"({"corrupt":"50%"})",
                           {"nftables"},
                           R"({"corrupt":"50%"})",
                           "partial",
                           "corrupted"},
                      Verb{"reorder", between({"reorder", "25%", "--delay", "20ms"}), "reorder",
                           R"({"delay_ms":20,"reorder":"25%"})", kWaiting,
                           R"({"delay_ms":20,"reorder":"25%"})", "yes", "delayed"},
                      Verb{"rate",
                           between({"rate", "10mbit", "--queue", "500"}),
                           "rate",
                           R"({"rate":"10mbit","rate_bits":10000000,"rate_queue_packets":500})",
                           {"htb"},
                           R"({"rate":"10mbit"})",
                           "yes",
                           "delayed"},
                      Verb{"flap",
                           between({"flap", "--down", "10s", "--up", "10s", "--times", "2"}),
                           "flap",
                           R"({"flap":{"down_ms":10000,"up_ms":10000,"times":2}})",
                           {"nftables"},
                           R"({"cut":"drop"})",
                           "no",
                           "dropped"},
                      Verb{"hold", between({"hold"}), "hold", R"({"hold":true})", kWaiting,
                           R"({"hold":true})", "no", "held"}),
    [](const auto& verb) { return verb.param.name; });

TEST(Flap, CutsAndOpensInTurnsAndEndsAfterItsTimes) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  const Asker asker(scene, "udp", "node-1", "node-0");
  const auto asked = monotonic_ms();
  ASSERT_TRUE(
      scene.tinet({"flap", "node-0", "--down", "1500ms", "--up", "1s", "--times", "2"}).ok());
  const auto cut = monotonic_ms();
  ASSERT_LT(cut, asked + 1500) << "too slow to see anything";
  ASSERT_TRUE(scene.tinet({"wait", "--fault-ended", "f1", "--timeout", "30s"}).ok());
  EXPECT_TRUE(asker.answered_after(monotonic_ms()));
  // Times count from somewhere between `asked` and `cut`; tens of ms belong to the kernel's clock.
  EXPECT_TRUE(asker.silent(cut, asked + 1480));
  EXPECT_FALSE(asker.silent(cut + 1520, asked + 2480)) << "it did not open in between";
  EXPECT_TRUE(asker.silent(cut + 2520, asked + 3980));
  EXPECT_EQ(text_at(scene.json({"faults", "--all"}), "/0/ended"), "expired");
}

TEST(Hold, KeepsPacketsAndReleaseDeliversThemInOrder) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"hold", "node-1", "--to", "node-0", "--direction", "in"}).ok());
  const auto sender = scene.beside({"exec", "node-0", "--", support_program("echo_count"),
                                    scene.address("node-1"), EchoScene::kPort, "40", "1", "60000"});
  ASSERT_TRUE(eventually([&] { return count_of(scene, "node-0", "node-1", "held") == 40; }, 30s));
  const auto released = scene.json({"release", "f1"});
  EXPECT_EQ(text_at(released, "/delivered"), "40");
  EXPECT_EQ(text_at(released, "/dropped"), "0");
  const RunResult sent = sender->finish();
  EXPECT_THAT(sent.out, HasSubstr("answered 40 repeated 0 overtaken 0 damaged 0"));
}

TEST(Hold, ReleaseDropsThemWhenAsked) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"hold", "node-1", "--to", "node-0", "--direction", "in"}).ok());
  ASSERT_TRUE(scene.burst("node-0", "node-1", 30));
  const auto released = scene.json({"release", "f1", "--drop"});
  EXPECT_EQ(text_at(released, "/delivered"), "0");
  EXPECT_EQ(text_at(released, "/dropped"), "30");
  EXPECT_EQ(count_of(scene, "node-0", "node-1", "dropped"), 30);
  EXPECT_EQ(count_of(scene, "node-0", "node-1", "held"), 0);
  EXPECT_TRUE(answers(scene, "node-0", "node-1"));
  EXPECT_EQ(scene.tinet({"release", "f1"}).exit_code, 0);
  EXPECT_EQ(scene.tinet({"release", "f9"}).exit_code, 4);
}

}  // namespace
}  // namespace tinet::test
