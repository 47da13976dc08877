// What relays make of the effects of links.

#include "src/relays/relay_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tinet::relays {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint16_t kPort = 2380;

EffectClause clause(std::uint32_t fault, LinkAction action, Match match = {}) {
  return {std::move(match), std::move(action), {FaultId{fault}}};
}

Effect effect(std::vector<EffectClause> clauses) {
  return {std::move(clauses)};
}

std::uint64_t five(FaultId /*fault*/) {
  return 5;
}

TEST(Concerning, KeepsWhatMeansThePortInTheLinksDirection) {
  const Effect both = effect({clause(1, {.cut = CutMode::Drop}, {.to_ports = {kPort}}),
                              clause(2, {.cut = CutMode::Drop}, {.from_ports = {kPort}}),
                              clause(3, {.cut = CutMode::Drop}, {.to_ports = {99}}),
                              clause(4, {.cut = CutMode::Drop})});
  EXPECT_EQ(concerning(both, kPort, true).faults(), (std::vector<FaultId>{{1}, {4}}));
  EXPECT_EQ(concerning(both, kPort, false).faults(), (std::vector<FaultId>{{2}, {4}}));
}

TEST(RulesOf, ACutOfOneLinkHoldsBothDirections) {
  for (const bool is_there : {true, false}) {
    WayEffects effects;
    (is_there ? effects.there : effects.back) = effect({clause(1, {.cut = CutMode::Drop})});
    const WayRules rules = rules_of(effects, five);
    ASSERT_THAT(rules.forward, SizeIs(1));
    ASSERT_THAT(rules.backward, SizeIs(1));
    EXPECT_TRUE(rules.forward.begin()->second.hold);
    EXPECT_TRUE(rules.backward.begin()->second.hold);
  }
}

TEST(RulesOf, RejectRefusesNewConnectionsAndHoldsOpenOnes) {
  WayEffects effects;
  effects.back = effect({clause(1, {.cut = CutMode::Reject})});
  const WayRules rules = rules_of(effects, five);
  EXPECT_TRUE(rules.forward.at(3).refuse) << "refusals are the forward rules' matter";
  EXPECT_TRUE(rules.forward.at(3).hold);
  EXPECT_FALSE(rules.backward.at(3).refuse);
  EXPECT_TRUE(rules.backward.at(3).hold);
}

TEST(RulesOf, ResetEndsWhatIsOpenAtOnce) {
  WayEffects effects;
  effects.there = effect({clause(1, {.cut = CutMode::Reset})});
  const WayRules rules = rules_of(effects, five);
  EXPECT_EQ(rules.forward.at(2).reset_after, Nanoseconds(0));
  EXPECT_TRUE(rules.forward.at(2).refuse);
  EXPECT_THAT(rules.backward, IsEmpty());
}

TEST(RulesOf, NewAndOpenConnectionsAreToldApartByTheirNumber) {
  WayEffects effects;
  effects.there =
      effect({clause(1, {.cut = CutMode::Drop}, {.connections = Connections::New}),
              clause(2, {.cut = CutMode::Reset}, {.connections = Connections::Established})});
  const WayRules rules = rules_of(effects, five);
  EXPECT_EQ(rules.forward.at(2).first_number, 5U);
  EXPECT_EQ(rules.forward.at(4).end_number, 5U);
  EXPECT_FALSE(rules.forward.at(4).refuse) << "new ones are not meant";
}

TEST(RulesOf, ADelayOfEitherLinkDelaysTheHandshake) {
  WayEffects effects;
  effects.there = effect({clause(1, {.delay = Delay{.delay = Milliseconds(30)}})});
  effects.back = effect({clause(1, {.delay = Delay{.delay = Milliseconds(20)}})});
  const WayRules rules = rules_of(effects, five);
  EXPECT_EQ(rules.forward.at(2).delay.base, Milliseconds(30));
  EXPECT_EQ(rules.forward.at(2).accept_delay.base, Milliseconds(30));
  EXPECT_EQ(rules.forward.at(3).accept_delay.base, Milliseconds(20));
  EXPECT_FALSE(rules.forward.at(3).delay.any());
  EXPECT_EQ(rules.backward.at(3).delay.base, Milliseconds(20));
  EXPECT_FALSE(rules.backward.at(3).accept_delay.any());
}

