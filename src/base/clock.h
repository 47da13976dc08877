#pragma once
/// The wall clock as documents and journals name it.

#include <chrono>
#include <cstdint>

namespace tinet {

/// Milliseconds since 1970, for people and files. It may jump: time spans are measured with
/// std::chrono::steady_clock.
[[nodiscard]] inline std::int64_t unix_ms_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace tinet
