#pragma once
/// The lab's unreliable server: some connections are closed unheard, on some the request is carried
/// out but its reply is lost. Drawn once per accepted connection from a seeded generator.

#include <cstdint>
#include <random>

#include "src/http/server.h"

namespace tinet::refstore {

using http::Fate;

class Unreliable {
 public:
  explicit Unreliable(std::uint64_t seed) : random_(seed) {}

  /// 10 % Discard; of the others 20 % Mute; so 10, 18 and 72 %.
  [[nodiscard]] Fate draw() {
    if (random_() % 1000 < 100) {
      return Fate::Discard;
    }
    return random_() % 1000 < 200 ? Fate::Mute : Fate::Serve;
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace tinet::refstore
