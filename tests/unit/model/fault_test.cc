#include "src/model/fault.h"

#include <gtest/gtest.h>

namespace tinet {
namespace {

TEST(FaultId, RoundTrips) {
  EXPECT_EQ(to_string(FaultId{1}), "f1");
  for (const std::uint32_t value : {0U, 1U, 12U, 4294967295U}) {
    EXPECT_EQ(parse_fault_id(to_string(FaultId{value})), FaultId{value});
  }
}

TEST(FaultId, RefusesWhatIsNoId) {
  for (const auto* text : {"", "f", "1", "F1", "f-1", "f+1", "f1x", "f 1", " f1", "f1 ", "ff1",
                           "f0x1", "f4294967296", "tikv-0"}) {
    EXPECT_EQ(parse_fault_id(text), std::nullopt) << "'" << text << "'";
  }
}

TEST(FaultKind, HasItsVerbAsName) {
  EXPECT_EQ(to_string(FaultKind::Partition), "partition");
  EXPECT_EQ(to_string(FaultKind::Pause), "pause");
}

TEST(CutMode, OrdersByStrength) {
  EXPECT_LT(CutMode::Reject, CutMode::Reset);
  EXPECT_LT(CutMode::Reset, CutMode::Drop);
  EXPECT_EQ(to_string(CutMode::Reject), "reject");
  EXPECT_EQ(to_string(CutMode::Reset), "reset");
  EXPECT_EQ(to_string(CutMode::Drop), "drop");
}

EffectClause clause(Match match, LinkAction action, std::uint32_t fault) {
  return {std::move(match), std::move(action), {FaultId{fault}}};
}

TEST(Effect, IsEmptyWithoutAClause) {
  EXPECT_TRUE(Effect{}.empty());
  EXPECT_FALSE((Effect{{clause({}, {.cut = CutMode::Reject}, 1)}}).empty());
}

TEST(Effect, ItsCutIsTheStrongestOfEveryPacket) {
  Effect effect{{clause({.to_ports = {80}}, {.cut = CutMode::Drop}, 1)}};
  EXPECT_EQ(effect.cut(), std::nullopt);
  effect.clauses.push_back(clause({}, {.cut = CutMode::Reject}, 2));
  effect.clauses.push_back(clause({}, {.cut = CutMode::Reset}, 2));
  EXPECT_EQ(effect.cut(), CutMode::Reset);
  EXPECT_EQ(effect.faults(), (std::vector<FaultId>{{1}, {2}}));
}

TEST(Combined, AddsUpWhatEveryPacketSuffers) {
  const Effect effect{
      {clause({}, {.loss = Ppm{500'000}}, 1),
       clause({}, {.loss = Ppm{500'000}, .delay = Delay{.delay = Milliseconds(5)}}, 2),
       clause({.to_ports = {80}}, {.loss = Ppm{900'000}}, 3)}};
  const LinkAction sum = combined(effect);
  EXPECT_EQ(sum.loss.value, 750'000U);
  EXPECT_EQ(sum.delay->delay, Milliseconds(5));
}

}  // namespace
}  // namespace tinet
