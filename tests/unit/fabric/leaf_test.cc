#include "src/fabric/leaf.h"

#include <chrono>

#include <gtest/gtest.h>

#include "src/base/error.h"

namespace tinet::fabric {
namespace {

using namespace std::chrono_literals;

LinkAction rate_of(std::uint64_t bits, std::uint32_t queue = 0) {
  LinkAction action;
  action.rate = Rate{bits, 3'000, queue};
  return action;
}

TEST(Leaf, OfARateIsAQueueOfItsLength) {
  EXPECT_FALSE(leaf_of(rate_of(1'000'000)).netem);
  EXPECT_EQ(leaf_of(rate_of(1'000'000)).limit, kRateQueue);
  EXPECT_EQ(leaf_of(rate_of(1'000'000, 50)).limit, 50U);
}

TEST(Leaf, OfADelayHasRoomForAFastLink) {
  LinkAction action;
  action.delay = Delay{.delay = 20ms};
  const Leaf leaf = leaf_of(action);
  ASSERT_TRUE(leaf.netem);
  EXPECT_EQ(leaf.netem->delay, 20ms);
  EXPECT_EQ(leaf.netem->limit, kDelayQueue);
  EXPECT_EQ(leaf.limit, kDelayQueue);
}

TEST(Leaf, OfBothHasRoomForWhatIsOnItsWayAndTheQueue) {
  LinkAction action = rate_of(6'000'000, 50);
  action.delay = Delay{.delay = 300ms, .jitter = 25ms};
  // 6 Mbit/s for 400 ms are 400 packets of 750 bytes.
  EXPECT_EQ(leaf_of(action).limit, 451U);
  action.rate->queue_packets = 0;
  EXPECT_EQ(leaf_of(action).limit, kRateQueue + 401);
  action.rate->bits_per_second = 1'000'000'000'000;
  EXPECT_EQ(leaf_of(action).limit, kRateQueue + kDelayQueue);
}

TEST(Leaf, OfARateThatLosesInBurstsQueuesAsTheRateSays) {
  LinkAction action = rate_of(6'000'000, 50);
  action.bursts = {{Ppm{10'000}, Ppm{250'000}}};
  const Leaf leaf = leaf_of(action);
  ASSERT_TRUE(leaf.netem && leaf.netem->burst_loss);
  EXPECT_EQ(leaf.limit, 51U);
  action.bursts.push_back({Ppm{10'000}, Ppm{250'000}});
  EXPECT_THROW(static_cast<void>(leaf_of(action)), Error);
}

}  // namespace
}  // namespace tinet::fabric
