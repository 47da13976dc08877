#pragma once
/// The wire's random generator: small, fast, and the same everywhere for the same seed.

#include <cstdint>

#include "src/base/units.h"

namespace tinet {

/// SplitMix64. @see Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014
class WireRandom {
 public:
  WireRandom() noexcept = default;
  explicit WireRandom(std::uint64_t seed) noexcept : state_(seed) {}
  /// Generators of different seeds or streams do not follow each other.
  WireRandom(std::uint64_t seed, std::uint64_t stream) noexcept
      : state_(WireRandom(seed).next() ^ WireRandom(~stream).next()) {}

  [[nodiscard]] std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  [[nodiscard]] std::uint32_t next32() noexcept {
    return static_cast<std::uint32_t>(next() >> 32U);
  }
  /// True with that probability.
  [[nodiscard]] bool chance(Ppm probability) noexcept {
    return ((std::uint64_t{next32()} * 1'000'000U) >> 32U) < probability.value;
  }

 private:
  std::uint64_t state_ = 0;
};

}  // namespace tinet
