#pragma once
/// What the switch's one nftables table says, as plain data: its maps and chains, and the elements
/// that make one link follow its schedule. Pure.
///
///     map decide    iif . oif : mark     the one lookup that chooses for a link
///     map targets   mark : verdict       fixed: what the marks in `decide` stand for
///     map layer_a1 .. layer_a8, layer_b1 .. layer_b8    iif . oif : verdict, stacks a and b:
///     effects
///                                                       that uncover one another as they time out
///     map count_a0 .. count_b8    iif . oif : counter, without timeouts, so that counts outlive
///                                 the element that sent the packet there
///     chain layers_a    asks layer_a1 .. layer_a8 in order; the first hit decides
///     chain drop_a3     counts in count_a3, then drops
///
/// A link with one effect has one element, in `decide`, which stands for a chain like drop_a0 and
/// has the effect's end as its timeout. A link with several ends has the mark of layers_a in
/// `decide` and one element per entry of its schedule in that stack. A change writes the other
/// stack and flips the element in `decide`; what the old stack holds for the link is removed by the
/// next change. So a packet meets either the old entries or the new ones: one commit is atomic per
/// lookup only, and this is the one lookup that chooses.
///
/// `decide` holds marks, not verdicts, because the kernel follows every verdict of every element
/// again at each commit to look for loops, which through layers_a would take the square of the
/// number of links.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/fabric/effects.h"
#include "src/model/fault.h"

namespace tinet::fabric {

/// Entries that one schedule can have.
inline constexpr std::size_t kLayersMax = 8;

enum class Stack : std::uint8_t { A, B };

[[nodiscard]] constexpr Stack other(Stack stack) noexcept {
  return stack == Stack::A ? Stack::B : Stack::A;
}

/// A place from which packets are sent to an effect's chain. Layer 0 is the map `decide`, for links
/// whose change uses this stack without needing its layers.
struct Slot {
  Stack stack = Stack::A;
  std::uint8_t layer = 0;  ///< 0..kLayersMax
  friend auto operator<=>(const Slot&, const Slot&) = default;
};

/// All slots, ascending.
[[nodiscard]] std::vector<Slot> all_slots();
/// "a0", "b8".
[[nodiscard]] std::string to_string(Slot slot);

struct MapId {
  /// In the order in which a change must fill them: `decide` comes last.
  enum class Kind : std::uint8_t { Counters, Layer, Decide };
  Kind kind = Kind::Decide;
  Slot slot;  ///< of Counters and Layer
  friend auto operator<=>(const MapId&, const MapId&) = default;
};

/// "decide", "layer_a1", "count_a0".
[[nodiscard]] std::string map_name(const MapId& map);
/// Every map of the table.
[[nodiscard]] std::vector<MapId> all_maps();

/// Where an element sends the packet.
struct Target {
  std::optional<Effect> effect;  ///< none: on to the layers of slot.stack
  Slot slot;                     ///< whose counters the effect's chain uses
  friend bool operator==(const Target&, const Target&) = default;
};

/// "layers_a", "drop_a0".
[[nodiscard]] std::string chain_name(const Target& target);
/// The mark that stands for a target in `decide`: 0xa for layers_a, 0xda0 for drop_a0. Only targets
/// of layer 0 have one.
[[nodiscard]] std::uint32_t mark_of(const Target& target);

/// An element of `decide` or of a layer.
struct Element {
  MapId map;
  Link link;
  Target target;
  std::optional<MonoTime> end;
  friend bool operator==(const Element&, const Element&) = default;
};

/// A counter and its element in the slot's counter map.
struct CounterId {
  Slot slot;
  Link link;
  friend auto operator<=>(const CounterId&, const CounterId&) = default;
};

/// "a0.3.17": slot and the numbers of the link's endpoints.
[[nodiscard]] std::string counter_name(const CounterId& counter);
/// nullopt for a name that counter_name() does not make.
[[nodiscard]] std::optional<CounterId> parse_counter_name(std::string_view name);

/// Makes a link follow a schedule, by means of one of the stacks.
struct LinkRules {
  Stack stack = Stack::A;
  Schedule schedule;  ///< not empty
  friend bool operator==(const LinkRules&, const LinkRules&) = default;
};

/// The slot that entry `index` of the schedule is counted in.
[[nodiscard]] Slot slot_of(const LinkRules& rules, std::size_t index);
/// The elements that the kernel must hold; the one of `decide` is the first.
[[nodiscard]] std::vector<Element> elements_of(Link link, const LinkRules& rules);

}  // namespace tinet::fabric
