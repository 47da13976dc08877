/// The wire between two instances, as programs in them see it.

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/kernel/wire_world.h"

namespace tinet::testing {
namespace {

using std::chrono::milliseconds;

constexpr std::uint16_t kClass = 7;

WireShape delayed(milliseconds delay, milliseconds jitter = {},
                  Distribution distribution = Distribution::Uniform) {
  WireShape shape;
  shape.delay = Delay{.delay = delay, .jitter = jitter, .distribution = distribution};
  shape.seed = 1;
  return shape;
}

/// One class on the link 0>1, one socket on each of its ends.
class WireTraffic : public ::testing::TestWithParam<int> {
 protected:
  void shape(const WireShape& shape) {
    world.wire.ensure();
    world.wire.set_class(kClass, shape);
    world.classify(0, 1, kClass);
  }
  [[nodiscard]] WireCounters counters() { return world.counters(0, 1, kClass); }

  WireWorld world{3};
  UniqueFd a = world.socket(0, GetParam(), SOCK_DGRAM);
  UniqueFd b = world.socket(1, GetParam(), SOCK_DGRAM);
};
INSTANTIATE_TEST_SUITE_P(Families, WireTraffic, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& family) { return family.param == AF_INET ? "V4" : "V6"; });

std::vector<double> sorted_delays(const std::vector<Arrival>& arrivals) {
  std::vector<double> delays;
  for (const Arrival& arrival : arrivals) {
    delays.push_back(arrival.delay_ms());
  }
  std::sort(delays.begin(), delays.end());
  return delays;
}

bool in_order(const std::vector<Arrival>& arrivals) {
  return std::is_sorted(arrivals.begin(), arrivals.end(),
                        [](const Arrival& x, const Arrival& y) { return x.number < y.number; });
}

std::size_t below(const std::vector<double>& values, double limit) {
  return static_cast<std::size_t>(std::lower_bound(values.begin(), values.end(), limit) -
                                  values.begin());
}

/// Five standard deviations of a count of `n` with probability `p`.
double five_sigma(double n, double p) {
  return 5 * std::sqrt(n * p * (1 - p));
}

TEST_P(WireTraffic, DelaysEveryPacketAndKeepsTheOrder) {
  shape(delayed(milliseconds(10)));
  const auto arrivals = world.exchange(a, b, 1000);
  ASSERT_EQ(arrivals.size(), 1000U);
  EXPECT_TRUE(in_order(arrivals));
  const auto delays = sorted_delays(arrivals);
  // The wire's clock starts when it reads the packet, so never early; late by what the machine is
  // busy with, which is why the fastest tenth has to do.
  EXPECT_GE(delays.front(), 10.0);
  EXPECT_LT(delays[100], 15.0);
  EXPECT_EQ(counters(), (WireCounters{.packets = 1000, .delayed = 1000}));
  EXPECT_EQ(world.wire.stats().missed, 0U);
}

TEST_P(WireTraffic, OtherLinksAndTheWayBackAreUntouched) {
  shape(delayed(milliseconds(500)));
  const UniqueFd c = world.socket(2, GetParam(), SOCK_DGRAM);
  WireWorld::send(a, b, 1);
  WireWorld::send(b, a, 100);
  WireWorld::send(a, c, 100);
  const auto back = WireWorld::receive(a, 100);
  const auto other = WireWorld::receive(c, 100);
  ASSERT_EQ(back.size(), 100U);
  ASSERT_EQ(other.size(), 100U);
  EXPECT_LT(sorted_delays(back)[50], 20.0);
  EXPECT_LT(sorted_delays(other)[50], 20.0);
  EXPECT_EQ(WireWorld::receive(b, 1).size(), 1U);
  EXPECT_EQ(world.wire.stats().lanes.size(), 1U);
}

TEST_P(WireTraffic, UniformJitterFillsItsRange) {
  constexpr std::uint32_t kPackets = 4000;
  shape(delayed(milliseconds(300), milliseconds(240)));
  const auto arrivals = world.exchange(a, b, kPackets);
  ASSERT_EQ(arrivals.size(), kPackets);
  EXPECT_FALSE(in_order(arrivals));
  const auto delays = sorted_delays(arrivals);
  const double mean = std::accumulate(delays.begin(), delays.end(), 0.0) / kPackets;
  EXPECT_GE(delays.front(), 60.0);
  EXPECT_LT(delays.front(), 80.0);
  EXPECT_LT(delays[kPackets * 9 / 10], 540.0);
  // Standard deviation 240 / sqrt(3) = 139; a twentieth of the jitter for a busy machine.
  EXPECT_NEAR(mean, 300.0, 5 * 139 / std::sqrt(kPackets) + 12);
  EXPECT_NEAR(static_cast<double>(below(delays, 180.0)), kPackets / 4.0,
              five_sigma(kPackets, 0.25) + kPackets * 0.025);
}

TEST_P(WireTraffic, NormalJitterHasItsDeviation) {
  constexpr std::uint32_t kPackets = 4000;
  shape(delayed(milliseconds(500), milliseconds(150), Distribution::Normal));
  const auto arrivals = world.exchange(a, b, kPackets);
  ASSERT_EQ(arrivals.size(), kPackets);
  const auto delays = sorted_delays(arrivals);
  // A normal value is below the mean minus its deviation with 15.87 %, below the mean with 50 %;
  // a busy machine moves packets up by a part of the deviation.
  EXPECT_NEAR(static_cast<double>(below(delays, 350.0)), kPackets * 0.1587,
              five_sigma(kPackets, 0.1587) + kPackets * 0.03);
  EXPECT_NEAR(static_cast<double>(below(delays, 500.0)), kPackets * 0.5,
              five_sigma(kPackets, 0.5) + kPackets * 0.04);
}

TEST_P(WireTraffic, ReorderLetsItsShareOvertake) {
  // On a machine that stood still all become due at once, and the kernel's backlog holds 1000.
  constexpr std::uint32_t kPackets = 900;
  WireShape reordering = delayed(milliseconds(400));
  reordering.reorder = {250'000};
  shape(reordering);
  auto arrivals = world.exchange(a, b, kPackets);
  ASSERT_EQ(arrivals.size(), kPackets);
  const auto delays = sorted_delays(arrivals);
  EXPECT_NEAR(static_cast<double>(below(delays, 390.0)), kPackets * 0.25,
              five_sigma(kPackets, 0.25));
  EXPECT_EQ(counters().at_once, below(delays, 390.0));
  // Those that were delayed are in order, and so are those that overtook.
  const auto late =
      std::stable_partition(arrivals.begin(), arrivals.end(),
                            [](const Arrival& arrival) { return arrival.delay_ms() < 390.0; });
  EXPECT_TRUE(in_order({arrivals.begin(), late}));
  EXPECT_TRUE(in_order({late, arrivals.end()}));
}

TEST_P(WireTraffic, BurstsLoseTheirShare) {
  constexpr std::uint32_t kPackets = 20'000;
  WireShape losing;
  losing.bursts = {{.begin = {20'000}, .end = {180'000}}};  // 10 %, in runs of 5.6
  losing.seed = 3;
  shape(losing);
  const auto arrivals = world.exchange(a, b, kPackets, milliseconds(500));
  const WireCounters counted = counters();
  EXPECT_EQ(counted.packets, kPackets);
  EXPECT_EQ(counted.lost, kPackets - arrivals.size());
  // The count's variance is (2 - s) / s times that of independent losses, s = begin + end.
  EXPECT_NEAR(static_cast<double>(counted.lost), kPackets * 0.1,
              five_sigma(kPackets, 0.1) * std::sqrt(1.8 / 0.2));
  EXPECT_TRUE(in_order(arrivals));
  int runs = 0;
  for (std::size_t i = 1; i < arrivals.size(); ++i) {
    runs += arrivals[i].number != arrivals[i - 1].number + 1 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(counted.lost) / runs, 1 / 0.18, 1.5);
}

TEST_P(WireTraffic, HoldKeepsPacketsAndReleasesThemInOrder) {
  WireShape holding;
  holding.hold = true;
  shape(holding);
  WireWorld::send(a, b, 300);
  EXPECT_TRUE(WireWorld::receive(b, 1, milliseconds(200)).empty());
  EXPECT_EQ(counters(), (WireCounters{.packets = 300, .held = 300, .waiting = 300}));
  const std::vector<std::uint16_t> classes{kClass};
  EXPECT_EQ(world.wire.release(classes, HeldPackets::Deliver), 300U);
  WireWorld::send(a, b, 1, 300);
  const auto arrivals = WireWorld::receive(b, 301);
  ASSERT_EQ(arrivals.size(), 301U);
  EXPECT_TRUE(in_order(arrivals));
  EXPECT_EQ(counters(), (WireCounters{.packets = 301, .at_once = 1, .held = 300, .released = 300}));
}

TEST_P(WireTraffic, ReleaseMayDropWhatWasHeld) {
  WireShape holding;
  holding.hold = true;
  shape(holding);
  WireWorld::send(a, b, 100);
  EXPECT_TRUE(WireWorld::receive(b, 1, milliseconds(100)).empty());
  const std::vector<std::uint16_t> classes{kClass};
  world.wire.release(classes, HeldPackets::Drop);
  WireWorld::send(a, b, 1, 100);
  const auto arrivals = WireWorld::receive(b, 101, milliseconds(200));
  ASSERT_EQ(arrivals.size(), 1U);
  EXPECT_EQ(arrivals[0].number, 100U);
  EXPECT_EQ(counters().discarded, 100U);
}

TEST_P(WireTraffic, HoldEndsByItself) {
  WireShape holding;
  holding.hold = true;
  holding.end = std::chrono::steady_clock::now().time_since_epoch() + milliseconds(300);
  shape(holding);
  WireWorld::send(a, b, 10);
  const auto arrivals = WireWorld::receive(b, 10);
  ASSERT_EQ(arrivals.size(), 10U);
  EXPECT_TRUE(in_order(arrivals));
  EXPECT_GE(std::chrono::steady_clock::now().time_since_epoch(), *holding.end);
  WireWorld::send(a, b, 1);
  EXPECT_EQ(WireWorld::receive(b, 1).size(), 1U);
}

TEST_P(WireTraffic, RemovedClassLosesNothing) {
  shape(delayed(milliseconds(300)));
  WireWorld::send(a, b, 100);
  world.unclassify(0, 1);
  world.wire.remove_class(kClass);
  WireWorld::send(a, b, 1, 1000);
  const auto arrivals = WireWorld::receive(b, 101);
  ASSERT_EQ(arrivals.size(), 101U);
  EXPECT_EQ(arrivals[0].number, 1000U);
  EXPECT_LT(arrivals[0].delay_ms(), 200.0);
  EXPECT_GE(arrivals[1].delay_ms(), 300.0);
  EXPECT_TRUE(in_order({arrivals.begin() + 1, arrivals.end()}));
}

}  // namespace
}  // namespace tinet::testing
