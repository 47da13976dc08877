#include "src/wire/delay_line.h"

#include <algorithm>

#include "src/model/distribution.h"

namespace tinet {
namespace {

constexpr double kDraws = 4294967296.0;
/// The longest duration that words can say; far from where WireTime ends.
constexpr double kWaitMax = 3.6e18;

}  // namespace

DelayLine::DelayLine(const Delay& delay)
    : delay_(delay.delay),
      jitter_(static_cast<double>(delay.jitter.count())),
      correlation_((std::uint64_t{delay.correlation.value} << 32U) / 1'000'000U),
      table_(delay.distribution == Distribution::Table ? delay.table
                                                       : distribution_table(delay.distribution)) {
  // The high bits of a draw choose the entry, so in an ascending table neighbours in time are
  // neighbours in value, which is what correlation means.
  std::sort(table_.begin(), table_.end());
}

std::uint32_t DelayLine::draw(WireRandom& random, std::uint32_t& last) const {
  const std::uint64_t fresh = random.next32();
  if (correlation_ == 0) {
    return static_cast<std::uint32_t>(fresh);
  }
  constexpr std::uint64_t kOne = std::uint64_t{1} << 32U;
  last = static_cast<std::uint32_t>((fresh * (kOne - correlation_) + last * correlation_) >> 32U);
  return last;
}

Nanoseconds DelayLine::sample(WireRandom& random, std::uint32_t& last) const {
  if (constant()) {
    return delay_;
  }
  const std::uint32_t drawn = draw(random, last);
  double deviation = 0;  // in jitters
  if (table_.empty()) {
    deviation = 2.0 * (drawn / kDraws) - 1.0;
  } else {
    const auto index = static_cast<std::size_t>((std::uint64_t{drawn} * table_.size()) >> 32U);
    deviation = table_[index] / kDistributionScale;
  }
  const double wait = static_cast<double>(delay_.count()) + deviation * jitter_;
  return Nanoseconds(static_cast<Nanoseconds::rep>(std::clamp(wait, 0.0, kWaitMax)));
}

}  // namespace tinet
