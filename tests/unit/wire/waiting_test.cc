#include "src/wire/waiting.h"

#include <gtest/gtest.h>

namespace tinet {
namespace {

TEST(WaitingPackets, KnowsTheOldestWhicheverGoes) {
  WaitingPackets waiting;
  const auto a = waiting.add({.id = 1});
  const auto b = waiting.add({.id = 2});
  const auto c = waiting.add({.id = 3});
  EXPECT_TRUE(waiting.is_oldest(a));
  waiting.remove(b);
  EXPECT_TRUE(waiting.is_oldest(a));
  waiting.remove(a);
  EXPECT_TRUE(waiting.is_oldest(c));
  const auto d = waiting.add({.id = 4});
  EXPECT_EQ(waiting.at(d).id, 4U);
  waiting.remove(c);
  EXPECT_TRUE(waiting.is_oldest(d));
  waiting.remove(d);
  EXPECT_TRUE(waiting.empty());
}

TEST(WaitingPackets, UsesFreedPlacesAgain) {
  WaitingPackets waiting;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const auto slot = waiting.add({.id = i});
    EXPECT_EQ(slot, 0U);
    EXPECT_TRUE(waiting.is_oldest(slot));
    waiting.remove(slot);
  }
}

}  // namespace
}  // namespace tinet
