#include "src/fabric/drops.h"

namespace tinet::fabric {

namespace {

std::uint64_t grown(std::uint64_t before, std::uint64_t now) {
  return now >= before ? now - before : now;
}

}  // namespace

void DropBook::read(Link link, ShapeId shape, const ShapeCounts& counts, const Drops& total) {
  Drops& last = last_[{link, shape}];
  const std::uint64_t lost = grown(last.lost, total.lost);
  const std::uint64_t overflowed = grown(last.overflowed, total.overflowed);
  const std::uint64_t undelayed = grown(last.undelayed, total.undelayed);
  last = total;
  // A queue that can lose in bursts only has no other reason, and the other way round.
  const bool loses = counts.lost.dropped.value != 0;
  const bool overflows = counts.overflowed.dropped.value != 0;
  add(link, loses ? counts.lost : counts.overflowed, lost);
  add(link, overflows ? counts.overflowed : counts.lost, overflowed);
  for (const CountId id : counts.undelayed) {
    if (undelayed > 0) {
      sums_[{link, id}] += undelayed;
    }
  }
}

void DropBook::end(ShapeId shape) {
  std::erase_if(last_, [&](const auto& queue) { return queue.first.second == shape; });
}

void DropBook::add(Link link, const DropCounts& counts, std::uint64_t packets) {
  if (packets == 0) {
    return;
  }
  sums_[{link, counts.dropped}] += packets;
  for (const CountId id : counts.undone) {
    sums_[{link, id}] += packets;
  }
}

std::vector<Count> DropBook::counts() const {
  std::vector<Count> counts;
  counts.reserve(sums_.size());
  for (const auto& [key, packets] : sums_) {
    counts.push_back({key.first, key.second, packets, 0});
  }
  return counts;
}

}  // namespace tinet::fabric
