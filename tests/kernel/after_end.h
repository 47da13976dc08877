#pragma once
/// Worlds in which timed faults have ended, however slow the machine is.

#include <chrono>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "tests/kernel/fabric_world.h"

namespace tinet::testing {

/// The kernel ends an element within two of its clock ticks (4 ms each at HZ=250).
inline constexpr std::chrono::milliseconds kTick{12};

/// Waits for the moment itself, not for an effect.
inline void wait_until(MonoTime time) {
  std::this_thread::sleep_until(time);
}

struct AfterEndOptions {
  std::size_t instances = 2;
  bool ipv6 = false;
  std::chrono::milliseconds first{120};  ///< how far away the end is at first
};

/// A world in which `act(world, end)` was over before `end`, which is put off until this machine is
/// quick enough; returns when the kernel has reached the end. Its clock of a fault starts with the
/// commit, so that it is late by the time that the commit took.
template <typename Act>
std::unique_ptr<World> world_after_end(Act act, const AfterEndOptions& options = {}) {
  constexpr std::chrono::seconds kLongest{10};
  for (auto duration = options.first;; duration *= 2) {
    auto world = std::make_unique<World>(options.instances, options.ipv6);
    const auto start = now();
    const auto end = start + duration;
    act(*world, end);
    const auto took = now() - start;
    const bool in_time = took < duration;
    wait_until(end + took + kTick);
    if (in_time || duration > kLongest) {
      EXPECT_TRUE(in_time);
      return world;
    }
  }
}

}  // namespace tinet::testing
