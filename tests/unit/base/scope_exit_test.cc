#include "src/base/scope_exit.h"

#include <memory>
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

namespace tinet {
namespace {

TEST(ScopeExit, RunsOnceAtTheEndOfTheScope) {
  int runs = 0;
  {
    const ScopeExit guard([&] { ++runs; });
    EXPECT_EQ(runs, 0);
  }
  EXPECT_EQ(runs, 1);
}

TEST(ScopeExit, RunsWhenAnExceptionPasses) {
  int runs = 0;
  try {
    const ScopeExit guard([&] { ++runs; });
    throw std::runtime_error("x");
  } catch (const std::runtime_error&) {
    EXPECT_EQ(runs, 1);
  }
}

TEST(ScopeExit, StaysSilentWhenDismissed) {
  int runs = 0;
  {
    ScopeExit guard([&] { ++runs; });
    guard.dismiss();
    guard.dismiss();
  }
  EXPECT_EQ(runs, 0);
}

TEST(ScopeExit, RunsInReverseOrder) {
  std::string order;
  {
    const ScopeExit first([&] { order += "1"; });
    const ScopeExit second([&] { order += "2"; });
  }
  EXPECT_EQ(order, "21");
}

TEST(ScopeExit, TakesMoveOnlyActions) {
  int seen = 0;
  {
    const ScopeExit guard([&seen, value = std::make_unique<int>(7)] { seen = *value; });
  }
  EXPECT_EQ(seen, 7);
}

}  // namespace
}  // namespace tinet
