/// Counts tell the truth: what arrived and what did not, on which link, because of which fault.

#include <algorithm>
#include <map>

#include <linux/netlink.h>

#include <gtest/gtest.h>

#include "netns/qdisc.h"
#include "src/fabric/skeleton.h"
#include "tests/kernel/fault_actions.h"
#include "tests/kernel/fault_traffic.h"
#include "tests/kernel/meddler.h"
#include "tests/support/eventually.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 7000;

TEST(Burst, CountsWhatItLosesAndWhatItLetsGo) {
  constexpr std::uint32_t kSent = 2'000;
  World world(3);
  LinkAction burst;
  burst.bursts = {{Ppm{200'000}, Ppm{200'000}}};
  burst.seed = 3;
  // Two links share the shape, and the class of the wire.
  const Fault fault = acting(1, burst, {kLink, {2, 1}});
  const Fault delay = acting(2, delaying(1ms));
  world.fabric->apply({fault, delay}, now());
  Datagrams lossy(world, kLink, kPort);
  Datagrams other(world, {2, 1}, kPort + 1);
  const std::uint64_t lost = kSent - lossy.exchange(kSent, 200ms).size();
  const std::uint64_t lost_other = 500 - other.exchange(500, 200ms).size();
  EXPECT_GT(lost, kSent / 4);
  EXPECT_GT(lost_other, 0U);
  const PacketCounts counts = world.fabric->packets({1});
  EXPECT_EQ(counts, (PacketCounts{.dropped = lost + lost_other,
                                  .bytes_dropped = 0,
                                  .rejected = 0,
                                  .passed = kSent + 500 - lost - lost_other}));
  const PacketCounts of_delay = world.fabric->packets({2});
  EXPECT_EQ(of_delay.dropped, 0U);
  EXPECT_EQ(of_delay.delayed, kSent - lost) << "what was lost was not delayed";
  std::map<Link, PacketCounts> links;
  for (const LinkState& state : world.fabric->links(now())) {
    links[state.link] = state.packets;
  }
  EXPECT_EQ(links.at(kLink).dropped, lost);
  EXPECT_EQ(links.at({2, 1}).dropped, lost_other);

  // A class goes with a change that comes seconds after its last fault; nobody has asked by then.
  const std::uint64_t more = 500 - other.exchange(500, 200ms).size();
  world.fabric->apply({}, now());
  world.fabric->apply({acting(3, losing(1), {{0, 2}})}, now() + 10s);
  const PacketCounts after = world.fabric->packets({1});
  EXPECT_EQ(after.dropped, lost + lost_other + more);
  EXPECT_EQ(after.matched(), kSent + 1'000U);
}

TEST(LinkCounts, CountAPacketOnceWhateverManyFaultsDoToIt) {
  constexpr std::uint32_t kSent = 2'000;
  World world(2);
  LinkAction copies;
  copies.duplicate = Ppm{1'000'000};
  world.fabric->apply(
      {acting(1, losing(500'000)), acting(2, losing(500'000)), acting(3, delaying(1ms)),
       acting(4, delaying(2ms)), acting(5, copies), acting(6, copies)},
      now());
  Datagrams datagrams(world, kLink, kPort);
  const std::uint64_t arrived = datagrams.exchange(kSent, 200ms).size();
  ASSERT_EQ(arrived % 2, 0U) << "each comes with a copy";
  const std::uint64_t passed = arrived / 2;
  const auto links = world.fabric->links(now());
  const auto link = std::find_if(links.begin(), links.end(),
                                 [](const LinkState& state) { return state.link == kLink; });
  ASSERT_NE(link, links.end());
  EXPECT_EQ(link->packets.dropped, kSent - passed);
  EXPECT_EQ(link->packets.passed, passed);
  EXPECT_EQ(link->packets.delayed, passed);
  EXPECT_EQ(link->packets.duplicated, passed);
  // Each fault counts for itself what it did.
  const PacketCounts first = world.fabric->packets({1});
  EXPECT_EQ(first.dropped + first.passed, kSent);
  EXPECT_EQ(world.fabric->packets({2}).passed, passed);
  EXPECT_EQ(world.fabric->packets({3}).delayed, passed);
  EXPECT_EQ(world.fabric->packets({4}).delayed, passed);
  EXPECT_EQ(world.fabric->packets({5}).duplicated, passed);
  EXPECT_EQ(world.fabric->packets({6}).duplicated, 0U) << "there is one copy";
}

TEST(LinkCounts, KeepWhatALossLetPassWhenACutFollows) {
  World world(2);
  world.fabric->apply({acting(1, losing(100'000))}, now());
  Datagrams datagrams(world, kLink, kPort);
  const std::uint64_t arrived = datagrams.exchange(500, 200ms).size();
  world.fabric->apply({acting(2, cutting(CutMode::Drop))}, now());
  datagrams.send(500, 300);
  EXPECT_TRUE(datagrams.receive(200ms).empty());
  const auto links = world.fabric->links(now());
  ASSERT_FALSE(links.empty());
  EXPECT_EQ(links.front().packets.passed, arrived);
  EXPECT_EQ(links.front().packets.dropped, 500 - arrived + 300);
}

TEST(Waiting, CountsWhatADelayAndARateHaveKeptOfTheirLinks) {
  World world(3);
  LinkAction slow;
  slow.rate = Rate{8'000, 2'000, 100};
  world.fabric->apply({acting(1, delaying(30s)), acting(2, slow, {{2, 1}})}, now());
  Datagrams delayed(world, kLink, kPort);
  Datagrams limited(world, {2, 1}, kPort + 1);
  EXPECT_EQ(world.fabric->waiting({kLink, {2, 1}}), 0U);
  delayed.send(0, 7);
  limited.send(0, 20, {}, 1'000);
  EXPECT_TRUE(test::eventually([&] { return world.fabric->waiting({kLink}) == 7; }, 5s));
  EXPECT_GT(world.fabric->waiting({{2, 1}}), 10U);
  EXPECT_EQ(world.fabric->waiting({{1, 0}}), 0U);
  world.fabric->apply({}, now());
  EXPECT_EQ(world.fabric->waiting({kLink}), 7U);
}

TEST(HoldFault, CountsWhatItHolds) {
  World world(2);
  LinkAction hold;
  hold.hold = true;
  world.fabric->apply({acting(1, hold)}, now());
  Datagrams datagrams(world, kLink, kPort);
  datagrams.send(0, 5);
  EXPECT_TRUE(datagrams.receive(200ms).empty());
  EXPECT_EQ(world.fabric->packets({1}), (PacketCounts{.held = 5}));
  EXPECT_EQ(world.fabric->release({1}, true).dropped, 5U);
  EXPECT_EQ(world.fabric->packets({1}), (PacketCounts{.dropped = 5}));
}

TEST(HoldFault, ReleasesWhatItHasHeldSinceTheLinkWasShapedOtherwise) {
  for (const Fault& other : {acting(2, delaying(10ms)), acting(2, cutting(CutMode::Drop))}) {
    World world(3);
    Datagrams datagrams(world, kLink, kPort);
    const Fault holder = acting(1, holding());
    const Fault elsewhere = acting(3, losing(1), {{2, 0}});
    const bool hides = other.clauses[0].action.cut.has_value();
    const MonoTime start = now();
    if (!hides) {
      world.fabric->apply({holder, other}, start);
      datagrams.send(0, 20);
      world.fabric->apply({holder}, start + 1s);
    } else {
      world.fabric->apply({holder}, start);
      datagrams.send(0, 20);
      world.fabric->apply({holder, other}, start + 1s);
    }
    world.fabric->apply(hides ? std::vector<Fault>{holder, other, elsewhere}
                              : std::vector<Fault>{holder, elsewhere},
                        start + 10s);
    world.fabric->apply({holder, elsewhere}, start + 11s);
    datagrams.send(20, 5);
    world.fabric->apply({elsewhere}, start + 20s);
    EXPECT_EQ(world.fabric->release({1}, false).delivered, 25U);
    EXPECT_EQ(datagrams.receive(200ms).size(), 25U);
  }
}

TEST(RateFault, CountsWhatFindsItsQueueFull) {
  constexpr std::uint32_t kSent = 300;
  constexpr std::size_t kSize = 1400;
  World world(2);
  LinkAction action;
  action.rate = Rate{800'000, 3'000, 20};
  world.fabric->apply({acting(1, action)}, now());
  Datagrams limited(world, kLink, kPort);
  limited.send(0, kSent, {}, kSize);
  const std::uint64_t arrived = limited.receive(300ms).size();
  ASSERT_LT(arrived, 60U);
  const PacketCounts counts = world.fabric->packets({1});
  EXPECT_EQ(counts.dropped, kSent - arrived);
  EXPECT_EQ(counts.delayed, arrived);
}

/// What waits in a queue is not for other changes to drop, also when nothing leads there any more.
TEST(RateFault, LosesNothingByChangesOfOthers) {
  constexpr std::uint32_t kSent = 60;
  constexpr std::size_t kSize = 1400;
  World world(2);
  LinkAction action;
  action.rate = Rate{800'000, 3'000, 0};
  const MonoTime start = now();
  world.fabric->apply({acting(1, action)}, start);
  Datagrams limited(world, kLink, kPort);
  limited.send(0, kSent, {}, kSize);
  for (int i = 1; i <= 3; ++i) {
    std::vector<Fault> others;
    if (i % 2 == 0) {
      others.push_back(acting(2, losing(1), {{1, 0}}));
    }
    world.fabric->apply(others, start + 10s * i);
  }
  EXPECT_EQ(limited.receive(500ms).size(), kSent);
  EXPECT_EQ(world.fabric->packets({1}), (PacketCounts{.delayed = kSent}));
  // Then it goes.
  world.fabric->apply({acting(3, losing(1), {{1, 0}})}, start + 50s);
  Meddler meddler;
  auto in_switch = meddler.open(world.fabric->switch_namespace_fd(), NETLINK_ROUTE);
  EXPECT_TRUE(list_htb_classes(in_switch, fabric::port_index(kLink.to)).empty());
}

TEST(RateFault, KeepsItsQueueShortThoughPacketsAreDelayedToo) {
  constexpr std::uint32_t kSent = 2'000;
  constexpr std::size_t kSize = 1400;
  World world(2);
  LinkAction action = delaying(200ms);
  action.rate = Rate{8'000'000, 3'000, 50};
  world.fabric->apply({acting(1, action)}, now());
  Datagrams limited(world, kLink, kPort);
  // Four times as many as the rate lets through.
  limited.send(0, kSent, 350us, kSize);
  const auto arrivals = limited.receive(700ms);
  EXPECT_GT(arrivals.size(), kSent / 8);
  EXPECT_LT(arrivals.size(), kSent * 3 / 4);
  for (const Arrival& arrival : arrivals) {
    ASSERT_LT(arrival.took, 1s) << "of datagram " << arrival.number;
  }
  EXPECT_EQ(world.fabric->packets({1}).dropped, kSent - arrivals.size());
}

TEST(DelayFault, CountsWhatFindsTheWireFull) {
  if (World(2).fabric->mechanism(acting(1, delaying(5s))) != "wire") {
    GTEST_SKIP() << "delays are the kernel's here, whose queue takes longer to fill";
  }
  constexpr std::uint32_t kSent = 10'500;
  World world(2);
  world.fabric->apply({acting(1, delaying(3s))}, now());
  Datagrams delayed(world, kLink, kPort);
  for (std::uint32_t sent = 0; sent < kSent; sent += 500) {
    delayed.send(sent, 500, 20us);
  }
  const std::uint64_t arrived = delayed.exchange(0, 4s).size();
  EXPECT_EQ(arrived, 10'000U);
  const PacketCounts counts = world.fabric->packets({1});
  EXPECT_EQ(counts.delayed, arrived);
  EXPECT_EQ(counts.dropped, kSent - arrived);
}

TEST(Why, NamesTheMechanismThatTheFaultNames) {
  World world(2);
  LinkAction hold;
  hold.hold = true;
  LinkAction rate;
  rate.rate = Rate{8'000'000, 3'000, 500};
  LinkAction burst;
  burst.bursts = {{Ppm{1}, Ppm{2}}};
  LinkAction silent;
  silent.corrupt = Ppm{1};
  silent.silent_corruption = true;
  std::uint32_t id = 0;
  for (const LinkAction& action :
       {hold, rate, burst, silent, delaying(5ms), losing(1), cutting(CutMode::Reset)}) {
    Fault fault = acting(++id, action);
    fault.end = now() + 60s;
    world.fabric->apply({fault}, now());
    EXPECT_EQ(world.fabric->why(kLink, {}, now()).mechanism, world.fabric->mechanism(fault)) << id;
  }
  world.fabric->apply({acting(++id, rate)}, now());
  EXPECT_NE(world.fabric->why(kLink, {}, now()).rules.back().find("500 packets"),
            std::string::npos);
}

TEST(SentPackets, GrowWithEveryPacketAndWithNothingElse) {
  World world(3);
  Datagrams talk(world, {0, 1}, kPort);
  Datagrams cut(world, {0, 2}, kPort);
  world.fabric->apply({acting(1, cutting(CutMode::Drop), {{0, 2}})}, now());
  const std::uint64_t before = world.fabric->traffic().value();
  EXPECT_EQ(talk.exchange(0, 300ms).size(), 0U);
  EXPECT_EQ(world.fabric->traffic(), before) << "a network at rest";
  talk.send(0, 7);
  cut.send(0, 5);
  EXPECT_EQ(talk.receive(100ms).size(), 7U);
  EXPECT_EQ(world.fabric->traffic(), before + 12);
}

}  // namespace
}  // namespace tinet::testing
