#include "src/fabric/effects.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace tinet::fabric {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kNow{1000s};
constexpr Link kLink{0, 1};

Fault cut(std::uint32_t id, std::optional<MonoTime> end = std::nullopt,
          CutMode mode = CutMode::Drop, std::vector<Link> links = {kLink}) {
  Fault fault;
  fault.id = {id};
  fault.links = std::move(links);
  fault.action.cut = mode;
  fault.end = end;
  return fault;
}

Schedule schedule_of(const std::vector<Fault>& faults) {
  const auto schedules = link_schedules(faults, kNow);
  return schedules.empty() ? Schedule{} : schedules.front().schedule;
}

TEST(Compose, LetsTheStrongerCutWin) {
  const std::vector<Fault> faults = {cut(1, {}, CutMode::Reject), cut(2, {}, CutMode::Drop),
                                     cut(3, {}, CutMode::Reset), cut(4, {}, CutMode::Drop)};
  const std::vector<const Fault*> all = {&faults[3], &faults[0], &faults[1], &faults[2]};
  const TimedEffect composed = compose(all);
  EXPECT_EQ(composed.effect.cut, CutMode::Drop);
  EXPECT_EQ(composed.decided_by, (std::vector<FaultId>{{2}, {4}}));
  const std::vector<const Fault*> soft = {&faults[0], &faults[2]};
  EXPECT_EQ(compose(soft).effect.cut, CutMode::Reset);
}

TEST(LinkSchedules, UncoverWhatOutlivesEachEnd) {
  const auto schedule = schedule_of({cut(1), cut(2, kNow + 2s), cut(3, kNow + 1s)});
  ASSERT_EQ(schedule.size(), 3U);
  EXPECT_EQ(schedule[0].end, kNow + 1s);
  EXPECT_EQ(schedule[0].decided_by, (std::vector<FaultId>{{1}, {2}, {3}}));
  EXPECT_EQ(schedule[1].end, kNow + 2s);
  EXPECT_EQ(schedule[1].decided_by, (std::vector<FaultId>{{1}, {2}}));
  EXPECT_EQ(schedule[2].end, std::nullopt);
  EXPECT_EQ(schedule[2].decided_by, (std::vector<FaultId>{{1}}));
}

TEST(LinkSchedules, MergeNeighboursThatDifferInNothing) {
  // While f1 drops, the end of a weaker cut changes nothing, neither effect nor counting.
  const auto schedule = schedule_of({cut(1), cut(2, kNow + 1s, CutMode::Reject)});
  ASSERT_EQ(schedule.size(), 1U);
  EXPECT_EQ(schedule[0].end, std::nullopt);
}

TEST(LinkSchedules, KeepAWeakerCutThatOutlivesTheStronger) {
  const auto schedule = schedule_of({cut(1, kNow + 1s), cut(2, kNow + 2s, CutMode::Reject)});
  ASSERT_EQ(schedule.size(), 2U);
  EXPECT_EQ(schedule[1].effect.cut, CutMode::Reject);
}

TEST(LinkSchedules, LeaveOutFaultsThatHaveEndedOrChangeNoLink) {
  Fault pause;
  pause.id = {9};
  pause.kind = FaultKind::Pause;
  EXPECT_TRUE(link_schedules({cut(1, kNow), cut(2, kNow - 1ns), pause}, kNow).empty());
}

TEST(LinkSchedules, AreSortedByLink) {
  const auto schedules = link_schedules(
      {cut(1, {}, CutMode::Drop, {{2, 1}, {0, 3}}), cut(2, {}, CutMode::Drop, {{0, 1}, {2, 1}})},
      kNow);
  ASSERT_EQ(schedules.size(), 3U);
  EXPECT_EQ(schedules[0].link, (Link{0, 1}));
  EXPECT_EQ(schedules[1].link, (Link{0, 3}));
  EXPECT_EQ(schedules[2].link, (Link{2, 1}));
  EXPECT_EQ(schedules[2].schedule[0].decided_by, (std::vector<FaultId>{{1}, {2}}));
}

/// At any later time the schedule says what composing the faults that are left would say.
TEST(LinkSchedules, EqualCompositionFromScratchAtAnyTime) {
  std::mt19937 random(20261123);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  for (int round = 0; round < 2000; ++round) {
    std::vector<Fault> faults;
    const unsigned count = below(9);
    for (unsigned i = 0; i < count; ++i) {
      const auto mode = static_cast<CutMode>(below(3));
      const auto end = below(4) == 0 ? std::optional<MonoTime>{} : kNow + 1s * below(6);
      faults.push_back(cut(i + 1, end, mode));
    }
    const auto schedule = schedule_of(faults);
    for (auto time = kNow; time < kNow + 8s; time += 500ms) {
      std::vector<const Fault*> left;
      for (const Fault& fault : faults) {
        if (!fault.end || *fault.end > time) {
          left.push_back(&fault);
        }
      }
      const TimedEffect expected = compose(left);
      const TimedEffect* actual = effect_at(schedule, time);
      ASSERT_EQ(actual == nullptr ? Effect{} : actual->effect, expected.effect);
      ASSERT_EQ(actual == nullptr ? std::vector<FaultId>{} : actual->decided_by,
                expected.decided_by);
    }
  }
}

}  // namespace
}  // namespace tinet::fabric
