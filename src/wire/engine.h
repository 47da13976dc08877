#pragma once
/// When each packet goes on, or that it does not: the wire without its process. Pure: packets, time
/// and classes come in, verdicts come out.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <queue>
#include <span>
#include <unordered_map>
#include <vector>

#include "netns/queue_message.h"
#include "src/wire/board.h"
#include "src/wire/delay_line.h"
#include "src/wire/random.h"
#include "src/wire/shape.h"
#include "src/wire/waiting.h"

namespace tinet {

struct WirePacket {
  std::uint32_t id = 0;      ///< in the kernel's queue
  std::uint16_t number = 0;  ///< of its class
  WireLink link{};
  std::uint32_t other_marks = 0;  ///< the rest of its mark
};

struct WireVerdict {
  std::uint32_t id = 0;
  PacketVerdict verdict = PacketVerdict::Accept;
  bool oldest = false;  ///< no packet that came before it waits any more
  /// Of a packet that passes: without the class, which says to rules behind that it was here. It
  /// keeps the class when there was no room for it here.
  std::uint32_t mark = 0;
  friend bool operator==(const WireVerdict&, const WireVerdict&) = default;
};

/// Time may stand still between two calls but not go back.
class WireEngine {
 public:
  /// @param board where it counts; what it is made of must outlive the engine
  /// @param packets_max over all links; packets beyond are dropped as overflowed
  explicit WireEngine(WireBoard board, std::size_t packets_max = 200'000)
      : board_(board), packets_max_(packets_max) {}

  /// Makes a class or changes it: packets that wait keep their times, later ones follow the new
  /// shape; a hold that ends by the change lets its packets go. The same shape again changes
  /// nothing. @param number 1..65535
  void set_class(std::uint16_t number, const WireShape& shape, WireTime now);
  /// Packets that come from now on pass at once. Those that wait are not lost: delayed ones go at
  /// their own times, held ones with release() or at the hold's end.
  void remove_class(std::uint16_t number);
  /// Ends the holds of these classes; packets of one link go in the order of their arrival,
  /// whichever of the classes they have.
  /// @return how many packets were held
  std::uint64_t release(std::span<const std::uint16_t> numbers, HeldPackets held, WireTime now);

  /// Numbers of the classes that are there, ascending.
  [[nodiscard]] std::vector<std::uint16_t> classes() const;
  /// @param number one of them
  [[nodiscard]] const WireShape& shape_of(std::uint16_t number) const {
    return classes_.at(number).shape;
  }

  void arrive(const WirePacket& packet, WireTime now);
  /// Gives the verdicts that are due.
  void advance(WireTime now);
  /// Lets every packet go at once, in the order of arrival as far as that is not decided already.
  void deliver_all();

  /// When advance() has something to do next; nullopt: not before a packet comes.
  [[nodiscard]] std::optional<WireTime> next_due() const;

  /// Verdicts since clear_verdicts(), in the order in which packets shall go on.
  [[nodiscard]] const std::vector<WireVerdict>& verdicts() const noexcept { return verdicts_; }
  /// Whoever has to know them does: only now do the packets that pass not wait any more.
  void clear_verdicts();

  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

 private:
  struct LaneKey {
    std::uint16_t number;
    WireLink link;
    friend bool operator==(const LaneKey&, const LaneKey&) = default;
  };
  struct LaneHash {
    std::size_t operator()(const LaneKey& key) const noexcept;
  };
  /// Of the heap; packets that are due at the same time go in the order of `order`.
  struct Due {
    WireTime time{};
    std::uint64_t order = 0;
    WaitingPackets::Slot slot = 0;
    friend bool operator>(const Due& a, const Due& b) noexcept {
      return a.time != b.time ? a.time > b.time : a.order > b.order;
    }
  };

  /// A class that was removed stays until its last packet is gone.
  struct Class {
    WireShape shape{};
    std::optional<DelayLine> delay{};
    bool live = true;
    std::vector<std::uint32_t> lanes{};
    std::size_t waiting = 0;
  };
  struct Held {
    std::uint64_t order = 0;
    WaitingPackets::Slot slot = 0;
  };
  struct Lane {
    LaneKey key{};
    Class* of = nullptr;  ///< nullptr: a free entry
    WireRandom random{};
    std::uint32_t last_draw = 0;
    std::vector<bool> bad{};  ///< state of each burst
    WireTime last_due{};      ///< what no later packet may overtake
    std::deque<Held> held{};
    std::size_t waiting = 0;  ///< without a verdict
  };

  /// nullopt: the board has no room for one more.
  [[nodiscard]] std::optional<std::uint32_t> lane_of(const WirePacket& packet, Class& of);
  static void start_lane(Lane& lane);
  [[nodiscard]] static bool lost_in_burst(Lane& lane);
  [[nodiscard]] static WireTime due_of(Lane& lane, WireTime now);
  [[nodiscard]] bool overflows(const Lane& lane) const;
  void keep(std::uint32_t lane, const WirePacket& packet, WireTime due);
  void pass(std::uint32_t lane, const WireVerdict& verdict);
  Lane& finish(WaitingPackets::Slot slot, PacketVerdict verdict);
  void release_lane(std::uint32_t index, HeldPackets held, WireTime now);
  void end_holds(WireTime now);
  void find_next_end();
  void drop_class_when_done(std::uint16_t number);

  WireBoard board_;
  std::size_t packets_max_;
  std::unordered_map<std::uint16_t, Class> classes_;  ///< nodes do not move
  std::unordered_map<LaneKey, std::uint32_t, LaneHash> lane_index_;
  std::vector<Lane> lanes_;  ///< places are those of the board
  std::vector<std::uint32_t> free_lanes_;
  WaitingPackets waiting_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::uint64_t arrivals_ = 0;
  std::optional<WireTime> next_end_;
  std::vector<WireVerdict> verdicts_;
  std::vector<std::uint32_t> passing_;    ///< lanes of the verdicts that let a packet pass
  std::vector<std::uint16_t> finishing_;  ///< classes to look at after the verdicts
};

}  // namespace tinet
