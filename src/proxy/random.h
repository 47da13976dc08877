#pragma once
/// Seeded random numbers: the same seed gives the same sequence on every machine, which the
/// standard library's distributions do not promise.

#include <cmath>
#include <cstdint>
#include <numbers>

namespace tinet::proxy {

/// SplitMix64 (Steele, Lea, Flood, 2014): eight bytes of state, so every rule of every connection
/// can afford its own. Not for secrets.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) noexcept : state_(seed) {}

  constexpr std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
  }

  /// 0 <= x < 1.
  constexpr double unit() noexcept { return static_cast<double>(next() >> 11U) * 0x1p-53; }

  /// 0 <= x < limit; 0 for a limit of 0.
  constexpr std::uint64_t below(std::uint64_t limit) noexcept {
    return limit == 0 ? 0 : next() % limit;
  }

  /// Mean 0, standard deviation 1 (Box and Muller).
  double normal() noexcept {
    const double radius = std::sqrt(-2 * std::log(1 - unit()));
    return radius * std::cos(2 * std::numbers::pi * unit());
  }

 private:
  std::uint64_t state_;
};

/// One seed out of two numbers, e.g. a rule's seed and a connection's number.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t first, std::uint64_t second) noexcept {
  return Random(Random(first).next() ^ second).next();
}

}  // namespace tinet::proxy
