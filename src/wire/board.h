#pragma once
/// Where the wire counts: memory that its process writes and its owner reads, so that the counts
/// are there when the process is not. Pure: works on any memory; the one that both share is made by
/// shared_memory.h.
///
/// A header, then one entry per lane. One thread writes; readers may look at any time. A counter is
/// never half written; counters of one lane are read one after the other. The reader takes nothing
/// for granted: whatever bytes are there, it reads within them and comes to an end.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/wire/shape.h"

namespace tinet {

struct WireReport {
  std::vector<WireLane> lanes{};
  /// Packets that the kernel did not hand over because messages came faster than they were read.
  std::uint64_t missed = 0;
};

/// The writer's end.
class WireBoard {
 public:
  /// Bytes for so many lanes.
  [[nodiscard]] static std::size_t size_for(std::size_t lanes) noexcept;

  /// @param memory zeroed, aligned for std::uint64_t, at least size_for(0); borrowed
  explicit WireBoard(std::span<std::byte> memory) noexcept;

  /// How many lanes there can be.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  /// Gives an entry to a lane, with zeros. @param index below capacity()
  void open(std::size_t index, std::uint16_t number, WireLink link) noexcept;
  /// Nobody's entry any more.
  void close(std::size_t index) noexcept;
  /// @param counter e.g. &WireCounters::lost
  void add(std::size_t index, std::uint64_t WireCounters::*counter,
           std::uint64_t more = 1) noexcept;
  void subtract(std::size_t index, std::uint64_t WireCounters::*counter) noexcept;
  void set_missed(std::uint64_t packets) noexcept;

 private:
  std::byte* memory_;
  std::size_t capacity_;
};

/// What a board says now; lanes whose entry changes hands meanwhile are left out.
/// @param memory aligned for std::uint64_t
[[nodiscard]] WireReport read_board(std::span<const std::byte> memory);

}  // namespace tinet
