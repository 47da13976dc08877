#pragma once
/// TCP between two network namespaces: how much goes through, and how long an answer takes.

#include <chrono>
#include <string>

#include "src/base/unique_fd.h"
#include "src/model/address.h"

namespace tinet::bench {

/// Two ends and what is between them.
struct Path {
  std::string name;
  int from = -1;  ///< network namespaces, not owned
  int to = -1;
  Ipv4 address;  ///< of `to`
};

/// The port that `to` listens on.
inline constexpr unsigned kPathPort = 7000;

/// A socket of IPv4 that lives in that namespace, with 20 s of patience. @throws Error
[[nodiscard]] UniqueFd socket_in(int space, int type);

/// One connection that sends as fast as it can for `time`.
/// @return gigabits per second, up to the moment the last byte has arrived
/// @throws Error
[[nodiscard]] double throughput(const Path& path, std::chrono::milliseconds time);

/// One byte there and one back, again and again for `time`.
/// @return median in microseconds
/// @throws Error
[[nodiscard]] double round_trip(const Path& path, std::chrono::milliseconds time);

}  // namespace tinet::bench
