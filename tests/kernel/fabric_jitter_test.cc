/// How long packets wait when a delay varies, as the receiver's kernel sees it: each distribution
/// by its mean, deviation and shares, correlation by the delays of neighbours.

#include <algorithm>
#include <cmath>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "tests/kernel/arrivals.h"
#include "tests/kernel/fault_actions.h"
#include "tests/kernel/fault_traffic.h"
#include "tests/support/statistics.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 7000;
constexpr std::uint32_t kPackets = 3'000;
constexpr double kDelay = 500;   // milliseconds, as all below
constexpr double kJitter = 150;  // far more than what a busy machine adds to most packets
/// What it may add to a mean, and take from the order of neighbours.
constexpr double kBusy = 0.08 * kJitter;

/// Waits in the order in which the packets were sent.
class Jitter : public ::testing::TestWithParam<int> {
 protected:
  std::vector<double> waits(Distribution distribution, Ppm correlation = {},
                            std::vector<std::int16_t> table = {}) {
    World world(2, true);
    LinkAction action;
    action.delay = Delay{500ms, 150ms, distribution, std::move(table), correlation};
    action.seed = 7;
    world.fabric->apply({acting(1, action)}, now());
    Datagrams datagrams(world, kLink, kPort, GetParam());
    auto arrivals = datagrams.exchange(kPackets, 1500ms, 300us);
    EXPECT_EQ(arrivals.size(), kPackets);
    std::sort(arrivals.begin(), arrivals.end(),
              [](const Arrival& a, const Arrival& b) { return a.number < b.number; });
    std::vector<double> all;
    for (const Arrival& arrival : arrivals) {
      all.push_back(took_ms(arrival));
    }
    return all;
  }
};
INSTANTIATE_TEST_SUITE_P(Families, Jitter, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& family) { return family.param == AF_INET ? "V4" : "V6"; });

/// The mean of as many values with that deviation, within five of its own.
void expect_mean(const std::vector<double>& values, double expected, double spread) {
  EXPECT_NEAR(mean(values), expected, 5 * spread / std::sqrt(values.size()) + kBusy)
      << "n = " << values.size();
}

/// @param of_variance the standard deviation of one squared difference, by the variance
void expect_deviation(const std::vector<double>& values, double expected, double of_variance) {
  const double sigma = expected * of_variance / 2 / std::sqrt(values.size());
  EXPECT_NEAR(deviation(values), expected, 5 * sigma + kBusy) << "n = " << values.size();
}

void expect_share_below(const std::vector<double>& values, double limit, double share) {
  const double n = static_cast<double>(values.size());
  const auto below = static_cast<double>(
      std::count_if(values.begin(), values.end(), [&](double value) { return value < limit; }));
  EXPECT_NEAR(below, n * share, 5 * std::sqrt(n * share * (1 - share)) + n * 0.04)
      << "below " << limit << ", n = " << n;
}

TEST_P(Jitter, UniformHasTheDeviationOfItsRange) {
  const auto all = waits(Distribution::Uniform);
  const double spread = kJitter / std::sqrt(3.0);
  EXPECT_GE(*std::min_element(all.begin(), all.end()), kDelay - kJitter);
  expect_mean(all, kDelay, spread);
  expect_deviation(all, spread, std::sqrt(0.8));  // fourth moment 9/5 of the variance's square
  expect_share_below(all, kDelay - kJitter / 2, 0.25);
  EXPECT_NEAR(follows(all), 0, 5 / std::sqrt(all.size()) + 0.04);
}

TEST_P(Jitter, NormalHasTheJitterAsDeviation) {
  const auto all = waits(Distribution::Normal);
  expect_mean(all, kDelay, kJitter);
  expect_deviation(all, kJitter, std::sqrt(2.0));
  expect_share_below(all, kDelay - kJitter, 0.1587);
  expect_share_below(all, kDelay, 0.5);
  EXPECT_NEAR(follows(all), 0, 5 / std::sqrt(all.size()) + 0.04);
}

/// A value is (u^(-1/3) - 3/2) * 4/3 jitters, u even in 0..1, cut off at 4 jitters.
TEST_P(Jitter, ParetoHasALongTailAbove) {
  const auto all = waits(Distribution::Pareto);
  const double spread = 0.8209 * kJitter;
  EXPECT_GE(*std::min_element(all.begin(), all.end()), kDelay - 0.6667 * kJitter);
  EXPECT_GT(*std::max_element(all.begin(), all.end()), kDelay + 3 * kJitter);
  expect_mean(all, kDelay - 0.0329 * kJitter, spread);
  expect_deviation(all, spread, 3.22);
  expect_share_below(all, kDelay - 0.5325 * kJitter, 0.25);
  expect_share_below(all, kDelay - 0.3201 * kJitter, 0.5);
  expect_share_below(all, kDelay + 0.8726 * kJitter, 0.9);
  EXPECT_NEAR(follows(all), 0, 5 / std::sqrt(all.size()) + 0.04);
}

TEST_P(Jitter, TheUsersTableIsDrawnFromEvenly) {
  const auto all = waits(Distribution::Table, {}, {8192, -8192, 16384, 0});
  expect_mean(all, kDelay + kJitter / 2, std::sqrt(1.25) * kJitter);
  expect_deviation(all, std::sqrt(1.25) * kJitter, 0.8);
  double share = 0;
  for (const double level : {-1.0, 0.0, 1.0, 2.0}) {
    // Nothing lies just below a level; above it lies what the machine adds.
    expect_share_below(all, kDelay + (level - 0.1) * kJitter, share);
    share += 0.25;
    expect_share_below(all, kDelay + (level + 0.8) * kJitter, share);
  }
}

/// As tc-netem(8) means it: a value is the one before it and a new one, mixed. That makes the
/// uniform distribution narrower.
TEST_P(Jitter, CorrelationIsThatOfNeighbours) {
  for (const double rho : {0.5, 0.9}) {
    SCOPED_TRACE(rho);
    const auto all = waits(Distribution::Uniform, Ppm{static_cast<std::uint32_t>(rho * 1e6)});
    const double spread = kJitter / std::sqrt(3.0) * std::sqrt((1 - rho) / (1 + rho));
    const double sigma = std::sqrt((1 - rho * rho) / kPackets);
    EXPECT_NEAR(follows(all), rho, 5 * sigma + 0.05) << "n = " << all.size();
    // Neighbours that are alike make a mean less certain.
    expect_mean(all, kDelay, spread * std::sqrt((1 + rho) / (1 - rho)));
    EXPECT_NEAR(deviation(all), spread, 0.15 * spread + kBusy);
  }
}

}  // namespace
}  // namespace tinet::testing
