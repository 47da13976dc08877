#include "src/model/chance.h"

namespace tinet {

std::uint64_t Chance::below(std::uint64_t bound) {
  const std::uint64_t unfair = (std::mt19937_64::max() % bound + 1) % bound;
  for (;;) {
    const std::uint64_t drawn = engine_();
    if (drawn <= std::mt19937_64::max() - unfair) {
      return drawn % bound;
    }
  }
}

}  // namespace tinet
