#include "src/supervisor/instance_state.h"

#include <array>

#include <gtest/gtest.h>

namespace tinet {
namespace {

using enum InstanceState;
constexpr std::array kAll = {Planned, Starting, Running, Ready, Paused, Stopping, Stopped, Crashed};

TEST(InstanceState, NothingBecomesPlannedAgain) {
  for (const auto from : kAll) {
    EXPECT_FALSE(may_move(from, Planned)) << to_string(from);
  }
}

TEST(InstanceState, OnlyWhatHasNoProcessMayStart) {
  for (const auto from : kAll) {
    EXPECT_EQ(may_move(from, Starting), from == Planned || from == Stopped || from == Crashed)
        << to_string(from);
  }
}

TEST(InstanceState, ACrashNeedsAProcess) {
  EXPECT_FALSE(may_move(Planned, Crashed));
  EXPECT_FALSE(may_move(Stopped, Crashed));
  EXPECT_TRUE(may_move(Ready, Crashed));
  EXPECT_TRUE(may_move(Paused, Crashed));
}

TEST(InstanceState, ReadyIsOnlyReachedFromALivingProcess) {
  for (const auto from : kAll) {
    EXPECT_EQ(may_move(from, Ready), from == Running || from == Paused) << to_string(from);
  }
}

TEST(InstanceState, NamesAreThoseOfTheStatusDocument) {
  EXPECT_EQ(to_string(Planned), "planned");
  EXPECT_EQ(to_string(Crashed), "crashed");
  EXPECT_EQ(to_string(Stopping), "stopping");
}

}  // namespace
}  // namespace tinet
