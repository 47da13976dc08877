#include "src/fabric/encode.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "src/fabric/describe.h"
#include "tests/unit/fabric/faults.h"

namespace tinet::fabric {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kNow{1000s};
const std::vector<std::string> kPorts = {"n-0", "n-1", "n-2"};

TEST(Encode, RoundsEndsUpToMillisecondsAndNeverToZero) {
  const Element element{
      {MapId::Kind::Layer, Stack::A, 2}, {0, 1}, {TreatmentId{7}, Stack::A}, kNow + 1500us};
  EXPECT_EQ(encode(element, kNow).timeout, 2ms);
  EXPECT_EQ(encode(element, kNow + 2s).timeout, 1ms);
  EXPECT_EQ(encode(element, kNow).verdict->chain, "t7");
}

TEST(Encode, IsUndoneByDecode) {
  for (const MapId& map : all_maps()) {
    const Element element{map, {7, 1021}, {TreatmentId{12}, Stack::A}, std::nullopt};
    EXPECT_EQ(decode(map, encode(element, kNow)), element);
  }
  const Element layers{{}, {1, 2}, {std::nullopt, Stack::B}, {}};
  EXPECT_EQ(decode(layers.map, encode(layers, kNow)), layers);
}

TEST(Decode, RefusesWhatIsNotOurs) {
  nft::Element element;
  element.key = nft::link_key(IfIndex{2}, IfIndex{17});  // the bridge itself
  element.verdict = nft::Verdict{nft::Verdict::Kind::Goto, "t1"};
  const MapId map{MapId::Kind::Layer, Stack::A, 1};
  EXPECT_EQ(decode(map, element), std::nullopt);
  element.key = nft::link_key(port_index(0), port_index(1));
  EXPECT_NE(decode(map, element), std::nullopt);
  element.verdict->chain = "drop_b1";
  EXPECT_EQ(decode(map, element), std::nullopt);
  element.verdict->chain = "t1";
  element.key.pop_back();
  EXPECT_EQ(decode(map, element), std::nullopt);
}

Difference change_to(const std::vector<Fault>& faults) {
  static Registry registry;
  return make_difference({}, link_schedules(faults, kNow).links, memories_of(faults), {}, registry,
                         kNow);
}

TEST(Describe, ReadsLikeNft) {
  EXPECT_EQ(describe(change_to({cut(1, {{0, 1}}, kNow + 2s)}), kPorts, kNow),
            (std::vector<std::string>{
                "add chain bridge tinet t1 # every packet: drop (f1)",
                "add element bridge tinet decide { \"n-0\" . \"n-1\" timeout 2s : goto t1 }"}));
}

TEST(Describe, TellsClassesAndConditions) {
  const auto lines = describe(change_to({acting(1, limiting(10'000'000), {{0, 1}}),
                                         acting(2, losing(5000), {{0, 1}}, {}, to_port(2380))}),
                              kPorts, kNow);
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "add class dev n-1 classid 1:1 # from n-0: rate 10mbit",
                       "add chain bridge tinet t1 # every packet: rate 10mbit (f1); "
                       "tcp to port 2380: lose 0.5% (f2)",
                       "add element bridge tinet decide { \"n-0\" . \"n-1\" : goto t1 }"}));
}

TEST(Describe, MarksWhatPacketsDoNotGetTo) {
  LinkAction delay;
  delay.delay = Delay{.delay = 50ms};
  const Effect effect{
      {{{.protocol = Protocol::Tcp, .to_ports = {7000}}, {.cut = CutMode::Reject}, {FaultId{3}}},
       {{}, delay, {FaultId{4}}}}};
  EXPECT_EQ(describe(effect, {Protocol::Tcp, 7000}),
            (std::vector<std::string>{
                "tcp to port 7000: reject (f3)",
                "every packet: delay 50ms (f4) # decides nothing here: no packet gets this far"}));
  EXPECT_EQ(describe(effect, {Protocol::Tcp, 80}).back(), "every packet: delay 50ms (f4)");
  EXPECT_EQ(describe(effect, {}), describe(effect)) << "some packets get there";
}

TEST(Skeleton, FitsTogether) {
  FabricPlan plan;
  plan.endpoints = {{"n-0", Ipv4{1}, std::nullopt}, {"n-1", Ipv4{2}, endpoint_address6(1)}};
  const Skeleton skeleton = make_skeleton(plan);
  EXPECT_TRUE(skeleton.table.owner);
  for (const nft::Rule& rule : skeleton.rules) {
    const auto named = [&](const nft::Chain& chain) { return chain.name == rule.chain; };
    EXPECT_TRUE(std::any_of(skeleton.chains.begin(), skeleton.chains.end(), named)) << rule.chain;
  }
  for (const FixedMap& map : skeleton.fixed) {
    if (map.spec.name == "hosts6") {
      ASSERT_EQ(map.elements.size(), 1U);
      EXPECT_EQ(map.elements[0].value, (nft::Bytes{0x02, 0x74, 0x69, 0, 0, 2}));
    }
  }
}

}  // namespace
}  // namespace tinet::fabric
