#pragma once
/// What the switch's nftables table says about links, as plain data: its maps, and the elements
/// that make one link follow its schedule. Pure.
///
///     map decide    iif . oif : mark     the one lookup that chooses for a link
///     map targets   mark : verdict       what the marks in `decide` stand for
///     map layer_a1 .. layer_a8, layer_b1 .. layer_b8    iif . oif : verdict, stacks a and b:
///     treatments
///                                                       that uncover one another as they time out
///     chain layers_a    asks layer_a1 .. layer_a8 in order; the first hit decides
///     chain t17         treatment 17: the rules of one effect (treatment.h)
///     set counts        iif . oif . mark : counter, filled by the rules; outlives every element
///
/// A link with one effect has one element, in `decide`, which stands for a treatment and has the
/// effect's end as its timeout. A link with several ends has the mark of layers_a in `decide` and
/// one element per entry of its schedule in that stack. A change writes the other stack and flips
/// the element in `decide`; what the old stack holds for the link is removed by the next change. So
/// a packet meets either the old entries or the new ones: one commit is atomic per lookup only, and
/// this is the one lookup that chooses. For the same reason a treatment that nobody uses any more
/// stays until the change after.
///
/// `decide` holds marks, not verdicts, because the kernel follows every verdict of every element
/// again at each commit to look for loops, which through layers_a would take the square of the
/// number of links.

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/fabric/effects.h"
#include "src/model/fault.h"

namespace tinet::fabric {

enum class Stack : std::uint8_t { A, B };

[[nodiscard]] constexpr Stack other(Stack stack) noexcept {
  return stack == Stack::A ? Stack::B : Stack::A;
}

/// Number of a treatment, 1.. below 2^31; not used again.
struct TreatmentId {
  std::uint32_t value = 0;
  friend auto operator<=>(const TreatmentId&, const TreatmentId&) = default;
};

struct MapId {
  /// In the order in which a change must fill them: `decide` comes last.
  enum class Kind : std::uint8_t { Layer, Decide };
  Kind kind = Kind::Decide;
  Stack stack = Stack::A;  ///< of Layer
  std::uint8_t layer = 0;  ///< of Layer, 1..kLayersMax
  friend auto operator<=>(const MapId&, const MapId&) = default;
};

/// "decide", "layer_a1".
[[nodiscard]] std::string map_name(const MapId& map);
/// Every map that links have elements in.
[[nodiscard]] std::vector<MapId> all_maps();

/// Where an element sends the packet.
struct Target {
  std::optional<TreatmentId> treatment;  ///< none: on to the layers of `stack`
  Stack stack = Stack::A;
  friend bool operator==(const Target&, const Target&) = default;
};

/// "t17", "layers_a".
[[nodiscard]] std::string chain_name(const Target& target);
/// The treatment whose chain has that name.
[[nodiscard]] std::optional<TreatmentId> treatment_of_chain(std::string_view chain);
/// The mark that stands for a target in `decide`.
[[nodiscard]] std::uint32_t mark_of(const Target& target);
[[nodiscard]] Target target_of(std::uint32_t mark);

/// An element of `decide` or of a layer.
struct Element {
  MapId map;
  Link link;
  Target target;
  std::optional<MonoTime> end;
  friend bool operator==(const Element&, const Element&) = default;
};

/// A schedule with the treatments of its entries; shared by all links that follow it.
struct LinkPlan {
  Schedule schedule;                    ///< not empty, at most kLayersMax entries
  std::vector<TreatmentId> treatments;  ///< of each entry
};

/// Makes a link follow a plan, by means of one of the stacks.
struct LinkRules {
  Stack stack = Stack::A;
  std::shared_ptr<const LinkPlan> plan;
};

/// The elements that the kernel must hold; the one of `decide` is the first.
[[nodiscard]] std::vector<Element> elements_of(Link link, const LinkRules& rules);

}  // namespace tinet::fabric
