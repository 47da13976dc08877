#include "src/wire/delay_line.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "tests/support/statistics.h"

namespace tinet {
namespace {

using std::chrono::milliseconds;
using testing::deviation;
using testing::follows;
using testing::mean;

constexpr std::size_t kSamples = 100'000;

/// Waits in milliseconds, in the order of the packets.
std::vector<double> samples(const Delay& delay) {
  const DelayLine line(delay);
  WireRandom random(1);
  std::uint32_t last = random.next32();
  std::vector<double> waits;
  for (std::size_t i = 0; i < kSamples; ++i) {
    waits.push_back(static_cast<double>(line.sample(random, last).count()) / 1e6);
  }
  return waits;
}

double share_below(const std::vector<double>& values, double limit) {
  return static_cast<double>(std::count_if(values.begin(), values.end(),
                                           [&](double value) { return value < limit; })) /
         static_cast<double>(values.size());
}

Delay around_100(Distribution distribution, Ppm correlation = {}) {
  return {.delay = milliseconds(100),
          .jitter = milliseconds(10),
          .distribution = distribution,
          .correlation = correlation};
}

TEST(DelayLine, WithoutJitterEveryPacketWaitsEquallyLong) {
  const DelayLine line({.delay = milliseconds(7), .distribution = Distribution::Normal});
  EXPECT_TRUE(line.constant());
  WireRandom random(1);
  std::uint32_t last = 0;
  EXPECT_EQ(line.sample(random, last), milliseconds(7));
}

TEST(DelayLine, UniformFillsTheJitterOnBothSides) {
  const auto waits = samples(around_100(Distribution::Uniform));
  EXPECT_NEAR(*std::min_element(waits.begin(), waits.end()), 90.0, 0.01);
  EXPECT_NEAR(*std::max_element(waits.begin(), waits.end()), 110.0, 0.01);
  EXPECT_NEAR(mean(waits), 100.0, 0.1);
  EXPECT_NEAR(deviation(waits), 10.0 / std::sqrt(3.0), 0.05);
  EXPECT_NEAR(share_below(waits, 95.0), 0.25, 0.007);
}

TEST(DelayLine, NormalHasTheJitterAsDeviation) {
  const auto waits = samples(around_100(Distribution::Normal));
  EXPECT_NEAR(mean(waits), 100.0, 0.16);
  EXPECT_NEAR(deviation(waits), 10.0, 0.12);
  EXPECT_NEAR(share_below(waits, 90.0), 0.1587, 0.006);
  EXPECT_NEAR(share_below(waits, 120.0), 0.9772, 0.003);
}

TEST(DelayLine, ParetoHasALongTailAbove) {
  const auto waits = samples(around_100(Distribution::Pareto));
  EXPECT_GT(*std::min_element(waits.begin(), waits.end()), 93.0);
  EXPECT_NEAR(*std::max_element(waits.begin(), waits.end()), 140.0, 0.1);
  EXPECT_GT(mean(waits) - 100.0, -1.0);
  EXPECT_LT(share_below(waits, 100.0), 0.75);
  EXPECT_GT(share_below(waits, 100.0), 0.65);
}

TEST(DelayLine, TheUsersTableIsDrawnFromEvenly) {
  Delay delay = around_100(Distribution::Table);
  delay.table = {8192, -8192, 16384, 0};
  const auto waits = samples(delay);
  for (const double expected : {90.0, 100.0, 110.0, 120.0}) {
    EXPECT_NEAR(share_below(waits, expected + 1) - share_below(waits, expected - 1), 0.25, 0.007);
  }
}

TEST(DelayLine, NeverNegative) {
  Delay delay = around_100(Distribution::Normal);
  delay.delay = milliseconds(1);
  const auto waits = samples(delay);
  EXPECT_GE(*std::min_element(waits.begin(), waits.end()), 0.0);
  EXPECT_GT(share_below(waits, 0.0001), 0.4);
}

// Exactly so for Uniform; the normal table bends it a little.
TEST(DelayLine, CorrelationIsThatOfNeighbours) {
  for (const auto distribution : {Distribution::Uniform, Distribution::Normal}) {
    EXPECT_NEAR(follows(samples(around_100(distribution))), 0.0, 0.016);
    EXPECT_NEAR(follows(samples(around_100(distribution, {250'000}))), 0.25, 0.04);
    EXPECT_NEAR(follows(samples(around_100(distribution, {900'000}))), 0.9, 0.03);
  }
}

TEST(DelayLine, FullCorrelationRepeatsTheFirst) {
  const auto waits = samples(around_100(Distribution::Uniform, {1'000'000}));
  EXPECT_EQ(*std::min_element(waits.begin(), waits.end()),
            *std::max_element(waits.begin(), waits.end()));
}

TEST(DelayLine, ExtremesDoNotOverflow) {
  const DelayLine line({.delay = std::chrono::hours(1'000'000),
                        .jitter = std::chrono::hours(1'000'000),
                        .distribution = Distribution::Pareto});
  WireRandom random(1);
  std::uint32_t last = 0;
  for (int i = 0; i < 1000; ++i) {
    const Nanoseconds wait = line.sample(random, last);
    EXPECT_GE(wait.count(), 0);
    EXPECT_LE(wait, std::chrono::hours(1'000'000));
  }
}

}  // namespace
}  // namespace tinet
