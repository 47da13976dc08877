#pragma once
/// The packets that have no verdict yet, in the order of their arrival. Adding, removing and asking
/// for the oldest take constant time.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "src/wire/shape.h"

namespace tinet {

class WaitingPackets {
 public:
  /// Names a packet here; given again after remove().
  using Slot = std::uint32_t;

  struct Packet {
    std::uint32_t id = 0;    ///< in the kernel's queue
    std::uint32_t lane = 0;  ///< index of the engine's lane
    std::uint32_t mark = 0;  ///< when it goes on
    WireTime due{};
  };

  /// Behind all others.
  Slot add(const Packet& packet);
  void remove(Slot slot);

  [[nodiscard]] Packet& at(Slot slot) { return entries_[slot].packet; }
  [[nodiscard]] bool is_oldest(Slot slot) const { return slot == oldest_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }

 private:
  static constexpr Slot kNone = UINT32_MAX;
  struct Entry {
    Packet packet{};
    Slot older = kNone;
    Slot newer = kNone;  ///< in a free entry: the next free one
  };

  std::vector<Entry> entries_;
  Slot oldest_ = kNone;
  Slot newest_ = kNone;
  Slot free_ = kNone;
  std::size_t count_ = 0;
};

}  // namespace tinet
