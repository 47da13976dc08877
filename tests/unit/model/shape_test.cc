#include "src/model/shape.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/model/chance.h"

namespace tinet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Endpoint> shuffled(std::size_t count, std::uint64_t seed) {
  std::vector<Endpoint> order(count);
  std::iota(order.begin(), order.end(), Endpoint{0});
  Chance(seed, 0).draw(order, count);
  return order;
}

/// Whom each member of a cluster of `count` reaches, itself included.
std::vector<std::set<Endpoint>> reached(std::size_t count, const std::vector<Link>& cuts) {
  std::vector<std::set<Endpoint>> all(count);
  for (Endpoint from = 0; from < count; ++from) {
    for (Endpoint to = 0; to < count; ++to) {
      if (!std::binary_search(cuts.begin(), cuts.end(), Link{from, to})) {
        all[from].insert(to);
      }
    }
  }
  return all;
}

TEST(Chance, DrawsTheSameOnEveryMachine) {
  EXPECT_THAT(shuffled(6, 7), ElementsAre(3, 1, 4, 0, 5, 2));
  EXPECT_NE(shuffled(6, 7), shuffled(6, 8));
}

TEST(Chance, IsFair) {
  Chance chance(1, 0);
  constexpr int kDraws = 60'000;
  std::array<int, 6> seen{};
  for (int i = 0; i < kDraws; ++i) {
    ++seen.at(chance.below(seen.size()));
  }
  for (const int count : seen) {
    EXPECT_NEAR(count, kDraws / 6, 5 * 92);  // five sigma of a binomial with p = 1/6
  }
}

TEST(Shape, HasAName) {
  for (const auto* name : {"halves", "majority", "minority", "ring", "bridge", "zones", "random"}) {
    EXPECT_EQ(to_string(parse_shape(name)), name);
  }
}

TEST(Shape, SuggestsTheNearestName) {
  try {
    static_cast<void>(parse_shape("halfs"));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_EQ(error.hint(), "did you mean 'halves'?");
    EXPECT_THAT(error.what(), HasSubstr("bridge"));
  }
}

TEST(SplitMembers, SplitsEveryNumberOfMembersInTwo) {
  for (std::size_t count = 3; count < 40; ++count) {
    const auto order = shuffled(count, count);
    for (const Shape shape :
         {Shape::Halves, Shape::Majority, Shape::Minority, Shape::Bridge, Shape::Random}) {
      SCOPED_TRACE(std::string(to_string(shape)) + " of " + std::to_string(count));
      const Split split = split_members(shape, order, 1 + count % (count - 1));
      std::vector<Endpoint> all = split.first;
      all.insert(all.end(), split.second.begin(), split.second.end());
      if (split.joint) {
        all.push_back(*split.joint);
      }
      EXPECT_EQ(split.joint.has_value(), shape == Shape::Bridge);
      EXPECT_EQ(std::set<Endpoint>(all.begin(), all.end()).size(), count);
      EXPECT_EQ(all.size(), count);
      EXPECT_FALSE(split.first.empty());
      EXPECT_FALSE(split.second.empty());
      if (shape == Shape::Majority) {
        EXPECT_EQ(split.first.size(), count / 2 + 1);
      } else if (shape == Shape::Minority) {
        EXPECT_EQ(split.second.size(), count / 2 + 1);
      } else if (shape != Shape::Random) {
        EXPECT_LE(split.second.size() - split.first.size(), 1U);
      }
    }
  }
}

TEST(RingCuts, EverybodyReachesAMajorityAndNoTwoTheSame) {
  for (std::size_t count = 3; count < 60; ++count) {
    SCOPED_TRACE(count);
    const auto cuts = ring_cuts(shuffled(count, count));
    EXPECT_FALSE(cuts.empty());
    const auto views = reached(count, cuts);
    EXPECT_EQ(std::set<std::set<Endpoint>>(views.begin(), views.end()).size(), count);
    for (const auto& view : views) {
      EXPECT_GE(view.size(), count / 2 + 1);
      EXPECT_LE(view.size(), count == 3 ? 3 : count / 2 + 2);
    }
  }
}

TEST(RingCuts, CutsBothDirections) {
  const auto cuts = ring_cuts(shuffled(9, 4));
  for (const auto& link : cuts) {
    EXPECT_TRUE(std::binary_search(cuts.begin(), cuts.end(), Link{link.to, link.from}));
  }
}

TEST(RingCuts, OfFiveLeavesTheTwoNeighbours) {
  const std::vector<Endpoint> order{0, 1, 2, 3, 4};
  const auto views = reached(5, ring_cuts(order));
  EXPECT_THAT(views[0], ElementsAre(0, 1, 4));
  EXPECT_THAT(views[3], ElementsAre(2, 3, 4));
}

TEST(RingCuts, OfThreeIsABridge) {
  const std::vector<Endpoint> order{2, 0, 1};
  EXPECT_EQ(ring_cuts(order), (std::vector<Link>{{0, 1}, {1, 0}}));
}

}  // namespace
}  // namespace tinet
