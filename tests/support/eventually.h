#pragma once
/// For conditions of the outside world that send no event to a test: asks again and again, for a
/// bounded time. Where an event exists (an exit, a byte on a pipe), wait for that instead.

#include <chrono>
#include <thread>

namespace tinet::test {

/// @return true as soon as `condition()` holds, false when it still does not after `timeout`
template <typename Condition>
[[nodiscard]] bool eventually(Condition condition, std::chrono::milliseconds timeout) {
  constexpr std::chrono::milliseconds kBetween{10};
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) {
      return false;
    }
    std::this_thread::sleep_for(kBetween);
  }
  return true;
}

}  // namespace tinet::test
