#include "src/wire/engine.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace tinet {
namespace {

using std::chrono::milliseconds;

constexpr WireLink kLink{{101}, {102}};
constexpr WireLink kOther{{101}, {103}};

WireShape delayed(milliseconds delay, milliseconds jitter = {}) {
  WireShape shape;
  shape.delay = Delay{.delay = delay, .jitter = jitter};
  return shape;
}

WireShape holding() {
  WireShape shape;
  shape.hold = true;
  return shape;
}

/// What the engine counts in.
class BoardMemory {
 public:
  explicit BoardMemory(std::size_t lanes)
      : words_(WireBoard::size_for(lanes) / sizeof(std::uint64_t)) {}
  WireBoard board() { return WireBoard(std::as_writable_bytes(std::span(words_))); }
  [[nodiscard]] WireReport report() const { return read_board(std::as_bytes(std::span(words_))); }

 private:
  std::vector<std::uint64_t> words_;
};

class WireEngineTest : public ::testing::Test {
 protected:
  void arrive(std::uint32_t id, std::uint16_t number = 1, WireLink link = kLink) {
    engine.arrive({.id = id, .number = number, .link = link}, now);
  }
  std::uint64_t release(std::vector<std::uint16_t> numbers,
                        HeldPackets held = HeldPackets::Deliver) {
    return engine.release(numbers, held, now);
  }
  void advance(milliseconds time) {
    now += time;
    engine.advance(now);
  }
  /// Ids that got this verdict since the last call, in order.
  std::vector<std::uint32_t> taken(PacketVerdict verdict) {
    std::vector<std::uint32_t> ids;
    for (const WireVerdict& given : engine.verdicts()) {
      if (given.verdict == verdict) {
        ids.push_back(given.id);
      }
    }
    engine.clear_verdicts();
    return ids;
  }
  std::vector<std::uint32_t> passed() { return taken(PacketVerdict::Accept); }
  WireCounters counters(std::uint16_t number = 1, WireLink link = kLink) {
    for (const WireLane& lane : memory.report().lanes) {
      if (lane.number == number && lane.link == link) {
        return lane.counters;
      }
    }
    return {};
  }

