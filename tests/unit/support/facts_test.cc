#include "tests/support/facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tinet::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Changes, AreNoneBetweenEqualFacts) {
  EXPECT_THAT(changes({}, {}), IsEmpty());
  EXPECT_THAT(changes({{"a", "1"}}, {{"a", "1"}}), IsEmpty());
}

TEST(Changes, NameWhatCameWentAndChanged) {
  EXPECT_THAT(changes({{"a", "1"}, {"b", "2"}, {"c", "3"}}, {{"b", "2"}, {"c", "4"}, {"d", ""}}),
              ElementsAre("- a: 1", "~ c: 3 -> 4", "+ d"));
  EXPECT_THAT(changes({}, {{"a", "1"}}), ElementsAre("+ a: 1"));
  EXPECT_THAT(changes({{"a", "1"}}, {}), ElementsAre("- a: 1"));
}

}  // namespace
}  // namespace tinet::test
