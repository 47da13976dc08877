#include "src/fabric/mechanism.h"

#include <gtest/gtest.h>

#include "tests/unit/fabric/faults.h"

namespace tinet::fabric {
namespace {

constexpr Mechanisms kNetem{.netem = true};

LinkAction jittering(Nanoseconds jitter, Ppm correlation) {
  LinkAction action;
  action.delay = Delay{jitter, jitter, Distribution::Uniform, {}, correlation};
  return action;
}

TEST(Mechanism, IsNetemWhereTheKernelHasIt) {
  EXPECT_EQ(mechanism_of(delaying(Milliseconds(5)), kNetem), "netem");
  EXPECT_EQ(mechanism_of(delaying(Milliseconds(5)), {}), "wire");
  EXPECT_EQ(mechanism_of(jittering(Milliseconds(5), {}), kNetem), "netem");
}

TEST(Mechanism, IsTheWireForWhatNetemDoesNotDoAsAsked) {
  EXPECT_EQ(mechanism_of(jittering(Milliseconds(5), Ppm{250'000}), kNetem), "wire");
  EXPECT_EQ(mechanism_of(jittering(Milliseconds(2'147), {}), kNetem), "netem");
  EXPECT_EQ(mechanism_of(jittering(Milliseconds(2'148), {}), kNetem), "wire");
  LinkAction all = jittering(Milliseconds(5), Ppm{250'000});
  all.rate = Rate{8'000, 0, 0};
  all.loss = Ppm{1};
  EXPECT_EQ(mechanism_of(all, kNetem), "nftables+htb+wire");
}

}  // namespace
}  // namespace tinet::fabric
