#include "src/model/shape.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet {

namespace {

constexpr std::array kShapes{
    std::pair{Shape::Halves, "halves"},     std::pair{Shape::Majority, "majority"},
    std::pair{Shape::Minority, "minority"}, std::pair{Shape::Ring, "ring"},
    std::pair{Shape::Bridge, "bridge"},     std::pair{Shape::Zones, "zones"},
    std::pair{Shape::Random, "random"}};

std::vector<Endpoint> sorted(std::span<const Endpoint> members) {
  std::vector<Endpoint> copy(members.begin(), members.end());
  std::sort(copy.begin(), copy.end());
  return copy;
}

}  // namespace

std::string_view to_string(Shape shape) {
  for (const auto& [known, name] : kShapes) {
    if (known == shape) {
      return name;
    }
  }
  return "unknown";
}

Shape parse_shape(std::string_view text) {
  std::vector<std::string> names;
  for (const auto& [shape, name] : kShapes) {
    if (text == name) {
      return shape;
    }
    names.emplace_back(name);
  }
  const std::string meant = nearest(text, names);
  throw_usage(
      "--shape: '" + std::string(text) + "' is not a shape (has: " + join(names, ", ") + ")",
      meant.empty() ? "" : "did you mean '" + meant + "'?");
}

std::size_t members_min(Shape shape) {
  switch (shape) {
    case Shape::Halves:
    case Shape::Random:
    case Shape::Zones:
      return 2;
    case Shape::Majority:
    case Shape::Minority:
    case Shape::Ring:
    case Shape::Bridge:
      return 3;
  }
  return 3;
}

Split split_members(Shape shape, std::span<const Endpoint> order, std::size_t first_count) {
  TINET_ASSERT(order.size() >= members_min(shape));
  Split split;
  if (shape == Shape::Bridge) {
    split.joint = order.front();
    order = order.subspan(1);
  }
  std::size_t first = order.size() / 2;
  if (shape == Shape::Majority) {
    first = order.size() / 2 + 1;
  } else if (shape == Shape::Minority) {
    first = (order.size() - 1) / 2;
  } else if (shape == Shape::Random) {
    first = first_count;
  }
  TINET_ASSERT(first >= 1 && first < order.size());
  split.first = sorted(order.first(first));
  split.second = sorted(order.subspan(first));
  return split;
}

std::vector<Link> ring_cuts(std::span<const Endpoint> order) {
  const std::size_t count = order.size();
  TINET_ASSERT(count >= members_min(Shape::Ring));
  const std::size_t reached = count / 2;  // others that make a majority together with oneself
  const bool opposite = reached % 2 == 1 && count % 2 == 0;
  const std::size_t side = opposite ? reached / 2 : (reached + 1) / 2;
  const auto reaches = [&](std::size_t from, std::size_t to) {
    const std::size_t ahead = (to + count - from) % count;
    const std::size_t distance = std::min(ahead, count - ahead);
    if (count == 3) {
      return from == 0 || to == 0;
    }
    return distance <= side || (opposite && 2 * distance == count);
  };
  std::vector<Link> cuts;
  for (std::size_t from = 0; from < count; ++from) {
    for (std::size_t to = 0; to < count; ++to) {
      if (from != to && !reaches(from, to)) {
        cuts.push_back({order[from], order[to]});
      }
    }
  }
  std::sort(cuts.begin(), cuts.end());
  return cuts;
}

}  // namespace tinet
