#pragma once
/// Numbers that no other process has.

#include <cstdint>
#include <random>

namespace tinet::refstore {

/// From the kernel's generator; 1..2^53-1, so that it survives JSON readers that keep numbers as
/// doubles.
[[nodiscard]] inline std::uint64_t random_id() {
  std::random_device device;
  std::uniform_int_distribution<std::uint64_t> range(1, (std::uint64_t{1} << 53) - 1);
  return range(device);
}

}  // namespace tinet::refstore
