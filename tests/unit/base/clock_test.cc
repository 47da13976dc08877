#include "src/base/clock.h"

#include <ctime>

#include <gtest/gtest.h>

namespace tinet {
namespace {

TEST(UnixMsNow, AgreesWithTheSystemsClockInMilliseconds) {
  const std::int64_t before = std::time(nullptr);
  const std::int64_t now = unix_ms_now();
  const std::int64_t after = std::time(nullptr);
  // time(2) may lag by a clock tick.
  EXPECT_GE(now, (before - 1) * 1000);
  EXPECT_LE(now, (after + 2) * 1000);
}

}  // namespace
}  // namespace tinet
