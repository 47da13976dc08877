/// A hold stops everything and loses nothing.

#include <cerrno>

#include <gtest/gtest.h>

#include "tests/support/eventually.h"
#include "tests/unit/proxy/relay_world.h"

namespace tinet::proxy::test {
namespace {

using namespace std::chrono_literals;
using tinet::test::eventually;

Rule hold() {
  Rule rule;
  rule.hold = true;
  return rule;
}

TEST(Hold, KeepsEveryByteAndPassesThemOnAfterwards) {
  RelayWorld world;
  auto pair = world.connect();
  pair.client.send("before");
  EXPECT_EQ(pair.service.receive(6), "before");

  world.put(1, hold());
  const std::string bytes = noise(100'000, 3);
  pair.client.send(bytes);
  EXPECT_TRUE(pair.service.is_silent(100ms));
  pair.service.send("the other way is open");
  EXPECT_EQ(pair.client.receive(21), "the other way is open");

  world.remove(1);
  EXPECT_EQ(pair.service.receive(bytes.size()), bytes);
  EXPECT_TRUE(pair.service.is_silent(50ms));
}

TEST(Hold, StopsTheSenderInsteadOfFillingMemory) {
  RelayWorld world;
  auto pair = world.connect();
  world.put(1, hold());
  const std::size_t taken = pair.client.fill();
  EXPECT_EQ(world.forward_count().bytes, 0U);
  world.remove(1);
  EXPECT_EQ(pair.service.receive(taken).size(), taken);
}

TEST(Hold, InTheMiddleOfATransferLosesNothing) {
  RelayWorld world;
  auto pair = world.connect();
  const std::string bytes = noise(40'000'000, 4);
  std::thread sends([&] {
    pair.client.send(bytes);
    pair.client.finish_sending();
  });
  std::string arrived;
  for (int i = 0; i < 10; ++i) {
    arrived += pair.service.receive(3'000'000);
    world.put(1, hold());
    world.remove(1);
  }
  arrived += pair.service.receive_all();
  sends.join();
  EXPECT_TRUE(arrived == bytes);
}

TEST(Hold, KeepsTheEndOfTheStreamBack) {
  RelayWorld world;
  auto pair = world.connect();
  world.put(1, hold());
  pair.client.send("last words");
  pair.client.finish_sending();
  EXPECT_TRUE(pair.service.is_silent(100ms));
  world.remove(1);
  EXPECT_EQ(pair.service.receive_all(), "last words");
}

TEST(Hold, KeepsAResetBack) {
  RelayWorld world;
  auto pair = world.connect();
  world.put(1, hold());
  pair.client.reset();
  EXPECT_TRUE(pair.service.is_silent(100ms));
  world.remove(1);
  EXPECT_EQ(pair.service.wait_for_end(), ECONNRESET);
}

TEST(Hold, OfBothWaysWithBothPeersGoneKeepsNoConnection) {
  RelayWorld world;
  auto pair = world.connect();
  world.put(1, hold(), true);
  world.put(1, hold(), false);
  pair.client.reset();
  pair.service.reset();
  EXPECT_TRUE(eventually([&] { return world.open() == 0; }, 5s));
}

TEST(Hold, LetsNoNewConnectionThrough) {
  for (const bool is_forward : {true, false}) {
    RelayWorld world;
    world.put(1, hold(), is_forward);
    Peer client = world.dial();
    client.send("hello");
    EXPECT_TRUE(world.server.is_alone(100ms));
    world.remove(1, is_forward);
    Peer service = world.server.accept();
    EXPECT_EQ(service.receive(5), "hello");
  }
}

TEST(Hold, ForgetsADialerThatGivesUp) {
  RelayWorld world;
  world.put(1, hold());
  Peer client = world.dial();
  EXPECT_TRUE(eventually([&] { return world.open() == 1; }, 5s));
  client.reset();
  EXPECT_TRUE(eventually([&] { return world.open() == 0; }, 5s));
  world.remove(1);
  EXPECT_TRUE(world.server.is_alone(100ms));
}

TEST(Hold, IsMeantByARateOfNothing) {
  RelayWorld world;
  auto pair = world.connect();
  Rule rule;
  rule.bytes_per_second = 0;
  world.put(1, rule);
  pair.client.send("x");
  EXPECT_TRUE(pair.service.is_silent(100ms));
  rule.bytes_per_second = 1'000'000;
  world.put(1, rule);
  EXPECT_EQ(pair.service.receive(1), "x");
}

}  // namespace
}  // namespace tinet::proxy::test