TEST(RulesOf, RatesAreOfBytes) {
  WayEffects effects;
  effects.there = effect({clause(1, {.rate = Rate{.bits_per_second = 8'000}})});
  EXPECT_EQ(rules_of(effects, five).forward.at(2).bytes_per_second, 1'000U);
}

TEST(RulesOf, AResetAfterBytesLetsThoseThrough) {
  WayEffects effects;
  effects.there = effect({clause(1, {.cut = CutMode::Reset}, {.after_bytes = 100})});
  const WayRules rules = rules_of(effects, five);
  EXPECT_EQ(rules.forward.at(2).reset_after_bytes, 100U);
  EXPECT_FALSE(rules.forward.at(2).refuse);
  EXPECT_FALSE(rules.forward.at(2).reset_after);
}

struct Refusal {
  const char* name;
  FaultClause clause;
  const char* reason;
};

class WhyNot : public testing::TestWithParam<Refusal> {};

TEST_P(WhyNot, NamesWhatARelayCannotDo) {
  EXPECT_THAT(why_not(GetParam().clause), HasSubstr(GetParam().reason));
}

const LinkAction kCut{.cut = CutMode::Drop};

INSTANTIATE_TEST_SUITE_P(
    All, WhyNot,
    testing::Values(
        Refusal{"Loss", {{}, {.loss = Ppm{1}}}, "cannot lose packets"},
        Refusal{"LostReplies", {{}, {.lost_replies = Ppm{1}}}, "cannot lose packets"},
        Refusal{"Burst", {{}, {.bursts = {{Ppm{1}, Ppm{1}}}}}, "cannot lose packets"},
        Refusal{"Duplicate", {{}, {.duplicate = Ppm{1}}}, "below TCP"},
        Refusal{"Corrupt", {{}, {.corrupt = Ppm{1}}}, "below TCP"},
        Refusal{"Reorder", {{}, {.reorder = Ppm{1}}}, "below TCP"},
        Refusal{"Pareto", {{}, {.delay = Delay{.distribution = Distribution::Pareto}}}, "normal"},
        Refusal{"Correlation", {{}, {.delay = Delay{.correlation = Ppm{1}}}}, "correlation"},
        Refusal{"Queue", {{}, {.rate = Rate{.queue_packets = 5}}}, "queue"},
        Refusal{"Udp", {{.protocol = Protocol::Udp}, kCut}, "udp passes beside"},
        Refusal{"Icmp", {{.protocol = Protocol::Icmp}, kCut}, "icmp passes beside"},
        Refusal{"First", {{.first = 3}, kCut}, "never reach a relay"},
        Refusal{"AfterBytes", {{.after_bytes = 3}, kCut}, "--mode reset"},
        Refusal{"NewHold", {{.connections = Connections::New}, {.hold = true}}, "new"}),
    [](const auto& test) { return test.param.name; });

TEST(WhyNotNothing, AgainstWhatRelaysCanDo) {
  for (const CutMode mode : {CutMode::Drop, CutMode::Reject, CutMode::Reset}) {
    EXPECT_EQ(why_not(FaultClause{{}, {.cut = mode}}), "");
  }
  EXPECT_EQ(why_not(FaultClause{{.protocol = Protocol::Tcp}, {.hold = true}}), "");
  EXPECT_EQ(why_not(FaultClause{{}, {.delay = Delay{.delay = Milliseconds(1)}}}), "");
  EXPECT_EQ(why_not(FaultClause{{}, {.rate = Rate{.bits_per_second = 8}}}), "");
  EXPECT_EQ(why_not(FaultClause{{.after_bytes = 3}, {.cut = CutMode::Reset}}), "");
}

}  // namespace
}  // namespace tinet::relays
