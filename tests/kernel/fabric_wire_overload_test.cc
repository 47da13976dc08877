/// A wire that is too slow to read its packets: what the kernel could not hand over belongs to the
/// links and faults that it was meant for.

#include <map>

#include <gtest/gtest.h>

#include "tests/kernel/fault_actions.h"
#include "tests/kernel/fault_traffic.h"
#include "tests/kernel/wire_child.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 7000;
constexpr Link kOther{2, 1};
constexpr Link kFree{1, 0};

/// With a buffer that some dozens of packets fill.
NetnsOptions small_wire() {
  NetnsOptions options = test_options();
  options.wire_words.emplace_back("40000");
  return options;
}

class WireOverload : public ::testing::Test {
 protected:
  void SetUp() override {
    if (world.fabric->mechanism(acting(1, delaying(5s))) != "wire") {
      GTEST_SKIP() << "delays are the kernel's here";
    }
  }
  void freeze() {
    pid_ = find_wire_child().value();
    ASSERT_EQ(::kill(pid_, SIGSTOP), 0);
  }
  void thaw() const { ASSERT_EQ(::kill(pid_, SIGCONT), 0); }
  std::map<Link, PacketCounts> links() {
    std::map<Link, PacketCounts> links;
    for (const LinkState& state : world.fabric->links(now())) {
      links[state.link] = state.packets;
    }
    return links;
  }

  World world{3, false, small_wire()};

 private:
  pid_t pid_ = 0;
};

TEST_F(WireOverload, EveryPacketThatWasNotReadIsItsLinksAndItsFaults) {
  constexpr std::uint32_t kSent = 1'200;
  world.fabric->apply({acting(1, delaying(20ms), {kLink, kOther}), acting(2, delaying(5ms))},
                      now());
  Datagrams datagrams(world, kLink, kPort);
  Datagrams other(world, kOther, kPort + 1);
  Datagrams untouched(world, kFree, kPort + 2);
  EXPECT_EQ(datagrams.exchange(10, 200ms).size(), 10U);
  freeze();
  // In turns, so that both find the buffer full and none finds it empty.
  for (std::uint32_t sent = 0; sent < kSent; sent += 30) {
    datagrams.send(10 + sent, 30);
    other.send(sent / 3, 10);
  }
  EXPECT_EQ(untouched.exchange(10, 100ms).size(), 10U);
  thaw();
  const std::uint64_t lost = kSent - datagrams.receive(300ms).size();
  const std::uint64_t lost_other = kSent / 3 - other.receive(300ms).size();
  EXPECT_GT(lost, kSent / 2);
  EXPECT_LT(lost, kSent);
  EXPECT_GT(lost_other, 0U);
  for (int repeat = 0; repeat < 2; ++repeat) {
    EXPECT_EQ(world.fabric->packets({1}).dropped, lost + lost_other);
    EXPECT_EQ(world.fabric->packets({1}).delayed, 10 + kSent + kSent / 3 - lost - lost_other);
    EXPECT_EQ(world.fabric->packets({2}).dropped, lost);
    EXPECT_EQ(world.fabric->packets({2}).delayed, 10 + kSent - lost);
    EXPECT_EQ(links().at(kLink).dropped, lost);
    EXPECT_EQ(links().at(kOther).dropped, lost_other);
    EXPECT_EQ(links().count(kFree), 0U);
    EXPECT_TRUE(world.fabric->audit(now()).empty());
  }

  // The class goes, and what it had is not forgotten; nor is it counted for the next one.
  world.fabric->apply({}, now());
  world.fabric->apply({acting(3, losing(1), {{0, 2}})}, now() + 10s);
  world.fabric->apply({acting(4, delaying(7ms), {kLink, kOther})}, now() + 20s);
  EXPECT_EQ(datagrams.exchange(10, 200ms).size(), 10U);
  EXPECT_EQ(world.fabric->packets({1}).dropped, lost + lost_other);
  EXPECT_EQ(world.fabric->packets({4}), (PacketCounts{.delayed = 10}));
}

TEST_F(WireOverload, HeldLinksLetNothingThroughUnread) {
  constexpr std::uint32_t kSent = 500;
  LinkAction hold;
  hold.hold = true;
  world.fabric->apply({acting(1, hold)}, now());
  Datagrams held(world, kLink, kPort);
  freeze();
  held.send(0, kSent);
  EXPECT_EQ(held.receive(100ms).size(), 0U);
  thaw();
  const ReleaseReport released = world.fabric->release({1}, false);
  EXPECT_EQ(held.receive(300ms).size(), released.delivered);
  EXPECT_LT(released.delivered, kSent);
  EXPECT_EQ(world.fabric->packets({1}).dropped, kSent - released.delivered);
}

TEST_F(WireOverload, WhatFoundNoRoomStaysDroppedWhenTheWireDies) {
  constexpr std::uint32_t kSent = 500;
  world.fabric->apply({acting(1, delaying(20ms))}, now());
  Datagrams datagrams(world, kLink, kPort);
  freeze();
  datagrams.send(0, kSent);
  const std::uint64_t unread = world.fabric->packets({1}).dropped;
  EXPECT_GT(unread, kSent / 2);
  ASSERT_TRUE(kill_child(find_wire_child().value()));
  EXPECT_EQ(datagrams.exchange(5, 100ms).size(), 5U) << "without a wire they pass";
  EXPECT_GE(world.fabric->packets({1}).dropped, unread);
  EXPECT_EQ(world.fabric->audit(now()).size(), 1U);
  EXPECT_EQ(datagrams.exchange(5, 100ms).size(), 5U);
  EXPECT_TRUE(world.fabric->audit(now()).empty());
}

}  // namespace
}  // namespace tinet::testing
