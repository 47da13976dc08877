#include "src/fabric/registry.h"

#include <limits>

#include "src/base/error.h"

namespace tinet::fabric {

CountId Registry::count_id(const Counted& counted) {
  const auto next = static_cast<std::uint32_t>(by_count_.size() + 1);
  const auto [at, is_new] = counts_.try_emplace(counted, CountId{next});
  if (is_new) {
    by_count_.push_back(&at->first);
  }
  return at->second;
}

const Counted* Registry::counted(CountId id) const {
  return id.value >= 1 && id.value <= by_count_.size() ? by_count_[id.value - 1] : nullptr;
}

ShapeId Registry::shape_id(const LinkAction& shape, const ShapeCounts& counts) {
  const auto known = shapes_.find({shape, counts});
  if (known != shapes_.end()) {
    return known->second;
  }
  if (by_shape_.size() == std::numeric_limits<std::uint16_t>::max()) {
    throw_conflict("cannot shape links in more than 65535 different ways", "heal some faults");
  }
  // Numbers go round, so that one that was just given back rests for a while.
  do {
    ++last_shape_;
  } while (last_shape_ == 0 || by_shape_.contains({last_shape_}));
  const auto at = shapes_.emplace(Shape{shape, counts}, ShapeId{last_shape_}).first;
  by_shape_.emplace(at->second, &at->first);
  return at->second;
}

void Registry::forget(ShapeId shape) {
  const auto known = by_shape_.find(shape);
  if (known == by_shape_.end()) {
    return;
  }
  shapes_.erase(shapes_.find(*known->second));
  by_shape_.erase(known);
}

void Registry::keep_only(const std::set<ShapeId>& shapes) {
  std::vector<ShapeId> others;
  for (const auto& [id, shape] : by_shape_) {
    if (!shapes.contains(id)) {
      others.push_back(id);
    }
  }
  for (const ShapeId id : others) {
    forget(id);
  }
}

LinkAction shape_of(const LinkAction& action) {
  LinkAction shape;
  shape.bursts = action.bursts;
  shape.delay = action.delay;
  shape.reorder = action.reorder;
  shape.rate = action.rate;
  shape.hold = action.hold;
  shape.hold_until = action.hold_until;
  shape.holder = action.holder;
  shape.seed = action.seed;
  return shape;
}

}  // namespace tinet::fabric
