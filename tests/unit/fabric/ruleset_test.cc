#include "src/fabric/ruleset.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/unit/fabric/faults.h"

namespace tinet::fabric {
namespace {

using namespace std::chrono_literals;

LinkRules rules_of(Stack stack, std::vector<std::optional<MonoTime>> ends) {
  LinkPlan plan;
  for (const auto& end : ends) {
    plan.schedule.push_back({composed({cut(1, {})}), end});
    plan.treatments.push_back({static_cast<std::uint32_t>(plan.schedule.size())});
  }
  return {stack, std::make_shared<const LinkPlan>(std::move(plan))};
}

TEST(Ruleset, NamesAreUniqueAndReadable) {
  std::set<std::string> names;
  for (const MapId& map : all_maps()) {
    EXPECT_TRUE(names.insert(map_name(map)).second) << map_name(map);
  }
  EXPECT_EQ(names.size(), 16U + 1U);
  EXPECT_EQ(map_name({MapId::Kind::Layer, Stack::B, 3}), "layer_b3");
  EXPECT_EQ(chain_name({std::nullopt, Stack::B}), "layers_b");
  EXPECT_EQ(chain_name({TreatmentId{17}, Stack::A}), "t17");
}

TEST(Ruleset, ReadsTreatmentsBackFromChainsAndMarks) {
  EXPECT_EQ(treatment_of_chain("t17"), TreatmentId{17});
  for (const char* name : {"", "t", "t1x", "layers_a", "x1", "t-1", "t99999999999"}) {
    EXPECT_EQ(treatment_of_chain(name), std::nullopt) << name;
  }
  for (const Target& target :
       {Target{TreatmentId{1}, Stack::A}, Target{TreatmentId{70'000}, Stack::A},
        Target{std::nullopt, Stack::A}, Target{std::nullopt, Stack::B}}) {
    EXPECT_EQ(target_of(mark_of(target)), target);
  }
}

TEST(ElementsOf, PutsASingleEffectStraightIntoDecide) {
  const auto elements = elements_of({1, 2}, rules_of(Stack::B, {MonoTime{5s}}));
  ASSERT_EQ(elements.size(), 1U);
  EXPECT_EQ(map_name(elements[0].map), "decide");
  EXPECT_EQ(chain_name(elements[0].target), "t1");
  EXPECT_EQ(elements[0].end, MonoTime{5s});
}

TEST(ElementsOf, PutsSeveralEndsIntoTheLayersOfAStack) {
  const auto elements = elements_of({1, 2}, rules_of(Stack::A, {MonoTime{5s}, MonoTime{7s}}));
  ASSERT_EQ(elements.size(), 3U);
  EXPECT_EQ(chain_name(elements[0].target), "layers_a");
  EXPECT_EQ(elements[0].end, MonoTime{7s});
  EXPECT_EQ(map_name(elements[1].map), "layer_a1");
  EXPECT_EQ(elements[1].end, MonoTime{5s});
  EXPECT_EQ(chain_name(elements[2].target), "t2");
  EXPECT_EQ(elements[2].end, MonoTime{7s});
}

}  // namespace
}  // namespace tinet::fabric
