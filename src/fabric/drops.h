#pragma once
/// What queues of ports and the wire have dropped, which no rule can count: readings of their own
/// counters become counts like those of the rules. Pure.

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "src/fabric/registry.h"
#include "src/fabric/tally.h"

namespace tinet::fabric {

/// Of one link and shape, since its queue was made.
struct Drops {
  std::uint64_t lost = 0;        ///< in a burst
  std::uint64_t overflowed = 0;  ///< for want of room, or with a hold or a process that ended
  std::uint64_t undelayed = 0;   ///< passed without having been there
};

class DropBook {
 public:
  /// What a queue says now. One that says less than before was made anew meanwhile.
  void read(Link link, ShapeId shape, const ShapeCounts& counts, const Drops& total);
  /// The queue is gone: the next one of this link and shape starts from zero.
  void end(Link link, ShapeId shape) { last_.erase({link, shape}); }
  /// All queues are gone.
  void end_all() { last_.clear(); }
  /// All queues of a shape are gone.
  void end(ShapeId shape);

  /// All that was read so far, also from queues that are gone.
  [[nodiscard]] std::vector<Count> counts() const;

 private:
  void add(Link link, const DropCounts& counts, std::uint64_t packets);

  std::map<std::pair<Link, ShapeId>, Drops> last_;
  std::map<std::pair<Link, CountId>, std::uint64_t> sums_;
};

}  // namespace tinet::fabric
