#pragma once
/// What queues the packets of one class at a receiver's port: a netem where something but the rate
/// keeps them, a first-in-first-out queue otherwise. Pure.

#include <cstdint>
#include <optional>

#include "netns/netem.h"
#include "src/model/action.h"

namespace tinet::fabric {

/// Packets that wait in a netem: 100 ms of 10 Gbit/s in frames of 1500 bytes. What comes when it is
/// full is dropped.
inline constexpr std::uint32_t kDelayQueue = 100'000;
/// Packets that wait for a rate, unless --queue says otherwise.
inline constexpr std::uint32_t kRateQueue = 1000;

struct Leaf {
  std::optional<NetemSpec> netem;  ///< nullopt: a pfifo
  std::uint32_t limit = 0;         ///< packets, of either
};

/// A netem has one queue for what is delayed and what waits for the rate, so it has room for both:
/// what the rate lets through during the longest usual delay, in packets of 750 bytes, and the
/// queue of the rate.
/// @throws Error Conflict: a netem loses in one kind of bursts
[[nodiscard]] Leaf leaf_of(const LinkAction& shape);

}  // namespace tinet::fabric