  BoardMemory memory{8};
  WireEngine engine{memory.board()};
  WireTime now = std::chrono::hours(100);
};
using Ids = std::vector<std::uint32_t>;

TEST_F(WireEngineTest, PacketsWithoutClassPassAtOnce) {
  arrive(1);
  EXPECT_EQ(passed(), Ids{1});
  EXPECT_FALSE(engine.next_due());
}

TEST_F(WireEngineTest, DelayIsExactAndKeepsTheOrder) {
  engine.set_class(1, delayed(milliseconds(10)), now);
  arrive(1);
  arrive(2);
  EXPECT_EQ(engine.next_due(), now + milliseconds(10));
  advance(milliseconds(5));
  arrive(3);
  EXPECT_TRUE(passed().empty());
  engine.advance(now + milliseconds(5) - Nanoseconds(1));
  EXPECT_TRUE(passed().empty());
  advance(milliseconds(5));
  EXPECT_EQ(passed(), (Ids{1, 2}));
  EXPECT_EQ(engine.next_due(), now + milliseconds(5));
  advance(milliseconds(5));
  EXPECT_EQ(passed(), Ids{3});
  EXPECT_FALSE(engine.next_due());
  EXPECT_EQ(counters(), (WireCounters{.packets = 3, .delayed = 3}));
}

TEST_F(WireEngineTest, ShorterDelayDoesNotLetPacketsOvertake) {
  engine.set_class(1, delayed(milliseconds(100)), now);
  arrive(1);
  engine.set_class(1, delayed(milliseconds(10)), now);
  arrive(2);
  advance(milliseconds(10));
  EXPECT_TRUE(passed().empty());
  advance(milliseconds(90));
  EXPECT_EQ(passed(), (Ids{1, 2}));
  arrive(3);
  advance(milliseconds(10));
  EXPECT_EQ(passed(), Ids{3});
}

TEST_F(WireEngineTest, LinksAndClassesDoNotWaitForEachOther) {
  engine.set_class(1, delayed(milliseconds(100)), now);
  engine.set_class(2, delayed(milliseconds(10)), now);
  arrive(1, 1, kLink);
  advance(milliseconds(1));
  arrive(2, 1, kOther);
  arrive(3, 2, kLink);
  advance(milliseconds(10));
  EXPECT_EQ(passed(), Ids{3});
  advance(milliseconds(90));
  EXPECT_EQ(passed(), (Ids{1, 2}));
  EXPECT_EQ(counters(1, kLink).packets, 1U);
  EXPECT_EQ(counters(1, kOther).packets, 1U);
  EXPECT_EQ(counters(2, kLink).packets, 1U);
}

TEST_F(WireEngineTest, WhatIsDuePassesBeforeWhatArrives) {
  engine.set_class(1, delayed(milliseconds(10)), now);
  arrive(1);
  engine.set_class(1, {}, now);
  now += milliseconds(10);
  arrive(2);
  EXPECT_EQ(passed(), (Ids{1, 2}));
}

TEST_F(WireEngineTest, TellsWhichVerdictsCoverAllBefore) {
  engine.set_class(1, delayed(milliseconds(10)), now);
  engine.set_class(2, delayed(milliseconds(20)), now);
  arrive(1, 1);
  arrive(2, 2);
  arrive(3, 1);
  arrive(4, 9);
  advance(milliseconds(20));
  arrive(5, 9);
  const auto accept = PacketVerdict::Accept;
  EXPECT_EQ(engine.verdicts(), (std::vector<WireVerdict>{{4, accept, false},
                                                         {1, accept, true},
                                                         {3, accept, false},
                                                         {2, accept, true},
                                                         {5, accept, true}}));
}

TEST_F(WireEngineTest, ReorderLetsItsShareOvertake) {
  WireShape shape = delayed(milliseconds(10));
  shape.reorder = {250'000};
  engine.set_class(1, shape, now);
  constexpr int kPackets = 40'000;
  for (std::uint32_t i = 0; i < kPackets; ++i) {
    arrive(i);
    now += Nanoseconds(1000);
  }
  const WireCounters counted = counters();
  // n p = 10000, sigma = sqrt(n p (1-p)) = 87
  EXPECT_NEAR(static_cast<double>(counted.at_once), 10'000, 5 * 87);
  EXPECT_EQ(counted.at_once + counted.delayed, kPackets);
}

TEST_F(WireEngineTest, BurstsLoseTheirShareInRuns) {
  WireShape shape;
  shape.bursts = {{.begin = {10'000}, .end = {200'000}}};
  engine.set_class(1, shape, now);
  constexpr int kPackets = 200'000;
  int runs = 0;
  int lost = 0;
  bool losing = false;
  for (std::uint32_t i = 0; i < kPackets; ++i) {
    arrive(i);
    const bool dropped = !taken(PacketVerdict::Drop).empty();
    runs += dropped && !losing ? 1 : 0;
    lost += dropped ? 1 : 0;
    losing = dropped;
  }
  // Bad for begin / (begin + end) of the packets, in runs of 1 / end.
  EXPECT_NEAR(static_cast<double>(lost) / kPackets, 0.01 / 0.21, 0.006);
  EXPECT_NEAR(static_cast<double>(lost) / runs, 5.0, 0.4);
  EXPECT_EQ(counters().lost, static_cast<std::uint64_t>(lost));
}

TEST_F(WireEngineTest, BurstsInSeriesCombine) {
  WireShape shape;
  // Independent losses of 10 % and 20 %: the state is drawn anew for every packet.
  shape.bursts = {{{100'000}, {900'000}}, {{200'000}, {800'000}}};
  engine.set_class(1, shape, now);
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    arrive(i);
  }
  // 1 - 0.9 * 0.8 = 0.28; sigma = 142
  EXPECT_NEAR(static_cast<double>(counters().lost), 28'000, 5 * 142);
}

TEST_F(WireEngineTest, SameSeedSameFate) {
  const auto fates = [](std::uint64_t seed, WireLink link) {
    BoardMemory own_memory(1);
    WireEngine own(own_memory.board());
    WireShape shape = delayed(milliseconds(50), milliseconds(20));
    shape.bursts = {{{50'000}, {500'000}}};
    shape.reorder = {100'000};
    shape.seed = seed;
    own.set_class(7, shape, {});
    std::vector<std::uint32_t> order;
    for (std::uint32_t i = 0; i < 1000; ++i) {
      own.arrive({.id = i, .number = 7, .link = link}, milliseconds(i));
    }
    own.advance(std::chrono::seconds(10));
    for (const WireVerdict& given : own.verdicts()) {
      order.push_back(given.verdict == PacketVerdict::Accept ? given.id : UINT32_MAX);
    }
    return order;
  };
  EXPECT_EQ(fates(1, kLink), fates(1, kLink));
  EXPECT_NE(fates(1, kLink), fates(2, kLink));
  EXPECT_NE(fates(1, kLink), fates(1, kOther));
}

TEST_F(WireEngineTest, HoldKeepsPacketsUntilReleased) {
  engine.set_class(1, holding(), now);
  arrive(1);
  arrive(2);
  arrive(3, 1, kOther);
  advance(std::chrono::hours(1));
  EXPECT_TRUE(passed().empty());
  EXPECT_FALSE(engine.next_due());
  release({1});
  EXPECT_EQ(passed(), (Ids{1, 2, 3}));
  arrive(4);
  EXPECT_EQ(passed(), Ids{4});
  EXPECT_EQ(counters(), (WireCounters{.packets = 3, .at_once = 1, .held = 2, .released = 2}));
}

TEST_F(WireEngineTest, ReleaseOfSeveralClassesKeepsTheOrderOfArrival) {
  engine.set_class(1, holding(), now);
  engine.set_class(2, holding(), now);
  arrive(1, 1);
  arrive(2, 2);
  arrive(3, 1);
  EXPECT_EQ(release({2, 1}), 3U);
  EXPECT_EQ(release({2, 1}), 0U);
  EXPECT_EQ(passed(), (Ids{1, 2, 3}));
}

TEST_F(WireEngineTest, ReleaseMayDrop) {
  engine.set_class(1, holding(), now);
  arrive(1);
  arrive(2);
  release({1}, HeldPackets::Drop);
  EXPECT_EQ(taken(PacketVerdict::Drop), (Ids{1, 2}));
  EXPECT_EQ(counters().discarded, 2U);
  EXPECT_EQ(counters().waiting, 0U);
  arrive(3);
  EXPECT_EQ(passed(), Ids{3});
}

TEST_F(WireEngineTest, HeldPacketsStillHaveTheirDelay) {
  WireShape shape = delayed(milliseconds(100));
  shape.hold = true;
  engine.set_class(1, shape, now);
  arrive(1);
  advance(milliseconds(150));
  arrive(2);
  release({1});
  EXPECT_EQ(passed(), Ids{1});
  advance(milliseconds(99));
  EXPECT_TRUE(passed().empty());
  advance(milliseconds(1));
  EXPECT_EQ(passed(), Ids{2});
}

TEST_F(WireEngineTest, HoldEndsByItself) {
  WireShape shape = holding();
  shape.end = now + milliseconds(500);
  engine.set_class(1, shape, now);
  engine.set_class(2, holding(), now);
  arrive(1, 1);
  arrive(2, 2);
  EXPECT_EQ(engine.next_due(), now + milliseconds(500));
  advance(milliseconds(499));
  EXPECT_TRUE(passed().empty());
  advance(milliseconds(1));
  EXPECT_EQ(passed(), Ids{1});
  EXPECT_FALSE(engine.next_due());
  arrive(3, 1);
  EXPECT_EQ(passed(), Ids{3});
}

TEST_F(WireEngineTest, TheSameShapeAgainChangesNothing) {
  engine.set_class(1, holding(), now);
  arrive(1);
  engine.set_class(1, holding(), now);
  EXPECT_TRUE(passed().empty());
  engine.set_class(1, delayed(milliseconds(1)), now);  // no hold any more
  EXPECT_EQ(passed(), Ids{1});
}

TEST_F(WireEngineTest, RemovedClassLetsItsPacketsFinish) {
  engine.set_class(1, delayed(milliseconds(10)), now);
  engine.set_class(2, holding(), now);
  arrive(1, 1);
  arrive(2, 2);
  engine.remove_class(1);
  engine.remove_class(2);
  engine.remove_class(3);  // never was
  arrive(3, 1);
  arrive(4, 2);
  EXPECT_EQ(passed(), (Ids{3, 4}));
  advance(milliseconds(10));
  EXPECT_EQ(passed(), Ids{1});
  EXPECT_EQ(release({2}), 1U);
  EXPECT_EQ(passed(), Ids{2});
  EXPECT_TRUE(memory.report().lanes.empty());
  EXPECT_EQ(engine.waiting(), 0U);
}

TEST_F(WireEngineTest, AClassMayComeBackWhilePacketsOfItWait) {
  engine.set_class(1, delayed(milliseconds(10)), now);
  arrive(1);
  engine.remove_class(1);
  engine.set_class(1, delayed(milliseconds(20)), now);
  arrive(2);
  advance(milliseconds(20));
  EXPECT_EQ(passed(), (Ids{1, 2}));
  EXPECT_EQ(counters().delayed, 2U);
}

TEST_F(WireEngineTest, QueuesAreBoundedPerLink) {
  WireShape shape = delayed(milliseconds(10));
  shape.queue_packets = 2;
  engine.set_class(1, shape, now);
  arrive(1);
  arrive(2);
  arrive(3);
  arrive(4, 1, kOther);
  EXPECT_EQ(taken(PacketVerdict::Drop), Ids{3});
  advance(milliseconds(10));
  EXPECT_EQ(passed(), (Ids{1, 2, 4}));
  EXPECT_EQ(counters(), (WireCounters{.packets = 3, .delayed = 2, .overflowed = 1}));
  arrive(5);
  EXPECT_TRUE(taken(PacketVerdict::Drop).empty());
}

TEST_F(WireEngineTest, TheWholeIsBoundedToo) {
  engine = WireEngine(memory.board(), 3);
  engine.set_class(1, holding(), now);
  for (std::uint32_t i = 0; i < 5; ++i) {
    arrive(i, 1, {{i}, {1}});
  }
  EXPECT_EQ(taken(PacketVerdict::Drop), (Ids{3, 4}));
}

TEST_F(WireEngineTest, TakesTheClassOffWhatPasses) {
  constexpr std::uint32_t kOthers = 0x10030000;
  engine.set_class(1, delayed(milliseconds(10)), now);
  engine.set_class(2, {}, now);
  for (const std::uint16_t number : std::vector<std::uint16_t>{1, 2, 3}) {
    engine.arrive({.id = number, .number = number, .link = kLink, .other_marks = kOthers}, now);
  }
  advance(milliseconds(10));
  ASSERT_EQ(engine.verdicts().size(), 3U);
  for (const WireVerdict& given : engine.verdicts()) {
    EXPECT_EQ(given.mark, kOthers) << given.id;
  }
}

TEST_F(WireEngineTest, DeliversEverythingAtItsEnd) {
  engine.set_class(1, delayed(milliseconds(10)), now);
  engine.set_class(2, holding(), now);
  arrive(1, 1);
  arrive(2, 2);
  arrive(3, 1);
  engine.deliver_all();
  auto ids = passed();
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids, (Ids{1, 2, 3}));
}

TEST_F(WireEngineTest, PacketsWaitUntilTheirVerdictsAreGiven) {
  engine.set_class(1, delayed(milliseconds(10)), now);
  engine.set_class(2, {}, now);
  arrive(1, 1);
  arrive(2, 2);
  EXPECT_EQ(counters(1).waiting, 1U);
  EXPECT_EQ(counters(2), (WireCounters{.packets = 1, .at_once = 1, .waiting = 1}));
  advance(milliseconds(10));
  EXPECT_EQ(counters(1), (WireCounters{.packets = 1, .delayed = 1, .waiting = 1}));
  engine.clear_verdicts();
  EXPECT_EQ(counters(1).waiting, 0U);
  EXPECT_EQ(counters(2).waiting, 0U);
}

TEST_F(WireEngineTest, ClassesKeepTheirEntriesUntilTheVerdictsAreGiven) {
  engine.set_class(1, delayed(milliseconds(10)), now);
  arrive(1, 1);
  engine.remove_class(1);
  advance(milliseconds(10));
  // Another lane would take the entry, and have the packet taken off its own count.
  engine.set_class(2, holding(), now);
  arrive(2, 2);
  EXPECT_EQ(counters(1).waiting, 1U);
  EXPECT_EQ(passed(), Ids{1});
  EXPECT_EQ(counters(1), WireCounters{});
  EXPECT_EQ(counters(2), (WireCounters{.packets = 1, .held = 1, .waiting = 1}));
}

TEST_F(WireEngineTest, LanesWithoutRoomOnTheBoardPassWithTheirClass) {
  engine.set_class(1, delayed(milliseconds(10)), now);
  for (std::uint32_t i = 1; i <= 9; ++i) {
    arrive(i, 1, {{i}, {100}});
  }
  ASSERT_EQ(engine.verdicts().size(), 1U);
  EXPECT_EQ(engine.verdicts()[0].mark, 1U);
  EXPECT_EQ(passed(), Ids{9});
  EXPECT_EQ(memory.report().lanes.size(), 8U);
  engine.remove_class(1);
  advance(milliseconds(10));
  EXPECT_EQ(passed().size(), 8U);
  EXPECT_TRUE(memory.report().lanes.empty());
  engine.set_class(2, delayed(milliseconds(10)), now);
  arrive(10, 2, {{9}, {100}});
  EXPECT_TRUE(passed().empty());
  EXPECT_EQ(counters(2, {{9}, {100}}), (WireCounters{.packets = 1, .delayed = 1, .waiting = 1}));
}

TEST_F(WireEngineTest, TellsTheClassesThatAreThere) {
  engine.set_class(7, holding(), now);
  engine.set_class(300, delayed(milliseconds(5)), now);
  engine.set_class(2, {}, now);
  engine.set_class(2, delayed(milliseconds(6)), now);
  arrive(1, 300);
  engine.remove_class(300);
  EXPECT_EQ(engine.classes(), (std::vector<std::uint16_t>{2, 7}));
  EXPECT_EQ(engine.shape_of(2), delayed(milliseconds(6)));
  EXPECT_EQ(engine.shape_of(7), holding());
  release({7});
  EXPECT_FALSE(engine.shape_of(7).hold);
}

TEST(WireShape, AHoldThatHasEndedIsNone) {
  WireShape held = holding();
  WireShape free;
  held.end = free.end = WireTime(100);
  EXPECT_TRUE(same_from(WireTime(99), held, held));
  EXPECT_FALSE(same_from(WireTime(99), held, free));
  EXPECT_TRUE(same_from(WireTime(100), held, free));
  free.seed = 1;
  EXPECT_FALSE(same_from(WireTime(100), held, free));
}

}  // namespace
}  // namespace tinet
