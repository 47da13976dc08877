#pragma once
/// Numbers for what rules refer to: what a packet is counted as, and how it is shaped. The same
/// thing always has the same number. Pure.

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "src/model/fault.h"

namespace tinet::fabric {

/// What happens to a packet, as it is counted.
enum class Happening : std::uint8_t {
  Passed,  ///< could have been lost, and was not
  Dropped,
  Rejected,
  Delayed,
  Held,
  Duplicated,
  Corrupted,
  // What a queue or the wire dropped had been counted as one of these before.
  NotPassed,
  NotDelayed,
  NotHeld
};

/// Whose number grows. What several faults do to one packet counts once for each of them, and once
/// for the link.
enum class CountsFor : std::uint8_t { Both, Faults, Link };

/// For which faults something happened.
struct Counted {
  Happening what = Happening::Dropped;
  std::vector<FaultId> faults;  ///< ascending; none when it counts for the link only
  CountsFor counts_for = CountsFor::Both;
  friend auto operator<=>(const Counted&, const Counted&) = default;
};

/// 1.. ; never used again.
struct CountId {
  std::uint32_t value = 0;
  friend auto operator<=>(const CountId&, const CountId&) = default;
};

/// 1..65535: a class of the wire, and half of the name of a port's class.
struct ShapeId {
  std::uint16_t value = 0;
  friend auto operator<=>(const ShapeId&, const ShapeId&) = default;
};

/// What a packet counts as that a queue or the wire drops for one reason.
struct DropCounts {
  CountId dropped{};              ///< 0 when there is no such reason
  std::vector<CountId> undone{};  ///< it had been counted as something that it is not now
  friend auto operator<=>(const DropCounts&, const DropCounts&) = default;
};

struct ShapeCounts {
  DropCounts lost{};        ///< in a burst
  DropCounts overflowed{};  ///< for want of room, or because a hold was dropped
  /// Not dropped, but passed because there was no wire: what it had been counted as.
  std::vector<CountId> undelayed{};
  friend auto operator<=>(const ShapeCounts&, const ShapeCounts&) = default;
};

class Registry {
 public:
  [[nodiscard]] CountId count_id(const Counted& counted);
  /// nullptr for a number that count_id() never gave out.
  [[nodiscard]] const Counted* counted(CountId id) const;

  /// A number stands for faults, too, so that what is dropped there is theirs for certain.
  /// @param shape only the members that shape, see shape_of()
  /// @throws Error Conflict when 65535 shapes are in use
  [[nodiscard]] ShapeId shape_id(const LinkAction& shape, const ShapeCounts& counts);
  /// The number may be given to another shape.
  void forget(ShapeId shape);
  /// Forgets all others, such as those of plans that came to nothing.
  void keep_only(const std::set<ShapeId>& shapes);

 private:
  std::map<Counted, CountId> counts_;
  std::vector<const Counted*> by_count_;
  using Shape = std::pair<LinkAction, ShapeCounts>;
  std::map<Shape, ShapeId> shapes_;
  std::map<ShapeId, const Shape*> by_shape_;
  std::uint16_t last_shape_ = 0;
};

/// The part of an action that makes packets wait; the seed belongs to it.
[[nodiscard]] LinkAction shape_of(const LinkAction& action);

}  // namespace tinet::fabric
