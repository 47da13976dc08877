#include "src/fabric/ruleset.h"

#include <set>

#include <gtest/gtest.h>

namespace tinet::fabric {
namespace {

using namespace std::chrono_literals;

TimedEffect drop(std::optional<MonoTime> end = std::nullopt) {
  return {Effect{CutMode::Drop}, {{1}}, end};
}

TEST(Ruleset, NamesAreUniqueAndReadable) {
  std::set<std::string> names;
  for (const MapId& map : all_maps()) {
    EXPECT_TRUE(names.insert(map_name(map)).second) << map_name(map);
  }
  EXPECT_EQ(names.size(), 18U + 16U + 1U);
  EXPECT_EQ(map_name({MapId::Kind::Layer, {Stack::B, 3}}), "layer_b3");
  EXPECT_EQ(chain_name({std::nullopt, {Stack::B, 0}}), "layers_b");
  EXPECT_EQ(chain_name({Effect{CutMode::Drop}, {Stack::A, 0}}), "drop_a0");
  EXPECT_EQ(chain_name({Effect{CutMode::Reset}, {Stack::B, 8}}), "reset_b8");
}

TEST(CounterName, IsReadBack) {
  for (const Slot slot : all_slots()) {
    const CounterId id{slot, {12, 1022}};
    EXPECT_EQ(parse_counter_name(counter_name(id)), id);
  }
  EXPECT_EQ(counter_name({{Stack::A, 0}, {3, 17}}), "a0.3.17");
}

TEST(CounterName, RejectsEverythingElse) {
  for (const char* name : {"", "a", "c0.1.2", "a9.1.2", "a0.1", "a0.1.", "a0.1.2.3", "a0.1.2 ",
                           "a0.65536.1", "a-1.1.1", "a0,1,2"}) {
    EXPECT_EQ(parse_counter_name(name), std::nullopt) << name;
  }
}

TEST(ElementsOf, PutsASingleEffectStraightIntoDecide) {
  const auto elements = elements_of({1, 2}, {Stack::B, {drop(MonoTime{5s})}});
  ASSERT_EQ(elements.size(), 1U);
  EXPECT_EQ(map_name(elements[0].map), "decide");
  EXPECT_EQ(chain_name(elements[0].target), "drop_b0");
  EXPECT_EQ(elements[0].end, MonoTime{5s});
}

TEST(ElementsOf, PutsSeveralEndsIntoTheLayersOfAStack) {
  const auto elements = elements_of({1, 2}, {Stack::A, {drop(MonoTime{5s}), drop(MonoTime{7s})}});
  ASSERT_EQ(elements.size(), 3U);
  EXPECT_EQ(chain_name(elements[0].target), "layers_a");
  EXPECT_EQ(elements[0].end, MonoTime{7s});
  EXPECT_EQ(map_name(elements[1].map), "layer_a1");
  EXPECT_EQ(elements[1].end, MonoTime{5s});
  EXPECT_EQ(chain_name(elements[2].target), "drop_a2");
  EXPECT_EQ(elements[2].end, MonoTime{7s});
}

}  // namespace
}  // namespace tinet::fabric
