#include "src/fabric/encode.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace tinet::fabric {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kNow{1000s};
const std::vector<std::string> kPorts = {"n-0", "n-1", "n-2"};

TEST(Encode, RoundsEndsUpToMillisecondsAndNeverToZero) {
  const Element element{{MapId::Kind::Layer, {Stack::A, 2}},
                        {0, 1},
                        {Effect{CutMode::Drop}, {Stack::A, 2}},
                        kNow + 1500us};
  EXPECT_EQ(encode(element, kNow).timeout, 2ms);
  EXPECT_EQ(encode(element, kNow + 2s).timeout, 1ms);
  EXPECT_EQ(encode(element, kNow).verdict->chain, "drop_a2");
}

TEST(Encode, IsUndoneByDecode) {
  for (const MapId& map : all_maps()) {
    if (map.kind == MapId::Kind::Counters) {
      continue;
    }
    const Slot slot = map.kind == MapId::Kind::Layer ? map.slot : Slot{Stack::B, 0};
    for (const CutMode mode : {CutMode::Drop, CutMode::Reset, CutMode::Reject}) {
      const Element element{map, {7, 1021}, {Effect{mode}, slot}, std::nullopt};
      EXPECT_EQ(decode(map, encode(element, kNow)), element);
    }
  }
  const Element layers{{MapId::Kind::Decide, {}}, {1, 2}, {std::nullopt, {Stack::B, 0}}, {}};
  EXPECT_EQ(decode(layers.map, encode(layers, kNow)), layers);
}

TEST(Decode, RefusesWhatIsNotOurs) {
  nft::Element element;
  element.key = nft::link_key(IfIndex{2}, IfIndex{17});  // the bridge itself
  element.verdict = nft::Verdict{nft::Verdict::Kind::Goto, "drop_a1"};
  const MapId map{MapId::Kind::Layer, {Stack::A, 1}};
  EXPECT_EQ(decode(map, element), std::nullopt);
  element.key = nft::link_key(port_index(0), port_index(1));
  EXPECT_NE(decode(map, element), std::nullopt);
  element.verdict->chain = "drop_b1";
  EXPECT_EQ(decode(map, element), std::nullopt);
  element.key.pop_back();
  EXPECT_EQ(decode(map, element), std::nullopt);
}

TEST(Describe, ReadsLikeNft) {
  const std::vector<LinkSchedule> wanted = {
      {{0, 1}, {{Effect{CutMode::Drop}, {{1}}, kNow + 2s}}},
  };
  const auto lines = describe(make_difference({}, {}, wanted, kNow), kPorts, kNow);
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "add counter bridge tinet a0.0.1",
                       "add element bridge tinet count_a0 { \"n-0\" . \"n-1\" : \"a0.0.1\" }",
                       "add element bridge tinet decide { \"n-0\" . \"n-1\" timeout 2s : goto "
                       "drop_a0 }"}));
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
