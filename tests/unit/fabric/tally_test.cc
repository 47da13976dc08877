#include "src/fabric/tally.h"

#include <gtest/gtest.h>

#include "src/fabric/skeleton.h"

namespace tinet::fabric {
namespace {

constexpr Link kLink{0, 1};
constexpr Link kOther{1, 0};

nft::Element read_back(Link link, CountId id, std::uint64_t packets, std::uint64_t bytes) {
  nft::Element element;
  element.key = count_key(link, id);
  element.counts = nft::Counts{packets, bytes};
  return element;
}

TEST(Count, IsReadBack) {
  const auto count = count_of(read_back({3, 1021}, {70'000}, 5, 500));
  ASSERT_TRUE(count);
  EXPECT_EQ(count->link, (Link{3, 1021}));
  EXPECT_EQ(count->id, CountId{70'000});
  EXPECT_EQ(count->packets, 5U);
  EXPECT_EQ(count->bytes, 500U);
}

TEST(Count, RejectsEverythingElse) {
  nft::Element element = read_back(kLink, {1}, 5, 500);
  element.counts.reset();
  EXPECT_FALSE(count_of(element));
  element = read_back(kLink, {1}, 5, 500);
  element.key.pop_back();
  EXPECT_FALSE(count_of(element));
  element.key = nft::KeyBuilder().index(IfIndex{2}).index(port_index(0)).u32(1).take();
  EXPECT_FALSE(count_of(element));
}

TEST(Tally, AddsUpByFaultAndByLink) {
  Registry registry;
  const CountId both = registry.count_id({Happening::Dropped, {{1}, {2}}});
  const CountId passed = registry.count_id({Happening::Passed, {{3}}});
  const CountId lost = registry.count_id({Happening::Dropped, {{3}}});
  EXPECT_EQ(registry.count_id({Happening::Passed, {{3}}}), passed);
  const std::vector<Count> live = {{kLink, both, 7, 700},
                                   {kLink, passed, 90, 1},
                                   {kLink, lost, 10, 2},
                                   {kOther, both, 1, 50},
                                   {kOther, {999}, 5, 5}};
  const Tally tally;
  EXPECT_EQ(tally.of_fault({1}, live, registry).dropped, 8U);
  EXPECT_EQ(tally.of_fault({2}, live, registry).bytes_dropped, 750U);
  EXPECT_EQ(tally.of_fault({3}, live, registry).dropped, 10U);
  EXPECT_EQ(tally.of_fault({3}, live, registry).passed, 90U);
  EXPECT_EQ(tally.of_fault({4}, live, registry), PacketCounts{});
  const auto links = tally.of_links(live, registry);
  EXPECT_EQ(links.at(kLink).dropped, 17U);
  EXPECT_EQ(links.at(kOther).dropped, 1U);
}

TEST(Tally, KeepsWhatTheKernelHasForgotten) {
  Registry registry;
  const CountId dropped = registry.count_id({Happening::Dropped, {{1}}});
  Tally tally;
  tally.bank({{kLink, dropped, 3, 30}});
  tally.bank({{kLink, dropped, 2, 20}});
  const auto counts = tally.of_fault({1}, {{kLink, dropped, 1, 10}}, registry);
  EXPECT_EQ(counts.dropped, 6U);
  EXPECT_EQ(counts.bytes_dropped, 60U);
}

TEST(Tally, WhatAQueueDroppedWasNotDelayed) {
  Registry registry;
  const CountId delayed = registry.count_id({Happening::Delayed, {{1}}});
  const CountId passed = registry.count_id({Happening::Passed, {{2}}});
  const CountId held = registry.count_id({Happening::Held, {{3}}});
  const CountId lost = registry.count_id({Happening::Dropped, {{2}}});
  const CountId overflowed = registry.count_id({Happening::Dropped, {{1}}});
  const CountId not_delayed = registry.count_id({Happening::NotDelayed, {{1}}});
  const CountId not_passed = registry.count_id({Happening::NotPassed, {{2}}});
  const CountId not_held = registry.count_id({Happening::NotHeld, {{3}}});
  const std::vector<Count> live = {{kLink, delayed, 100, 6400}, {kLink, passed, 100, 6400},
                                   {kLink, held, 9, 600},       {kLink, lost, 20, 0},
                                   {kLink, overflowed, 5, 0},   {kLink, not_delayed, 25, 0},
                                   {kLink, not_passed, 20, 0},  {kLink, not_held, 4, 0}};
  const Tally tally;
  EXPECT_EQ(tally.of_fault({1}, live, registry), (PacketCounts{.dropped = 5, .delayed = 75}));
  EXPECT_EQ(tally.of_fault({2}, live, registry), (PacketCounts{.dropped = 20, .passed = 80}));
  EXPECT_EQ(tally.of_fault({3}, live, registry), (PacketCounts{.held = 5}));
  EXPECT_EQ(tally.of_links(live, registry).at(kLink),
            (PacketCounts{.dropped = 25, .passed = 80, .delayed = 75, .held = 5}));
}

TEST(Tally, CountsAPacketOnceForItsLink) {
  Registry registry;
  const CountId f1 = registry.count_id({Happening::Delayed, {{1}}, CountsFor::Faults});
  const CountId f2 = registry.count_id({Happening::Delayed, {{2}}, CountsFor::Faults});
  const CountId link = registry.count_id({Happening::Delayed, {}, CountsFor::Link});
  const std::vector<Count> live = {{kLink, f1, 7, 0}, {kLink, f2, 7, 0}, {kLink, link, 7, 0}};
  const Tally tally;
  EXPECT_EQ(tally.of_fault({1}, live, registry).delayed, 7U);
  EXPECT_EQ(tally.of_fault({2}, live, registry).delayed, 7U);
  EXPECT_EQ(tally.of_links(live, registry).at(kLink).delayed, 7U);
}

TEST(Registry, GivesShapesTheirNumbersAndTakesThemBack) {
  Registry registry;
  LinkAction slow;
  slow.delay = Delay{Milliseconds(5), {}, Distribution::Uniform, {}, {}};
  LinkAction slower = slow;
  slower.delay->delay = Milliseconds(6);
  const ShapeCounts mine{{}, {{1}, {{2}}}};
  const ShapeCounts yours{{}, {{3}, {{4}}}};
  const ShapeId first = registry.shape_id(slow, mine);
  EXPECT_EQ(registry.shape_id(slow, mine), first);
  EXPECT_NE(registry.shape_id(slower, mine), first);
  EXPECT_NE(registry.shape_id(slow, yours), first) << "its drops would be somebody else's";
  registry.forget(first);
  EXPECT_NE(registry.shape_id(slow, mine), first) << "a number rests before it is used again";
}

}  // namespace
}  // namespace tinet::fabric
