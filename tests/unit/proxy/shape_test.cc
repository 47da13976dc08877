/// What the rules do, and when. Lower bounds of times are exact; upper ones leave room for a busy
/// machine.

#include <algorithm>
#include <cerrno>
#include <utility>

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "tests/support/eventually.h"
#include "tests/unit/proxy/relay_world.h"

namespace tinet::proxy::test {
namespace {

using namespace std::chrono_literals;
using tinet::test::eventually;

constexpr milliseconds kBusy{3'000};

TEST(Delay, HoldsEveryByteBackForSoLong) {
  RelayWorld world;
  Rule rule;
  rule.delay = {.base = 80ms};
  world.put(1, rule);
  auto pair = world.connect();
  for (int i = 0; i < 3; ++i) {
    const TimePoint start = Clock::now();
    pair.client.send("x");
    EXPECT_EQ(pair.service.receive(1), "x");
    EXPECT_GE(since(start), 80ms);
    EXPECT_LT(since(start), kBusy);
  }
}

TEST(Delay, OfOneDirectionLeavesTheOtherAlone) {
  RelayWorld world;
  Rule rule;
  rule.delay = {.base = 1h};
  world.put(1, rule);
  auto pair = world.connect();
  pair.service.send("x");
  EXPECT_EQ(pair.client.receive(1), "x");
}

TEST(Delay, DoesNotLimitTheRate) {
  RelayWorld world;
  Rule rule;
  rule.delay = {.base = 200ms};
  world.put(1, rule);
  auto pair = world.connect();
  const std::string bytes = noise(4'000'000, 1);
  const TimePoint start = Clock::now();
  std::thread sends([&] { pair.client.send(bytes); });
  EXPECT_TRUE(pair.service.receive(bytes.size()) == bytes);
  sends.join();
  // One buffer of 64 KiB per 200 ms would take 12 s.
  EXPECT_LT(since(start), 5s);
}

TEST(Delay, OfSeveralRulesAdds) {
  RelayWorld world;
  Rule rule;
  rule.delay = {.base = 60ms};
  world.put(1, rule);
  world.put(2, rule);
  auto pair = world.connect();
  const TimePoint start = Clock::now();
  pair.client.send("x");
  EXPECT_EQ(pair.service.receive(1), "x");
  EXPECT_GE(since(start), 120ms);
}

TEST(Delay, ThatIsTakenAwayIsFeltAtOnce) {
  RelayWorld world;
  Rule rule;
  rule.delay = {.base = 1h};
  world.put(1, rule);
  auto pair = world.connect();
  pair.client.send("waiting");
  pair.client.finish_sending();
  EXPECT_TRUE(pair.service.is_silent(50ms));
  world.remove(1);
  EXPECT_EQ(pair.service.receive_all(), "waiting");
}

TEST(Rate, IsKeptOverASecond) {
  RelayWorld world;
  Rule rule;
  rule.bytes_per_second = 1'000'000;
  world.put(1, rule);
  auto pair = world.connect();
  const TimePoint start = Clock::now();
  std::thread sends([&] { pair.client.send(noise(700'000, 1)); });
  EXPECT_EQ(pair.service.receive(700'000).size(), 700'000U);
  sends.join();
  EXPECT_GE(since(start), 680ms);
  EXPECT_LT(since(start), 700ms + kBusy);
}

TEST(Rate, OfSeveralRulesIsTheLowest) {
  RelayWorld world;
  Rule rule;
  rule.bytes_per_second = 100'000'000;
  world.put(1, rule);
  rule.bytes_per_second = 100'000;
  world.put(2, rule);
  auto pair = world.connect();
  const TimePoint start = Clock::now();
  pair.client.send(noise(30'000, 1));
  EXPECT_EQ(pair.service.receive(30'000).size(), 30'000U);
  EXPECT_GE(since(start), 280ms);
}

TEST(Slicer, SendsSmallPieces) {
  RelayWorld world;
  Rule rule;
  rule.slicer = Slicer{.average = 10, .variation = 3, .pause = 1ms};
  world.put(1, rule);
  auto pair = world.connect();
  const TimePoint start = Clock::now();
  pair.client.send(noise(200, 1));
  EXPECT_EQ(pair.service.receive(200).size(), 200U);
  const std::uint64_t pieces = world.forward_count().chunks;
  EXPECT_GE(pieces, 200U / 13);
  EXPECT_LE(pieces, 200U / 7 + 1);
  EXPECT_GE(since(start), milliseconds(pieces - 1));
}

TEST(SlowClose, DelaysTheEndOnly) {
  RelayWorld world;
  Rule rule;
  rule.slow_close = 150ms;
  world.put(1, rule);
  auto pair = world.connect();
  const TimePoint start = Clock::now();
  pair.client.send("x");
  EXPECT_EQ(pair.service.receive(1), "x");
  pair.client.finish_sending();
  EXPECT_EQ(pair.service.wait_for_end(), 0);
  EXPECT_GE(since(start), 150ms);
}

TEST(SlowClose, ThatIsTakenAwayEndsAtOnce) {
  RelayWorld world;
  Rule rule;
  rule.slow_close = 1h;
  world.put(1, rule);
  auto pair = world.connect();
  pair.client.finish_sending();
  EXPECT_TRUE(pair.service.is_silent(50ms));
  world.remove(1);
  EXPECT_EQ(pair.service.wait_for_end(), 0);
}

TEST(CloseAfterBytes, PassesExactlySoManyOn) {
  RelayWorld world;
  Rule rule;
  rule.close_after_bytes = 100'000;
  world.put(1, rule);
  auto pair = world.connect();
  const std::string bytes = noise(300'000, 1);
  std::thread sends([&] {
    try {
      pair.client.send(bytes);
    } catch (const Error&) {
      // The connection may end while it sends.
    }
  });
  EXPECT_TRUE(pair.service.receive_all() == bytes.substr(0, 100'000));
  sends.join();
  EXPECT_NE(pair.client.wait_for_end(), EAGAIN);
  EXPECT_EQ(world.forward_count().closed, 1U);
}

TEST(CloseAfterBytes, CountsFromWhenTheRuleCame) {
  RelayWorld world;
  auto pair = world.connect();
  pair.client.send(std::string(1'000, 'a'));
  EXPECT_EQ(pair.service.receive(1'000).size(), 1'000U);
  Rule rule;
  rule.close_after_bytes = 10;
  world.put(1, rule);
  pair.client.send(std::string(100, 'b'));
  EXPECT_EQ(pair.service.receive_all(), std::string(10, 'b'));
}

TEST(ResetAfterBytes, ResetsBothEnds) {
  RelayWorld world;
  Rule rule;
  rule.reset_after_bytes = 10;
  world.put(1, rule, false);
  auto pair = world.connect();
  pair.service.send(std::string(50, 'x'));
  EXPECT_EQ(pair.client.wait_for_end(), ECONNRESET);
  EXPECT_EQ(pair.service.wait_for_end(), ECONNRESET);
  EXPECT_EQ(world.backward_count().bytes, 10U);
  EXPECT_EQ(world.backward_count().reset, 1U);
}

TEST(ResetAfter, SoLongResetsBothEnds) {
  RelayWorld world;
  Rule rule;
  rule.reset_after = 100ms;
  world.put(1, rule);
  const TimePoint start = Clock::now();
  auto pair = world.connect();
  EXPECT_EQ(pair.client.wait_for_end(), ECONNRESET);
  EXPECT_GE(since(start), 100ms);
  EXPECT_EQ(pair.service.wait_for_end(), ECONNRESET);
}

TEST(ResetAfter, NoTimeCutsOpenConnectionsAndNewOnes) {
  RelayWorld world;
  auto pair = world.connect();
  Rule rule;
  rule.reset_after = 0ms;
  world.put(1, rule);
  EXPECT_EQ(pair.client.wait_for_end(), ECONNRESET);
  EXPECT_EQ(pair.service.wait_for_end(), ECONNRESET);
  EXPECT_EQ(world.dial().wait_for_end(), ECONNRESET);
  EXPECT_TRUE(world.server.is_alone(50ms));
}

TEST(CloseAfter, SoLongEndsTheConnection) {
  RelayWorld world;
  Rule rule;
  rule.discard = true;
  rule.close_after = 100ms;
  world.put(1, rule);
  const TimePoint start = Clock::now();
  auto pair = world.connect();
  pair.client.send("never seen");
  EXPECT_EQ(pair.service.receive_all(), "");
  EXPECT_GE(since(start), 100ms);
  EXPECT_EQ(pair.client.wait_for_end(), 0);
  EXPECT_EQ(world.forward_count().discarded, 10U);
}

TEST(Discard, NeverStopsTheSenderAndEndsWithTheConnection) {
  RelayWorld world;
  Rule rule;
  rule.discard = true;
  world.put(1, rule);
  auto pair = world.connect();
  pair.client.send(noise(20'000'000, 1));
  EXPECT_TRUE(pair.service.is_silent(50ms));
  EXPECT_TRUE(eventually([&] { return world.forward_count().discarded == 20'000'000; }, 10s));
  world.remove(1);
  EXPECT_EQ(pair.service.receive_all(), "");
  EXPECT_EQ(pair.client.wait_for_end(), 0);
}

TEST(Refuse, ResetsNewConnectionsAndLeavesOpenOnes) {
  RelayWorld world;
  auto pair = world.connect();
  Rule rule;
  rule.refuse = true;
  world.put(1, rule);
  EXPECT_EQ(world.dial().wait_for_end(), ECONNRESET);
  EXPECT_TRUE(world.server.is_alone(50ms));
  pair.client.send("still open");
  EXPECT_EQ(pair.service.receive(10), "still open");
  EXPECT_EQ(world.forward_count().refused, 1U);
  world.remove(1);
  auto next = world.connect();
}

TEST(Share, RefusesAsManyAsItSaysAndTheSameOnesAgain) {
  const auto refused = [] {
    RelayWorld world;
    Rule rule;
    rule.refuse = true;
    rule.share = {300'000};
    rule.seed = 42;
    world.put(1, rule);
    std::vector<bool> outcome;
    std::uint64_t before = 0;
    for (std::uint64_t i = 1; i <= 200; ++i) {
      const Peer client = world.dial();
      EXPECT_TRUE(eventually([&] { return world.forward_count().total == i; }, 5s));
      const std::uint64_t after = world.forward_count().refused;
      outcome.push_back(after > std::exchange(before, after));
    }
    return outcome;
  };
  const std::vector<bool> first = refused();
  const auto count = std::count(first.begin(), first.end(), true);
  EXPECT_GT(count, 30);
  EXPECT_LT(count, 90);
  EXPECT_EQ(refused(), first);
}

TEST(AcceptDelay, KeepsTheConnectionFromTheServiceForSoLong) {
  RelayWorld world;
  Rule rule;
  rule.accept_delay = {.base = 120ms};
  world.put(1, rule);
  const TimePoint start = Clock::now();
  auto pair = world.connect();
  EXPECT_GE(since(start), 120ms);
  EXPECT_LT(since(start), kBusy);
}

TEST(Rules, OfOnePairLeaveOthersAlone) {
  RelayWorld world;
  auto other_forward = std::make_shared<RuleSet>();
  auto other_backward = std::make_shared<RuleSet>();
  std::unique_ptr<RelayListener> other;
  const Endpoint address = world.on_loop([&] {
    ListenerOptions options;
    options.bind = {boost::asio::ip::address_v4::loopback(), 0};
    options.find_upstream = proxy::dial({world.server.endpoint()});
    options.on_accept = [&](const Endpoint&) { return Rules{{other_forward, other_backward}, {}}; };
    other = std::make_unique<RelayListener>(*world.loop, options);
    return other->endpoint();
  });
  Rule rule;
  rule.hold = true;
  world.put(1, rule, true);
  world.put(1, rule, false);
  Peer client = Peer::connect(address);
  client.send("free");
  EXPECT_EQ(world.server.accept().receive(4), "free");
  world.on_loop([&] { other.reset(); });
}

}  // namespace
}  // namespace tinet::proxy::test
