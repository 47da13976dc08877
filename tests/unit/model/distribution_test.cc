#include "src/model/distribution.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

namespace tinet {
namespace {

double mean(const std::vector<std::int16_t>& table) {
  return std::accumulate(table.begin(), table.end(), 0.0) / static_cast<double>(table.size());
}

double deviation(const std::vector<std::int16_t>& table) {
  const double middle = mean(table);
  double sum = 0;
  for (const std::int16_t value : table) {
    sum += (value - middle) * (value - middle);
  }
  return std::sqrt(sum / static_cast<double>(table.size()));
}

TEST(DistributionTable, NormalIsSymmetricWithTheJitterAsDeviation) {
  const auto table = distribution_table(Distribution::Normal);
  EXPECT_TRUE(std::is_sorted(table.begin(), table.end()));
  EXPECT_NEAR(mean(table), 0.0, 1.0);
  EXPECT_NEAR(deviation(table), kDistributionScale, kDistributionScale * 0.005);
  // A standard normal value is below 1 with 84.134 %.
  const auto below = std::lower_bound(table.begin(), table.end(), std::int16_t{8192});
  EXPECT_NEAR(static_cast<double>(below - table.begin()) / static_cast<double>(table.size()),
              0.84134, 0.0005);
}

TEST(DistributionTable, ParetoHasAShortLeftAndALongRightSide) {
  const auto table = distribution_table(Distribution::Pareto);
  EXPECT_TRUE(std::is_sorted(table.begin(), table.end()));
  EXPECT_NEAR(table.front(), -5461, 2);             // (1 - 1.5) * 4/3
  EXPECT_EQ(table.back(), 32767);                   // cut off
  EXPECT_NEAR(table[table.size() / 2], -2628, 20);  // (2^(1/3) - 1.5) * 4/3
}

TEST(DistributionTable, FitsNetem) {
  for (const auto distribution : {Distribution::Normal, Distribution::Pareto}) {
    EXPECT_LE(distribution_table(distribution).size(), kDistributionTableMax);
  }
}

TEST(DistributionTable, UniformAndTheUsersOwnNeedNone) {
  EXPECT_TRUE(distribution_table(Distribution::Uniform).empty());
  EXPECT_TRUE(distribution_table(Distribution::Table).empty());
}

}  // namespace
}  // namespace tinet
