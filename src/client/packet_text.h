#pragma once
/// One captured Ethernet frame as one line for people. Pure: reads foreign bytes and nothing else.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace tinet {

/// A packet as the kernel gave it.
struct Packet {
  std::int64_t time_ns = 0;          ///< since the epoch
  bool is_outgoing = false;          ///< sent by the target
  bool is_loopback = false;          ///< stayed inside the target
  std::size_t length = 0;            ///< on the wire (before segmentation), in bytes
  std::span<const std::byte> bytes;  ///< what was captured of it
};

/// "12:34:56.789012345 out 74 tcp 198.18.0.11:40000 > 198.18.0.12:20160 [S]", UTC; unknown
/// protocols by number. Truncated or malformed headers show what could be read.
[[nodiscard]] std::string packet_line(const Packet& packet);

}  // namespace tinet
