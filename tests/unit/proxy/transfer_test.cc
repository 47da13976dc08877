/// Every byte arrives once and in order, both ways at the same time, whatever the rules are.

#include <gtest/gtest.h>

#include "tests/unit/proxy/relay_world.h"

namespace tinet::proxy::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMega = 1'000'000;

struct Case {
  std::string name;
  Rule rule;
  std::size_t bytes = 8 * kMega;
};

class Transfer : public ::testing::TestWithParam<Case> {};

/// Sends from a thread of its own and receives here.
void send_both_ways(RelayWorld::Pair& pair, std::size_t bytes) {
  const std::string up = noise(bytes, 1);
  const std::string down = noise(bytes, 2);
  std::thread sends_up([&] {
    pair.client.send(up);
    pair.client.finish_sending();
  });
  std::thread sends_down([&] {
    pair.service.send(down);
    pair.service.finish_sending();
  });
  std::string arrived_down;
  std::thread receives_down([&] { arrived_down = pair.client.receive_all(); });
  const std::string arrived_up = pair.service.receive_all();
  sends_up.join();
  sends_down.join();
  receives_down.join();
  EXPECT_EQ(arrived_up.size(), up.size());
  EXPECT_EQ(arrived_down.size(), down.size());
  EXPECT_TRUE(arrived_up == up) << "the bytes to the service differ";
  EXPECT_TRUE(arrived_down == down) << "the bytes to the client differ";
}

TEST_P(Transfer, IsExactBothWays) {
  RelayWorld world;
  world.put(1, GetParam().rule, true);
  world.put(1, GetParam().rule, false);
  auto pair = world.connect();
  send_both_ways(pair, GetParam().bytes);
  EXPECT_EQ(world.forward_count().bytes, GetParam().bytes);
  EXPECT_EQ(world.backward_count().bytes, GetParam().bytes);
}

std::vector<Case> cases() {
  Rule delay;
  delay.delay = {.base = 20ms};
  Rule jitter;
  jitter.delay = {.base = 5ms, .jitter = 5ms};
  Rule normal;
  normal.delay = {.base = 5ms, .jitter = 3ms, .distribution = Distribution::Normal};
  Rule rate;
  rate.bytes_per_second = 20 * kMega;
  Rule slicer;
  slicer.slicer = Slicer{.average = 700, .variation = 300};
  Rule slow_slicer;
  slow_slicer.slicer = Slicer{.average = 5'000, .variation = 5'000, .pause = 50us};
  Rule slow_close;
  slow_close.slow_close = 50ms;
  Rule limits_never_met;
  limits_never_met.close_after_bytes = 100 * kMega;
  limits_never_met.reset_after_bytes = 100 * kMega;
  limits_never_met.reset_after = 1h;
  Rule accept_delay;
  accept_delay.accept_delay = {.base = 10ms, .jitter = 10ms};
  Rule all;
  all.delay = {.base = 2ms, .jitter = 1ms};
  all.bytes_per_second = 10 * kMega;
  all.slicer = Slicer{.average = 3'000, .variation = 1'000};
  all.slow_close = 10ms;
  all.accept_delay = {.base = 1ms};
  return {{"None", Rule()},
          {"NoneMuch", Rule(), 64 * kMega},
          {"Delay", delay},
          {"Jitter", jitter},
          {"NormalJitter", normal},
          {"Rate", rate},
          {"Slicer", slicer, 2 * kMega},
          {"SlowSlicer", slow_slicer, kMega},
          {"SlowClose", slow_close},
          {"LimitsNeverMet", limits_never_met},
          {"AcceptDelay", accept_delay},
          {"AllTogether", all, 2 * kMega}};
}

INSTANTIATE_TEST_SUITE_P(Rules, Transfer, ::testing::ValuesIn(cases()),
                         [](const auto& example) { return example.param.name; });

TEST(TransferUnderChange, IsExactWhileRulesComeAndGo) {
  RelayWorld world;
  auto pair = world.connect();
  std::atomic<bool> is_over = false;
  std::thread changes([&] {
    Random random(7);
    while (!is_over) {
      Rule rule;
      switch (random.below(5)) {
        case 0:
          rule.hold = true;
          break;
        case 1:
          rule.delay = {.base = 3ms, .jitter = 3ms};
          break;
        case 2:
          rule.bytes_per_second = 30 * kMega;
          break;
        case 3:
          rule.slicer = Slicer{.average = 9'000, .variation = 2'000};
          break;
        default:
          break;
      }
      const bool is_forward = random.below(2) == 0;
      world.put(random.below(2), rule, is_forward);
      std::this_thread::sleep_for(1ms);
      world.remove(random.below(2), is_forward);
    }
    world.on_loop([&] {
      world.forward->clear();
      world.backward->clear();
    });
  });
  std::thread transfer([&] { send_both_ways(pair, 32 * kMega); });
  transfer.join();
  is_over = true;
  changes.join();
}

}  // namespace
}  // namespace tinet::proxy::test
