/// Partitions between real sockets: who reaches whom before, during and after.

#include <gtest/gtest.h>

#include "tests/kernel/fabric_world.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

TEST(NetnsFabric, ConnectsEveryPairAtOnce) {
  const World world(4);
  EXPECT_EQ(world.cut_links(), std::set<Link>{});
}

TEST(NetnsFabric, CutsBothDirectionsAndHeals) {
  World world(3);
  const auto report = world.fabric->apply({cut(1, {{0, 1}, {1, 0}})}, now());
  EXPECT_TRUE(report.committed);
  EXPECT_TRUE(report.atomic);
  EXPECT_EQ(report.links_changed, 2U);
  EXPECT_EQ(world.cut_links(), (std::set<Link>{{0, 1}, {1, 0}}));
  world.fabric->apply({}, now());
  EXPECT_EQ(world.cut_links(), std::set<Link>{});
}

TEST(NetnsFabric, CutsOneDirection) {
  World world(2);
  world.fabric->apply({cut(1, {{0, 1}})}, now());
  EXPECT_EQ(world.cut_links(), (std::set<Link>{{0, 1}}));
}

TEST(NetnsFabric, AuditFindsNothingWhenAllIsWell) {
  World world(3);
  world.fabric->apply({cut(1, {{0, 1}, {1, 0}}), cut(2, {{0, 1}}, now() + 10s)}, now());
  for (const Drift& drift : world.fabric->audit(now())) {
    ADD_FAILURE() << drift.what;
  }
}

}  // namespace
}  // namespace tinet::testing
