#pragma once
/// Datagrams between two network namespaces: how late they come, and how many get through.

#include <chrono>
#include <cstdint>
#include <vector>

#include "tests/bench/path_load.h"

namespace tinet::bench {

/// Sends `count` datagrams, `gap` apart, so that none waits for another.
/// @return how long each took that arrived, from before the call that sent it to its arrival in the
///         receiver's kernel, in milliseconds, ascending
/// @throws Error when none arrived
[[nodiscard]] std::vector<double> travel_times(const Path& path, std::uint32_t count,
                                               std::chrono::microseconds gap);

/// What came of sending for a while.
struct PacketRate {
  double per_second = 0;  ///< that arrived
  double lost = 0;
  /// Processor time of the whole machine for each that arrived, in microseconds: kernel, sender and
  /// receiver, and whatever else runs.
  double cpu_us = 0;
};

/// Sends small datagrams as fast as they arrive: never more than some thousands are on their way,
/// so that no queue is too short.
/// @throws Error
[[nodiscard]] PacketRate packet_rate(const Path& path, std::chrono::milliseconds time);

/// Sends `count` small datagrams and does not wait for them.
/// @throws Error
void send_datagrams(const Path& path, std::uint32_t count);

}  // namespace tinet::bench
