#include "src/fabric/leaf.h"

#include <algorithm>
#include <chrono>

#include "src/base/error.h"
#include "src/model/distribution.h"

namespace tinet::fabric {

namespace {

std::uint32_t rate_queue(const Rate& rate) {
  return rate.queue_packets > 0 ? rate.queue_packets : kRateQueue;
}

std::uint32_t netem_limit(const LinkAction& shape) {
  if (!shape.rate) {
    return kDelayQueue;
  }
  constexpr double kPacketBits = 750 * 8;
  std::chrono::duration<double> longest{};
  if (shape.delay) {
    longest = shape.delay->delay + 4 * shape.delay->jitter;
  }
  const double on_their_way =
      static_cast<double>(shape.rate->bits_per_second) * longest.count() / kPacketBits;
  return rate_queue(*shape.rate) +
         static_cast<std::uint32_t>(std::min<double>(on_their_way + 1, kDelayQueue));
}

}  // namespace

Leaf leaf_of(const LinkAction& shape) {
  LinkAction rest = shape;
  rest.rate.reset();
  if (!rest.shapes()) {
    return {std::nullopt, shape.rate ? rate_queue(*shape.rate) : kRateQueue};
  }
  NetemSpec spec;
  if (shape.delay) {
    spec.delay = shape.delay->delay;
    spec.jitter = shape.delay->jitter;
    spec.table = shape.delay->distribution == Distribution::Table
                     ? shape.delay->table
                     : distribution_table(shape.delay->distribution);
    spec.delay_correlation = fraction(shape.delay->correlation);
  }
  if (shape.bursts.size() > 1) {
    throw_conflict("cannot combine two losses in bursts on one link: netem has room for one",
                   "heal one of them first");
  }
  if (!shape.bursts.empty()) {
    spec.burst_loss =
        NetemLoss{fraction(shape.bursts[0].begin), fraction(shape.bursts[0].end), 1, 0};
  }
  spec.reorder = fraction(shape.reorder);
  spec.limit = netem_limit(shape);
  return {spec, spec.limit};
}

}  // namespace tinet::fabric
