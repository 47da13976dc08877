#pragma once
/// How long a packet waits: a Delay turned into samples, with the meaning that tc-netem(8) gives to
/// jitter, distribution and correlation.

#include <cstdint>
#include <vector>

#include "src/base/units.h"
#include "src/model/action.h"
#include "src/wire/random.h"

namespace tinet {

class DelayLine {
 public:
  explicit DelayLine(const Delay& delay);

  /// The next packet's wait, never negative.
  /// @param last what the packet before it drew; a link's own, any number for the first packet
  [[nodiscard]] Nanoseconds sample(WireRandom& random, std::uint32_t& last) const;

  /// Every packet waits equally long.
  [[nodiscard]] bool constant() const noexcept { return jitter_ == 0; }

 private:
  [[nodiscard]] std::uint32_t draw(WireRandom& random, std::uint32_t& last) const;

  Nanoseconds delay_;
  double jitter_;                    ///< nanoseconds
  std::uint64_t correlation_;        ///< of 2^32
  std::vector<std::int16_t> table_;  ///< ascending; empty: uniform
};

}  // namespace tinet
