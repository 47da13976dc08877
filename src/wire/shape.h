#pragma once
/// What the wire does to the packets of one class. The switch's rules give a packet its class (the
/// low 16 bits of its mark); the two ports that it passes are its link. Every link of a class has
/// its own state: queue, random generator, burst.

#include <cstdint>
#include <optional>
#include <vector>

#include "netns/inet.h"
#include "src/base/units.h"
#include "src/model/action.h"

namespace tinet {

/// Bits of a packet's mark that are its class; 0 is none.
inline constexpr std::uint32_t kWireClassMask = 0xffffU;

/// A point on CLOCK_MONOTONIC, as nanoseconds since its zero.
using WireTime = Nanoseconds;

/// Packets of one link and class that may wait, when the shape does not say.
inline constexpr std::uint32_t kWireQueueDefault = 10'000;

struct WireShape {
  std::optional<Delay> delay{};
  Ppm reorder{};                ///< so many packets go at once and overtake those that are delayed
  std::vector<Burst> bursts{};  ///< in series
  bool hold = false;            ///< packets are kept in order until release, or until `end`
  std::optional<WireTime> end{};    ///< when a hold lets go by itself
  std::uint64_t seed = 0;           ///< with the link: the start of the random generator
  std::uint32_t queue_packets = 0;  ///< per link; those beyond are dropped. 0: kWireQueueDefault
  friend bool operator==(const WireShape&, const WireShape&) = default;
};

/// Whether two shapes do the same to packets from `now` on: a hold that has ended is none.
[[nodiscard]] inline bool same_from(WireTime now, const WireShape& a, const WireShape& b) {
  const auto at_now = [&](WireShape shape) {
    shape.hold = shape.hold && !(shape.end && *shape.end <= now);
    return shape;
  };
  return at_now(a) == at_now(b);
}

/// What becomes of packets that a hold has kept.
enum class HeldPackets : std::uint8_t { Deliver, Drop };

/// An ordered pair of the switch's ports.
struct WireLink {
  IfIndex in{};
  IfIndex out{};
  friend auto operator<=>(const WireLink&, const WireLink&) = default;
};

/// Packets of one link and class since its first one. Each packet counts once as delayed, at_once,
/// lost, overflowed, or held; a held one once more as released or discarded.
struct WireCounters {
  std::uint64_t packets = 0;
  std::uint64_t at_once = 0;  ///< passed without waiting: no delay, or picked to overtake
  std::uint64_t delayed = 0;
  std::uint64_t lost = 0;        ///< in a burst
  std::uint64_t overflowed = 0;  ///< dropped because too many were waiting
  std::uint64_t held = 0;
  std::uint64_t released = 0;
  std::uint64_t discarded = 0;  ///< held, then dropped
  std::uint64_t waiting = 0;    ///< now
  friend bool operator==(const WireCounters&, const WireCounters&) = default;
};

struct WireLane {
  std::uint16_t number = 0;  ///< of the class
  WireLink link{};
  WireCounters counters{};
  friend bool operator==(const WireLane&, const WireLane&) = default;
};

}  // namespace tinet
