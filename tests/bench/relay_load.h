#pragma once
/// The load that relays are measured with: a server that swallows or echoes, and clients that send.

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <sys/types.h>

namespace tinet::bench {

/// A process that serves 127.0.0.1:`port` until this one ends. The first byte of a connection says
/// how: 's' swallows and answers a line end with one byte, 'e' echoes.
/// @throws Error when the port cannot be had
pid_t start_server(std::uint16_t port);

struct Throughput {
  double bytes = 0;
  double seconds = 0;  ///< until the server has swallowed the last byte
};

/// Sends messages of `size` bytes over `connections` connections as fast as they are taken.
/// @throws Error
[[nodiscard]] Throughput stream(std::uint16_t port, std::size_t connections, std::size_t size,
                                std::chrono::milliseconds time);

struct RoundTrips {
  double median_us = 0;
  double p99_us = 0;
};

/// One message of `size` bytes at a time, there and back.
/// @throws Error
[[nodiscard]] RoundTrips ping(std::uint16_t port, std::size_t size, std::chrono::milliseconds time);

}  // namespace tinet::bench
