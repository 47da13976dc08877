#include "src/fabric/effects.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "tests/unit/fabric/faults.h"

namespace tinet::fabric {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kNow{1000s};
constexpr Link kLink{0, 1};

Schedule schedule_of(const std::vector<Fault>& faults, MonoTime now = kNow) {
  const auto schedules = link_schedules(faults, now);
  return schedules.links.empty() ? Schedule{} : *schedules.links.front().schedule;
}

std::vector<FaultId> ids(std::initializer_list<std::uint32_t> numbers) {
  std::vector<FaultId> all;
  for (const std::uint32_t number : numbers) {
    all.push_back({number});
  }
  return all;
}

TEST(Compose, LetsTheStrongerCutWin) {
  const Effect effect = composed({cut(4, {}, {}, CutMode::Drop), cut(1, {}, {}, CutMode::Reject),
                                  cut(2, {}, {}, CutMode::Drop), cut(3, {}, {}, CutMode::Reset)});
  EXPECT_EQ(effect.cut(), CutMode::Drop);
  EXPECT_EQ(effect.faults(), ids({2, 4}));
  EXPECT_EQ(composed({cut(1, {}, {}, CutMode::Reject), cut(3, {}, {}, CutMode::Reset)}).cut(),
            CutMode::Reset);
}

TEST(Compose, HidesEverythingBehindACutOfEverything) {
  const Effect effect = composed({acting(1, losing(1000), {}), cut(2, {}),
                                  acting(3, cutting(CutMode::Reject), {}, {}, to_port(80))});
  ASSERT_EQ(effect.clauses.size(), 1U);
  EXPECT_EQ(effect.faults(), ids({2}));
}

TEST(Compose, LetsAPortBeDroppedThatIsRejectedWithTheRest) {
  const Effect effect = composed({cut(1, {}, {}, CutMode::Reject),
                                  acting(2, cutting(CutMode::Drop), {}, {}, to_port(80)),
                                  acting(3, cutting(CutMode::Reject), {}, {}, to_port(81))});
  ASSERT_EQ(effect.clauses.size(), 2U);
  EXPECT_EQ(effect.clauses[0].match, to_port(80)) << "the stronger one must come first";
  EXPECT_EQ(effect.clauses[1].faults, ids({1}));
}

TEST(Compose, KeepsFaultsThatActOneAfterTheOther) {
  const Effect effect = composed({acting(2, losing(100'000), {}), acting(1, losing(500'000), {}),
                                  acting(3, delaying(5ms), {}), acting(4, delaying(7ms), {}),
                                  acting(5, limiting(2000), {}), acting(6, limiting(1000), {})});
  EXPECT_EQ(effect.faults(), ids({1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(effect.cut(), std::nullopt);
  const LinkAction sum = combined(effect);
  EXPECT_EQ(sum.loss.value, 550'000U);
  EXPECT_EQ(sum.delay->delay, 12ms);
  EXPECT_EQ(sum.rate->bits_per_second, 1000U);
}

TEST(Compose, GivesAHoldTheEndOfItsFault) {
  LinkAction hold;
  hold.hold = true;
  const Effect effect = composed({acting(1, hold, {}, kNow + 1s)});
  EXPECT_EQ(effect.clauses.at(0).action.hold_until, (kNow + 1s).time_since_epoch());
}

TEST(LinkSchedules, UncoverWhatOutlivesEachEnd) {
  const auto schedule =
      schedule_of({cut(1, {kLink}), cut(2, {kLink}, kNow + 2s), cut(3, {kLink}, kNow + 1s)});
  ASSERT_EQ(schedule.size(), 3U);
  EXPECT_EQ(schedule[0].end, kNow + 1s);
  EXPECT_EQ(schedule[0].effect.faults(), ids({1, 2, 3}));
  EXPECT_EQ(schedule[1].end, kNow + 2s);
  EXPECT_EQ(schedule[1].effect.faults(), ids({1, 2}));
  EXPECT_EQ(schedule[2].end, std::nullopt);
  EXPECT_EQ(schedule[2].effect.faults(), ids({1}));
}

TEST(LinkSchedules, MergeNeighboursThatDifferInNothing) {
  // While f1 drops, the end of a weaker cut changes nothing, neither effect nor counting.
  const auto schedule = schedule_of({cut(1, {kLink}), cut(2, {kLink}, kNow + 1s, CutMode::Reject)});
  ASSERT_EQ(schedule.size(), 1U);
  EXPECT_EQ(schedule[0].end, std::nullopt);
}

TEST(LinkSchedules, KeepAWeakerCutThatOutlivesTheStronger) {
  const auto schedule =
      schedule_of({cut(1, {kLink}, kNow + 1s), cut(2, {kLink}, kNow + 2s, CutMode::Reject)});
  ASSERT_EQ(schedule.size(), 2U);
  EXPECT_EQ(schedule[1].effect.cut(), CutMode::Reject);
}

TEST(LinkSchedules, LeaveOutFaultsThatHaveEndedOrChangeNoLink) {
  Fault pause;
  pause.id = {9};
  pause.kind = FaultKind::Pause;
  EXPECT_TRUE(link_schedules({cut(1, {kLink}, kNow), cut(2, {kLink}, kNow - 1ns), pause}, kNow)
                  .links.empty());
}

TEST(LinkSchedules, AreSortedAndSharedByLinksWithTheSameFaults) {
  const auto schedules =
      link_schedules({cut(1, {{2, 1}, {0, 3}}), cut(2, {{0, 1}, {2, 1}}), cut(3, {{0, 4}, {0, 5}})},
                     kNow)
          .links;
  ASSERT_EQ(schedules.size(), 5U);
  EXPECT_EQ(schedules[0].link, (Link{0, 1}));
  EXPECT_EQ(schedules[1].link, (Link{0, 3}));
  EXPECT_EQ(schedules[4].link, (Link{2, 1}));
  EXPECT_EQ(schedules[4].schedule->front().effect.faults(), ids({1, 2}));
  EXPECT_EQ(schedules[2].schedule, schedules[3].schedule);
}

TEST(LinkSchedules, UseTheClauseOfEachLink) {
  Fault fault = acting(1, delaying(1ms), {{0, 1}, {1, 0}});
  fault.clauses.push_back({{}, delaying(2ms)});
  fault.clause_of = {1, 0};
  const auto schedules = link_schedules({fault}, kNow).links;
  ASSERT_EQ(schedules.size(), 2U);
  EXPECT_EQ(combined(schedules[0].schedule->front().effect).delay->delay, 2ms);
  EXPECT_EQ(combined(schedules[1].schedule->front().effect).delay->delay, 1ms);
}

Fault flapping(std::uint32_t id, Nanoseconds down, Nanoseconds up,
               std::optional<MonoTime> end = std::nullopt) {
  Fault fault = cut(id, {kLink}, end);
  fault.flap = Flap{down, up, 0, kNow};
  return fault;
}

TEST(Flap, IsArmedAheadForAllLayers) {
  const auto schedules = link_schedules({flapping(1, 1s, 2s)}, kNow);
  ASSERT_EQ(schedules.links.size(), 1U);
  const Schedule& schedule = *schedules.links.front().schedule;
  ASSERT_EQ(schedule.size(), kLayersMax - 1) << "the last, resting entry is none";
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    EXPECT_EQ(schedule[i].effect.empty(), i % 2 == 1) << i;
  }
  EXPECT_EQ(schedule[0].end, kNow + 1s);
  EXPECT_EQ(schedule[1].end, kNow + 3s);
  EXPECT_EQ(schedule[2].end, kNow + 4s);
  ASSERT_TRUE(schedules.refresh_at);
  EXPECT_LT(*schedules.refresh_at, *schedule.back().end);
}

TEST(Flap, NeedsNoRefreshWhenItEndsWithinTheLayers) {
  const auto schedules = link_schedules({flapping(1, 1s, 1s, kNow + 5s)}, kNow);
  ASSERT_EQ(schedules.links.size(), 1U);
  EXPECT_EQ(schedules.links.front().schedule->size(), 5U);
  EXPECT_EQ(schedules.links.front().schedule->back().end, kNow + 5s);
  EXPECT_EQ(schedules.refresh_at, std::nullopt);
}

TEST(Flap, LeavesWhatOthersImplyWhenNobodyRefreshesIt) {
  const auto schedule = schedule_of({flapping(1, 1s, 1s), acting(2, losing(1000), {kLink})});
  ASSERT_EQ(schedule.size(), kLayersMax);
  EXPECT_EQ(schedule.back().end, std::nullopt);
  EXPECT_EQ(schedule.back().effect.faults(), ids({2}));
}

TEST(Flap, HiddenByACutIsStillRefreshed) {
  const auto schedules = link_schedules({flapping(1, 1ms, 1ms), cut(2, {kLink})}, kNow);
  ASSERT_EQ(schedules.links.size(), 1U);
  EXPECT_TRUE(schedules.refresh_at);
}

/// At any later time the schedule says what composing the faults that are left would say.
TEST(LinkSchedules, EqualCompositionFromScratchAtAnyTime) {
  std::mt19937 random(20261123);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  for (int round = 0; round < 2000; ++round) {
    std::vector<Fault> faults;
    const unsigned count = below(9);
    for (unsigned i = 0; i < count; ++i) {
      const auto end = below(4) == 0 ? std::optional<MonoTime>{} : kNow + 1s * below(6);
      const Match match = below(3) == 0 ? to_port(static_cast<std::uint16_t>(below(2))) : Match{};
      const LinkAction action =
          below(2) == 0 ? cutting(static_cast<CutMode>(below(3))) : losing(1 + below(1'000'000));
      faults.push_back(acting(i + 1, action, {kLink}, end, match));
    }
    const auto schedule = schedule_of(faults);
    for (auto time = kNow; time < kNow + 8s; time += 500ms) {
      std::vector<Fault> left;
      for (const Fault& fault : faults) {
        if (!fault.end || *fault.end > time) {
          left.push_back(fault);
        }
      }
      const TimedEffect* actual = effect_at(schedule, time);
      ASSERT_EQ(actual == nullptr ? Effect{} : actual->effect, composed(left));
    }
  }
}

LinkAction corrupting(bool silently) {
  LinkAction action;
  action.corrupt = Ppm{1'000};
  action.silent_corruption = silently;
  return action;
}

TEST(LinkSchedules, RefuseWhatASendersChecksumsCannotBoth) {
  Match pings;
  pings.protocol = Protocol::Icmp;
  const Fault silent = acting(1, corrupting(true), {{0, 1}});
  for (const Link other : {Link{0, 1}, Link{0, 2}}) {
    try {
      static_cast<void>(link_schedules({silent, acting(2, corrupting(false), {other})}, kNow));
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Conflict);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("f1 and f2"));
    }
  }
  for (const Fault& fine :
       {acting(2, corrupting(true), {{0, 2}}), acting(2, corrupting(false), {{1, 0}}),
        acting(2, corrupting(false), {{0, 1}}, kNow),
        acting(2, corrupting(false), {{0, 1}}, std::nullopt, pings)}) {
    EXPECT_NO_THROW(static_cast<void>(link_schedules({silent, fine}, kNow)));
  }
}

}  // namespace
}  // namespace tinet::fabric
