#include "src/fabric/drops.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/fabric/treatment.h"
#include "tests/unit/fabric/faults.h"

namespace tinet::fabric {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr Link kLink{0, 1};
constexpr Link kOther{2, 1};
constexpr ShapeId kShape{7};
constexpr CountId kLost{1};
constexpr CountId kOverflowed{2};
constexpr CountId kNotDelayed{3};

const ShapeCounts& both() {
  static const ShapeCounts kCounts{
      {kLost, {kNotDelayed}}, {kOverflowed, {kNotDelayed}}, {kNotDelayed}};
  return kCounts;
}

std::uint64_t packets_of(const DropBook& book, Link link, CountId id) {
  for (const Count& count : book.counts()) {
    if (count.link == link && count.id == id) {
      return count.packets;
    }
  }
  return 0;
}

TEST(DropBook, TurnsReadingsIntoCountsOfEachLink) {
  DropBook book;
  book.read(kLink, kShape, both(), {});
  EXPECT_THAT(book.counts(), IsEmpty());
  book.read(kLink, kShape, both(), {3, 4});
  book.read(kLink, kShape, both(), {5, 4});
  book.read(kOther, kShape, both(), {1, 0});
  EXPECT_EQ(packets_of(book, kLink, kLost), 5U);
  EXPECT_EQ(packets_of(book, kLink, kOverflowed), 4U);
  EXPECT_EQ(packets_of(book, kLink, kNotDelayed), 9U);
  EXPECT_EQ(packets_of(book, kOther, kLost), 1U);
}

TEST(DropBook, KeepsWhatQueuesHaveDroppedThatAreGone) {
  DropBook book;
  book.read(kLink, kShape, both(), {3, 0});
  book.end(kLink, kShape);
  book.read(kLink, kShape, both(), {3, 0});
  EXPECT_EQ(packets_of(book, kLink, kLost), 6U);
  book.end(kShape);
  book.read(kLink, kShape, both(), {3, 0});
  EXPECT_EQ(packets_of(book, kLink, kLost), 9U);
  book.end_all();
  book.read(kLink, kShape, both(), {3, 0});
  EXPECT_EQ(packets_of(book, kLink, kLost), 12U);
  // Nobody said that it was made anew, but it was.
  book.read(kLink, kShape, both(), {1, 0});
  EXPECT_EQ(packets_of(book, kLink, kLost), 13U);
}

TEST(DropBook, FindsAReasonForEveryDrop) {
  DropBook book;
  book.read(kLink, kShape, {{kLost, {}}, {}, {}}, {2, 3});
  EXPECT_EQ(packets_of(book, kLink, kLost), 5U);
  book.read(kOther, kShape, {{}, {kOverflowed, {}}, {}}, {2, 3});
  EXPECT_EQ(packets_of(book, kOther, kOverflowed), 5U);
}

TEST(DropBook, WhatPassedUndelayedWasNotDropped) {
  DropBook book;
  book.read(kLink, kShape, both(), {.lost = 1, .undelayed = 4});
  book.read(kLink, kShape, both(), {.lost = 1, .undelayed = 6});
  EXPECT_EQ(packets_of(book, kLink, kLost), 1U);
  EXPECT_EQ(packets_of(book, kLink, kOverflowed), 0U);
  EXPECT_EQ(packets_of(book, kLink, kNotDelayed), 7U);
}

LinkAction bursting() {
  LinkAction action;
  action.bursts = {{Ppm{1}, Ppm{2}}};
  return action;
}

std::vector<Counted> counted(const Registry& registry, const std::vector<CountId>& ids) {
  std::vector<Counted> all;
  for (const CountId id : ids) {
    all.push_back(*registry.counted(id));
  }
  return all;
}

TEST(ShapeCounts, BlameWhoLosesAndWhoMakesWait) {
  Registry registry;
  const Effect effect =
      composed({acting(1, delaying(Milliseconds(5)), {kLink}), acting(2, bursting(), {kLink}),
                acting(3, limiting(1000), {kLink})});
  const Treatment treatment = make_treatment({1}, effect, {}, registry);
  ASSERT_EQ(treatment.shapes.size(), 1U);
  const ShapeCounts& counts = treatment.shapes[0].counts;
  EXPECT_EQ(*registry.counted(counts.lost.dropped), (Counted{Happening::Dropped, {{2}}}));
  EXPECT_EQ(*registry.counted(counts.overflowed.dropped),
            (Counted{Happening::Dropped, {{1}, {3}}}));
  const Counted f1{Happening::NotDelayed, {{1}}, CountsFor::Faults};
  const Counted f2{Happening::NotPassed, {{2}}, CountsFor::Faults};
  const Counted f3{Happening::NotDelayed, {{3}}, CountsFor::Faults};
  const Counted delayed{Happening::NotDelayed, {}, CountsFor::Link};
  const Counted passed{Happening::NotPassed, {}, CountsFor::Link};
  EXPECT_THAT(counted(registry, counts.lost.undone),
              UnorderedElementsAre(f1, f2, f3, delayed, passed));
  // The fault that loses in bursts let pass what had no room elsewhere.
  EXPECT_THAT(counted(registry, counts.overflowed.undone),
              UnorderedElementsAre(f1, f3, delayed, passed));
  // Without a wire packets still wait for the rate, at the port.
  EXPECT_THAT(counted(registry, counts.undelayed), UnorderedElementsAre(f1));
}

TEST(ShapeCounts, WithoutAWireNobodyDelays) {
  Registry registry;
  LinkAction hold;
  hold.hold = true;
  const Treatment treatment = make_treatment(
      {1}, composed({acting(1, delaying(Milliseconds(5)), {kLink}), acting(2, hold, {kLink})}), {},
      registry);
  ASSERT_EQ(treatment.shapes.size(), 1U);
  EXPECT_THAT(counted(registry, treatment.shapes[0].counts.undelayed),
              UnorderedElementsAre(Counted{Happening::NotDelayed, {{1}}, CountsFor::Faults},
                                   Counted{Happening::NotDelayed, {}, CountsFor::Link},
                                   Counted{Happening::NotHeld, {{2}}, CountsFor::Faults},
                                   Counted{Happening::NotHeld, {}, CountsFor::Link}));
}

TEST(ShapeCounts, BlameTheLowestRateForItsQueue) {
  Registry registry;
  const Effect effect =
      composed({acting(1, limiting(10'000'000), {kLink}), acting(2, limiting(5'000'000), {kLink})});
  const Treatment treatment = make_treatment({1}, effect, {}, registry);
  ASSERT_EQ(treatment.shapes.size(), 1U);
  EXPECT_EQ(*registry.counted(treatment.shapes[0].counts.overflowed.dropped),
            (Counted{Happening::Dropped, {{2}}}));
}

TEST(ShapeCounts, OfBurstsAloneHaveNoOtherReason) {
  Registry registry;
  const Treatment treatment =
      make_treatment({1}, composed({acting(1, bursting(), {kLink})}), {}, registry);
  const ShapeCounts& counts = treatment.shapes.at(0).counts;
  EXPECT_THAT(counted(registry, counts.lost.undone),
              UnorderedElementsAre(Counted{Happening::NotPassed, {{1}}, CountsFor::Faults},
                                   Counted{Happening::NotPassed, {}, CountsFor::Link}));
  EXPECT_EQ(counts.overflowed, DropCounts{});
}

}  // namespace
}  // namespace tinet::fabric
