/// The wire is killed: what it has counted is not lost, and what it had not passed on is counted.

#include <poll.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kernel/fault_actions.h"
#include "tests/kernel/fault_traffic.h"
#include "tests/kernel/wire_child.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 7000;

class WireDeath : public ::testing::Test {
 protected:
  void SetUp() override {
    if (world.fabric->mechanism(acting(1, delaying(5s))) != "wire") {
      GTEST_SKIP() << "delays and bursts are the kernel's here";
    }
  }
  static void kill_wire() {
    const auto pid = find_wire_child();
    ASSERT_TRUE(pid.has_value());
    ASSERT_TRUE(kill_child(*pid));
  }

  World world{3};
};

TEST_F(WireDeath, TakesNoCountsAlong) {
  constexpr std::uint32_t kSent = 1'000;
  LinkAction burst;
  burst.bursts = {{Ppm{200'000}, Ppm{200'000}}};
  world.fabric->apply({acting(1, burst, {kLink, {2, 1}})}, now());
  Datagrams lossy(world, kLink, kPort);
  Datagrams other(world, {2, 1}, kPort + 1);
  const std::uint64_t lost = kSent - lossy.exchange(kSent, 200ms).size();
  const std::uint64_t lost_other = 300 - other.exchange(300, 200ms).size();
  ASSERT_GT(lost, 0U);
  // Nobody has asked before.
  kill_wire();
  EXPECT_EQ(world.fabric->packets({1}).dropped, lost + lost_other);
  EXPECT_EQ(world.fabric->packets({1}).passed, kSent + 300 - lost - lost_other);

  EXPECT_FALSE(world.fabric->audit(now()).empty());
  const std::uint64_t more = kSent - lossy.exchange(kSent, 200ms).size();
  ASSERT_GT(more, 0U) << "the next process does it again";
  EXPECT_EQ(world.fabric->packets({1}).dropped, lost + lost_other + more);
  kill_wire();
  EXPECT_EQ(world.fabric->packets({1}).dropped, lost + lost_other + more);
}

TEST_F(WireDeath, WhatWaitedInItWasDropped) {
  constexpr std::uint32_t kSent = 200;
  world.fabric->apply({acting(1, delaying(30s)), acting(2, delaying(1ms), {{2, 1}})}, now());
  Datagrams delayed(world, kLink, kPort);
  Datagrams other(world, {2, 1}, kPort + 1);
  delayed.send(0, kSent);
  // What comes later was read later.
  EXPECT_EQ(other.exchange(10, 200ms).size(), 10U);
  kill_wire();
  for (int repeat = 0; repeat < 2; ++repeat) {
    const PacketCounts counts = world.fabric->packets({1});
    EXPECT_EQ(counts.dropped, kSent);
    EXPECT_EQ(counts.delayed, 0U);
    EXPECT_EQ(world.fabric->packets({2}).dropped, 0U);
    EXPECT_EQ(world.fabric->packets({2}).delayed, 10U);
    EXPECT_EQ(world.fabric->audit(now()).empty(), repeat == 1);
  }
  EXPECT_EQ(delayed.receive(100ms).size(), 0U);
}

TEST_F(WireDeath, IsSeenAtOnceByWhoeverWaitsForIt) {
  EXPECT_EQ(world.fabric->helper_exit_fd(), -1);
  world.fabric->apply({acting(1, delaying(1ms))}, now());
  pollfd waiting{world.fabric->helper_exit_fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 0), 0);
  kill_wire();
  EXPECT_EQ(::poll(&waiting, 1, 5'000), 1);
  EXPECT_FALSE(world.fabric->audit(now()).empty());
  waiting = {world.fabric->helper_exit_fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 0), 0) << "the next one lives";
}

TEST_F(WireDeath, WhatPassesMeanwhileWasNotDelayed) {
  world.fabric->apply({acting(1, delaying(100ms)), acting(2, delaying(1ms), {{2, 1}})}, now());
  Datagrams delayed(world, kLink, kPort);
  Datagrams other(world, {2, 1}, kPort + 1);
  EXPECT_EQ(delayed.exchange(20, 300ms).size(), 20U);
  kill_wire();
  const auto passed = delayed.exchange(30, 200ms);
  ASSERT_EQ(passed.size(), 30U);
  EXPECT_LT(passed.front().took, 100ms);
  EXPECT_EQ(other.exchange(5, 200ms).size(), 5U);
  EXPECT_EQ(world.fabric->packets({1}).delayed, 20U);
  EXPECT_EQ(world.fabric->packets({1}).dropped, 0U);
  EXPECT_EQ(world.fabric->packets({2}).delayed, 0U);
  const auto drift = world.fabric->audit(now());
  ASSERT_EQ(drift.size(), 1U);
  EXPECT_EQ(drift[0].what,
            "the wire had died, which delays and holds for f1, f2: 35 packets passed undelayed "
            "meanwhile, 0 that waited in it are "
            "lost");
  EXPECT_EQ(delayed.exchange(10, 300ms).size(), 10U);
  EXPECT_EQ(world.fabric->packets({1}).delayed, 30U);
}

TEST_F(WireDeath, CountsOfAFrozenWireAreReadAtOnce) {
  constexpr std::uint32_t kSent = 100;
  LinkAction burst;
  burst.bursts = {{Ppm{1'000'000}, Ppm{0}}};
  world.fabric->apply({acting(1, burst)}, now());
  Datagrams lossy(world, kLink, kPort);
  EXPECT_EQ(lossy.exchange(kSent, 200ms).size(), 0U);
  const auto pid = find_wire_child();
  ASSERT_TRUE(pid.has_value());
  ASSERT_EQ(::kill(*pid, SIGSTOP), 0);
  const MonoTime before = now();
  EXPECT_EQ(world.fabric->packets({1}).dropped, kSent);
  EXPECT_LT(now() - before, 1s);
  ASSERT_EQ(::kill(*pid, SIGCONT), 0);
}

}  // namespace
}  // namespace tinet::testing
