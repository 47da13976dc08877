#pragma once
/// Seeded chance that gives the same choices on every machine and with every standard library.
/// Pure.

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace tinet {

/// One std::mt19937_64, started at `seed + stream * 0x9e3779b97f4a7c15`; the stream tells several
/// draws of one command apart, so that one seed gives them different numbers.
class Chance {
 public:
  Chance(std::uint64_t seed, std::uint64_t stream)
      : engine_(seed + stream * 0x9e3779b97f4a7c15ULL) {}

  /// A number below `bound` (1..), every one equally likely: the first output x with
  /// x < 2^64 - 2^64 mod b, taken mod b. std::uniform_int_distribution would give other numbers
  /// with another standard library.
  std::uint64_t below(std::uint64_t bound);

  /// Brings `count` of the elements, chosen by chance, to the front: the first steps of a
  /// Fisher-Yates shuffle. With `count` = size() this is a whole shuffle.
  template <typename T>
  void draw(std::vector<T>& elements, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      std::swap(elements[i], elements[i + below(elements.size() - i)]);
    }
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace tinet
