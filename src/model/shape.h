#pragma once
/// Shapes of partitions: who can still reach whom. Pure; the only chance is the order of the
/// members, which the caller shuffles.

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "src/model/fault.h"

namespace tinet {

/// Of n members in an order given by chance:
/// - Halves: the first n/2 and the rest.
/// - Majority, Minority: n/2+1 and the rest, or (n-1)/2 and the rest: the same cut, seen from the
///   larger or from the smaller side.
/// - Random: two groups of any size.
/// - Bridge: two halves that are joined by one member, which reaches everybody.
/// - Ring: everybody reaches a majority, counting itself, and no two reach the same one. Who
///   reaches is reached: connections work or do not exist.
/// - Zones: everybody reaches their own zone only; no chance.
enum class Shape { Halves, Majority, Minority, Ring, Bridge, Zones, Random };

[[nodiscard]] std::string_view to_string(Shape shape);
/// @throws Error Usage with the nearest name as hint
[[nodiscard]] Shape parse_shape(std::string_view text);

/// The fewest members a shape makes sense for: 2 or 3.
[[nodiscard]] std::size_t members_min(Shape shape);

/// Two groups that reach each other through `joint` at most.
struct Split {
  std::vector<Endpoint> first;   ///< sorted
  std::vector<Endpoint> second;  ///< sorted
  std::optional<Endpoint> joint;
};

/// @param shape any but Ring and Zones
/// @param order the members, shuffled; at least members_min()
/// @param first_count size of the first group of Shape::Random, 1 .. order.size() - 1
[[nodiscard]] Split split_members(Shape shape, std::span<const Endpoint> order,
                                  std::size_t first_count);

/// The links that a ring cuts, sorted, both directions of each. The members sit in a circle:
/// everybody reaches the same number of neighbours on both sides, as few as make a majority, and,
/// where that number would be one too many, the member opposite instead. Three members are a bridge
/// of three, because in a circle of three everybody has everybody as a neighbour.
/// @param order the members, shuffled; at least 3
[[nodiscard]] std::vector<Link> ring_cuts(std::span<const Endpoint> order);

}  // namespace tinet
