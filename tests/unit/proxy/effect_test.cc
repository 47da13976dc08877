/// Rules to effects, without a socket.

#include "src/proxy/effect.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace tinet::proxy {
namespace {

using namespace std::chrono_literals;

const TimePoint kStart{std::chrono::hours(1)};

TEST(Effect, OfNoRulesIsPlain) {
  ActiveRules rules(0);
  rules.update({}, kStart, 0);
  EXPECT_TRUE(rules.effect().plain());
  EXPECT_EQ(rules.draw_delay(), 0ns);
}

TEST(Effect, IsPlainWhenOnlyEndsAndTimesAreRuled) {
  RuleSet set;
  Rule rule;
  rule.slow_close = 1s;
  rule.reset_after = 1s;
  rule.accept_delay = {.base = 1s};
  set.put(1, rule);
  ActiveRules rules(0);
  rules.update(set.entries(), kStart, 0);
  EXPECT_TRUE(rules.effect().plain());
}

TEST(Effect, AddsDelaysAndTakesTheLowestOfLimits) {
  RuleSet set;
  Rule first;
  first.delay = {.base = 10ms};
  first.bytes_per_second = 500;
  first.slow_close = 1s;
  first.close_after = 5s;
  first.reset_after_bytes = 100;
  Rule second;
  second.delay = {.base = 20ms};
  second.bytes_per_second = 300;
  second.slow_close = 2s;
  second.close_after = 3s;
  second.reset_after_bytes = 50;
  set.put(1, first);
  set.put(2, second);
  ActiveRules rules(0);
  rules.update(set.entries(), kStart, 1000);
  EXPECT_EQ(rules.draw_delay(), 30ms);
  EXPECT_EQ(rules.effect().longest_delay, 30ms);
  EXPECT_EQ(rules.effect().bytes_per_second, 300U);
  EXPECT_EQ(rules.effect().slow_close, 3s);
  EXPECT_EQ(rules.effect().close_time, kStart + 3s);
  EXPECT_EQ(rules.effect().reset_byte, 1050U);
  EXPECT_EQ(rules.effect().reset_time, kNever);
}

TEST(Effect, OfSeveralSlicersHasTheSmallestPiecesAndAllPauses) {
  RuleSet set;
  Rule rule;
  rule.slicer = Slicer{.average = 100, .variation = 0, .pause = 1ms};
  set.put(1, rule);
  rule.slicer = Slicer{.average = 10, .variation = 0, .pause = 2ms};
  set.put(2, rule);
  ActiveRules rules(0);
  rules.update(set.entries(), kStart, 0);
  EXPECT_EQ(rules.effect().slicer->average, 10U);
  EXPECT_EQ(rules.effect().slicer->pause, 3ms);
  EXPECT_EQ(rules.draw_slice(), 10U);
}

TEST(Effect, CountsFromWhenTheRuleMetTheConnection) {
  RuleSet set;
  Rule rule;
  rule.close_after = 10s;
  rule.close_after_bytes = 10;
  set.put(1, rule);
  ActiveRules rules(0);
  rules.update(set.entries(), kStart, 5);
  set.put(2, Rule());
  rules.update(set.entries(), kStart + 1s, 8);
  EXPECT_EQ(rules.effect().close_time, kStart + 10s);
  EXPECT_EQ(rules.effect().close_byte, 15U);
  // A changed rule's time starts again, its bytes do not.
  rule.close_after = 20s;
  set.put(1, rule);
  rules.update(set.entries(), kStart + 2s, 9);
  EXPECT_EQ(rules.effect().close_time, kStart + 22s);
  EXPECT_EQ(rules.effect().close_byte, 15U);
}

TEST(Effect, OfARateOfNothingIsAHold) {
  RuleSet set;
  Rule rule;
  rule.bytes_per_second = 0;
  set.put(1, rule);
  ActiveRules rules(0);
  rules.update(set.entries(), kStart, 0);
  EXPECT_TRUE(rules.effect().hold);
  EXPECT_FALSE(rules.effect().bytes_per_second);
}

TEST(Effect, OfHugeTimesAndSizesDoesNotOverflow) {
  RuleSet set;
  Rule rule;
  rule.close_after = Nanoseconds::max();
  rule.close_after_bytes = Effect::kNoLimit;
  set.put(1, rule);
  ActiveRules rules(0);
  rules.update(set.entries(), kStart, 77);
  EXPECT_EQ(rules.effect().close_time, kNever);
  EXPECT_EQ(rules.effect().close_byte, Effect::kNoLimit);
}

TEST(Share, OfNothingConcernsNobodyAndOfAllEverybody) {
  Rule rule;
  for (std::uint64_t number = 0; number < 10'000; ++number) {
    rule.seed = number / 100;
    rule.share = {0};
    EXPECT_FALSE(is_concerned(rule, number));
    rule.share = {1'000'000};
    EXPECT_TRUE(is_concerned(rule, number));
  }
}

TEST(Share, ThatGrowsKeepsThoseItConcerned) {
  Rule small;
  small.share = {200'000};
  Rule large;
  large.share = {600'000};
  int concerned = 0;
  for (std::uint64_t number = 0; number < 10'000; ++number) {
    concerned += is_concerned(small, number) ? 1 : 0;
    EXPECT_TRUE(!is_concerned(small, number) || is_concerned(large, number));
  }
  EXPECT_NEAR(concerned, 2'000, 200);
}

TEST(Draw, StaysWithinUniformJitterAndFillsIt) {
  Random random(1);
  const Delay delay{.base = 100ms, .jitter = 20ms};
  Nanoseconds least = 1h;
  Nanoseconds most{};
  for (int i = 0; i < 10'000; ++i) {
    const Nanoseconds drawn = draw(delay, random);
    least = std::min(least, drawn);
    most = std::max(most, drawn);
  }
  EXPECT_GE(least, 80ms);
  EXPECT_LT(least, 81ms);
  EXPECT_LE(most, 120ms);
  EXPECT_GT(most, 119ms);
}

TEST(Draw, IsNeverNegative) {
  Random random(1);
  const Delay delay{.base = 1ms, .jitter = 20ms, .distribution = Distribution::Normal};
  for (int i = 0; i < 10'000; ++i) {
    const Nanoseconds drawn = draw(delay, random);
    EXPECT_GE(drawn, 0ns);
    EXPECT_LE(drawn, longest(delay));
  }
}

TEST(Draw, NormalHasMeanAndDeviation) {
  Random random(3);
  const Delay delay{.base = 100ms, .jitter = 10ms, .distribution = Distribution::Normal};
  double sum = 0;
  double squares = 0;
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) {
    const double ms = std::chrono::duration<double, std::milli>(draw(delay, random)).count();
    sum += ms;
    squares += ms * ms;
  }
  const double mean = sum / kDraws;
  EXPECT_NEAR(mean, 100, 0.5);
  EXPECT_NEAR(std::sqrt(squares / kDraws - mean * mean), 10, 0.5);
}

TEST(Draw, IsTheSameForTheSameSeedAndNumber) {
  RuleSet set;
  Rule rule;
  rule.seed = 5;
  rule.delay = {.base = 10ms, .jitter = 10ms};
  set.put(1, rule);
  const auto delays = [&](std::uint64_t number) {
    ActiveRules rules(number);
    rules.update(set.entries(), kStart, 0);
    std::vector<Nanoseconds> drawn;
    for (int i = 0; i < 10; ++i) {
      drawn.push_back(rules.draw_delay());
    }
    return drawn;
  };
  EXPECT_EQ(delays(1), delays(1));
  EXPECT_NE(delays(1), delays(2));
}

TEST(Draw, OfSlicesStaysWithinTheVariation) {
  RuleSet set;
  Rule rule;
  rule.slicer = Slicer{.average = 10, .variation = 4};
  set.put(1, rule);
  ActiveRules rules(0);
  rules.update(set.entries(), kStart, 0);
  std::set<std::size_t> sizes;
  for (int i = 0; i < 1'000; ++i) {
    sizes.insert(rules.draw_slice());
  }
  EXPECT_EQ(*sizes.begin(), 6U);
  EXPECT_EQ(*sizes.rbegin(), 14U);
  EXPECT_EQ(sizes.size(), 9U);
}

TEST(RuleSet, TellsNobodyWhenNothingChanges) {
  class Counter final : public RuleObserver {
   public:
    void rules_changed() noexcept override { ++told; }
    int told = 0;
  };
  RuleSet set;
  Counter counter;
  const auto place = set.attach(counter);
  Rule rule;
  rule.hold = true;
  set.put(1, rule);
  EXPECT_EQ(counter.told, 1);
  set.put(1, rule);
  set.remove(2);
  EXPECT_EQ(counter.told, 1);
  set.clear();
  EXPECT_EQ(counter.told, 2);
  set.clear();
  EXPECT_EQ(counter.told, 2);
  set.detach(place);
  set.put(1, rule);
  EXPECT_EQ(counter.told, 2);
}

}  // namespace
}  // namespace tinet::proxy
