#include "src/model/fault_check.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/model/fault_build.h"

namespace tinet {
namespace {

using testing::HasSubstr;

LinkAction delayed(Delay delay) {
  return {.delay = std::move(delay)};
}

/// The message of the Usage error, or "" when nothing was refused.
std::string refused(const std::function<void()>& check) {
  try {
    check();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    return error.what();
  }
  return "";
}

std::string refused(const LinkAction& action) {
  return refused([&] { check_action(action); });
}

std::string refused(FaultKind kind, const LinkAction& action) {
  return refused([&] { check_kind(kind, action); });
}

TEST(CheckAction, TakesTheWholeRange) {
  EXPECT_EQ(refused(LinkAction{}), "");
  EXPECT_EQ(refused({.loss = Ppm{1}}), "");
  EXPECT_EQ(refused({.loss = Ppm{1'000'000}, .duplicate = Ppm{1'000'000}}), "");
  EXPECT_EQ(refused({.bursts = {{Ppm{1}, Ppm{1'000'000}}}}), "");
  EXPECT_EQ(refused(delayed({.delay = Nanoseconds(1)})), "");
  EXPECT_EQ(refused(delayed({.delay = kDelayMax, .jitter = kDelayMax})), "");
  EXPECT_EQ(refused({.rate = Rate{kRateMin, 0, 0}}), "");
  EXPECT_EQ(refused({.rate = Rate{kRateMax, 1'600, 1}}), "");
  EXPECT_EQ(refused({.rate = Rate{kRateMax, 0xffff'ffff, 1'000'000}}), "");
  EXPECT_EQ(refused({.delay = Delay{.delay = Milliseconds(1)}, .reorder = Ppm{5}}), "");
}

TEST(CheckAction, RefusesWhatIsOutOfRange) {
  EXPECT_THAT(refused({.loss = Ppm{1'000'001}}), HasSubstr("loss"));
  EXPECT_THAT(refused({.lost_replies = Ppm{1'000'001}}), HasSubstr("--lost-reply"));
  EXPECT_THAT(refused({.duplicate = Ppm{1'000'001}}), HasSubstr("duplicate"));
  EXPECT_THAT(refused({.corrupt = Ppm{1'000'001}}), HasSubstr("corrupt"));
  EXPECT_THAT(refused({.bursts = {{Ppm{1'000'001}, Ppm{1}}}}), HasSubstr("--burst"));
  EXPECT_THAT(refused(delayed({.delay = kDelayMax + Nanoseconds(1)})), HasSubstr("at most 1h"));
  EXPECT_THAT(refused({.rate = Rate{kRateMin - 1, 0, 0}}), HasSubstr("8bit to 1000gbit"));
  EXPECT_THAT(refused({.rate = Rate{kRateMax + 1, 0, 0}}), HasSubstr("8bit to 1000gbit"));
  EXPECT_THAT(refused({.rate = Rate{kRateMin, 1'599, 0}}), HasSubstr("--burst-size: 1599 bytes"));
  EXPECT_THAT(refused({.rate = Rate{kRateMin, 0, 1'000'001}}), HasSubstr("--queue: 1000001"));
}

TEST(CheckAction, RefusesMembersThatMeanNothingAlone) {
  EXPECT_THAT(refused({.bursts = {{Ppm{1}, Ppm{0}}}}), HasSubstr("--burst"));
  EXPECT_THAT(refused({.bursts = {{Ppm{0}, Ppm{1}}}}), HasSubstr("--burst"));
  EXPECT_THAT(refused(delayed({.jitter = Milliseconds(1)})), HasSubstr("--jitter needs a delay"));
  EXPECT_THAT(refused(delayed({.delay = Milliseconds(1), .jitter = Milliseconds(2)})),
              HasSubstr("more than the delay"));
  EXPECT_THAT(refused(delayed({.delay = Milliseconds(1), .distribution = Distribution::Normal})),
              HasSubstr("--distribution needs --jitter"));
  EXPECT_THAT(refused(delayed({.delay = Milliseconds(1), .correlation = Ppm{1}})),
              HasSubstr("--correlation needs --jitter"));
  EXPECT_THAT(refused(delayed({.delay = Milliseconds(1),
                               .jitter = Milliseconds(1),
                               .distribution = Distribution::Table})),
              HasSubstr("no samples"));
  EXPECT_THAT(
      refused(delayed({.delay = Milliseconds(1), .jitter = Milliseconds(1), .table = {1, 2}})),
      HasSubstr("needs the distribution 'table'"));
  EXPECT_THAT(refused({.silent_corruption = true}), HasSubstr("--silent"));
  EXPECT_THAT(refused({.loss = Ppm{1}, .lost_replies = Ppm{1}}),
              HasSubstr("concerns replies only"));
}

/// Complaint 16 of the survey, chaosblade #473: without a delay, reordering acts as loss.
TEST(CheckAction, Complaint16ReorderNeedsADelay) {
  EXPECT_THAT(refused({.reorder = Ppm{1}}), HasSubstr("reorder needs a delay"));
}

TEST(CheckKind, NeedsTheMemberThatTheVerbIsAbout) {
  const LinkAction loss{.loss = Ppm{1}};
  const LinkAction delay = delayed({.delay = Milliseconds(1)});
  const LinkAction burst{.bursts = {{Ppm{1}, Ppm{1}}}};
  EXPECT_EQ(refused(FaultKind::Loss, loss), "");
  EXPECT_EQ(refused(FaultKind::Loss, burst), "");
  EXPECT_EQ(refused(FaultKind::Loss, {.lost_replies = Ppm{1}}), "");
  EXPECT_EQ(refused(FaultKind::Delay, delay), "");
  EXPECT_EQ(refused(FaultKind::Duplicate, {.duplicate = Ppm{1}}), "");
  EXPECT_EQ(refused(FaultKind::Corrupt, {.corrupt = Ppm{1}}), "");
  EXPECT_EQ(refused(FaultKind::Reorder, {.reorder = Ppm{1}}), "");
  EXPECT_EQ(refused(FaultKind::Rate, {.rate = Rate{8, 0, 0}}), "");
  for (const auto kind : {FaultKind::Loss, FaultKind::Delay, FaultKind::Duplicate,
                          FaultKind::Corrupt, FaultKind::Reorder, FaultKind::Rate}) {
    EXPECT_THAT(refused(kind, {}), HasSubstr(std::string(to_string(kind)) + ":"));
  }
  EXPECT_NE(refused(FaultKind::Delay, loss), "");
  EXPECT_NE(refused(FaultKind::Loss, delay), "");
}

TEST(CheckKind, KeepsPartitionsAndHoldsApartFromTheRest) {
  EXPECT_EQ(refused(FaultKind::Partition, {.cut = CutMode::Reset}), "");
  EXPECT_EQ(refused(FaultKind::Hold, {.hold = true}), "");
  EXPECT_NE(refused(FaultKind::Partition, {.cut = CutMode::Drop, .loss = Ppm{1}}), "");
  EXPECT_NE(refused(FaultKind::Hold, {.duplicate = Ppm{1}, .hold = true}), "");
  EXPECT_EQ(refused(FaultKind::Flap, {.cut = CutMode::Drop}), "");
  EXPECT_EQ(refused(FaultKind::Flap, {.loss = Ppm{1}}), "");
  EXPECT_NE(refused(FaultKind::Flap, {.cut = CutMode::Drop, .loss = Ppm{1}}), "");
}

TEST(CheckFlap, HasPhasesOfTenMillisecondsAndAnEndWithinTheClock) {
  const auto refused_flap = [](Flap flap) { return refused([&] { check_flap(flap); }); };
  EXPECT_EQ(refused_flap({.down = Milliseconds(10), .up = Milliseconds(10)}), "");
  EXPECT_EQ(refused_flap({.down = kFaultTimeMax, .up = Milliseconds(10)}), "");
  EXPECT_NE(refused_flap({.down = Milliseconds(9), .up = Milliseconds(10)}), "");
  EXPECT_NE(refused_flap({.down = Milliseconds(10), .up = Nanoseconds(-1)}), "");
  EXPECT_NE(refused_flap({.down = kFaultTimeMax, .up = kFaultTimeMax, .times = 2}), "");
  EXPECT_NE(refused_flap({.down = kFaultTimeMax * 2, .up = kFaultTimeMax}), "");
  const auto long_train = Flap{.down = kFlapPhaseMin, .up = kFlapPhaseMin, .times = 4'000'000'000U};
  EXPECT_EQ(refused_flap(long_train), "");
}

TEST(EndOfTrain, IsTheEndOfTheLastPhaseThatActs) {
  Flap flap{.down = Milliseconds(30), .up = Milliseconds(10), .times = 3};
  EXPECT_EQ(*end_of_train(flap) - flap.start, Milliseconds(110));
  flap.times = 0;
  EXPECT_EQ(end_of_train(flap), std::nullopt);
}

TEST(HalveRoundTrip, HalvesDelayAndJitter) {
  LinkAction action = delayed({.delay = Milliseconds(50), .jitter = Milliseconds(5)});
  halve_round_trip(action);
  EXPECT_EQ(action.delay->delay, Milliseconds(25));
  EXPECT_EQ(action.delay->jitter, Nanoseconds(2'500'000));
}

TEST(HasChance, IsTrueWhereASeedMatters) {
  EXPECT_FALSE(has_chance({.cut = CutMode::Drop}));
  EXPECT_FALSE(has_chance(delayed({.delay = Milliseconds(1)})));
  EXPECT_TRUE(has_chance(delayed({.delay = Milliseconds(1), .jitter = Milliseconds(1)})));
  EXPECT_TRUE(has_chance({.loss = Ppm{1}}));
  EXPECT_FALSE(has_chance({.rate = Rate{8, 0, 0}}));
}

}  // namespace
}  // namespace tinet
