#pragma once
/// The rules of one effect: what the kernel does with every packet of the links that have it. Pure.
///
/// A treatment is one chain, shared by all links with the same effect. It works through the
/// effect's clauses: packets that a clause with conditions means get a bit of the mark first, then
/// cuts, losses, corruption and duplication act and count, and at last the rest gets the mark and
/// the priority that choose a class of the wire and of the receiver's port.
///
/// The mark of a packet that a treatment lets go:
///
///     bit  0..15   class of the wire (ShapeId), 0: none
///     bit 16..27   scratch: which clauses mean the packet
///     bit 28       a copy shall be made where it leaves the switch
///     bit 29       the wire runs but could not be handed the packet (static_table.h)
///
/// Refusals are asked for by a source MAC that no endpoint has; the receiver's namespace answers
/// packets that carry it (refusal.h). So the switch alone decides, also about those.

#include <cstdint>
#include <string>
#include <vector>

#include "netns/nft/rule.h"
#include "src/fabric/registry.h"
#include "src/fabric/ruleset.h"
#include "src/model/fault.h"
#include "src/wire/shape.h"

namespace tinet::fabric {

inline constexpr std::uint32_t kWireMask = kWireClassMask;
inline constexpr std::uint32_t kDuplicateBit = 1U << 28;
inline constexpr std::uint32_t kUnreadBit = 1U << 29;
/// Clauses with conditions that one effect can have.
inline constexpr std::size_t kScopedMax = 12;
/// Those of them that shape: every combination of them is a class of its own.
inline constexpr std::size_t kScopedShapesMax = 4;

/// How this kernel can shape.
struct Mechanisms {
  /// Delays and bursts are leaves of port classes, but for those that netem does not do as asked
  /// (correlated or very large jitter); else the wire's.
  bool netem = false;
};

/// Packets of a treatment that are shaped in one way.
struct ShapePart {
  LinkAction shape;  ///< all that acts on them, combined
  ShapeCounts counts;
  ShapeId id;               ///< number of `shape` and `counts`
  bool port_class = false;  ///< they need a class of the receiver's port
  bool wire = false;        ///< they go through the wire
};

struct Treatment {
  TreatmentId id;
  Effect effect;
  std::vector<nft::Rule> rules;
  std::vector<ShapePart> shapes;
  bool refuses = false;     ///< the receiver's namespace must answer
  bool duplicates = false;  ///< the receiver's port must copy
  bool wire = false;        ///< packets must be handed to the wire
  bool exact = false;       ///< packets must be those of the wire: no offloads in the sender
  bool checksums = false;   ///< the sender must compute checksums itself
};

/// What the wire does of a shape: everything but the rate, or, with netem, the hold only.
[[nodiscard]] LinkAction wire_part(const LinkAction& shape, const Mechanisms& mechanisms);
/// What the class of the receiver's port does of it.
[[nodiscard]] LinkAction port_part(const LinkAction& shape, const Mechanisms& mechanisms);

/// @throws Error Conflict when the effect has more conditions than there are bits, or more
///         than one hold
[[nodiscard]] Treatment make_treatment(TreatmentId id, const Effect& effect,
                                       const Mechanisms& mechanisms, Registry& registry);

/// Names of what rules refer to.
[[nodiscard]] std::string first_map_name(FaultId fault);   ///< limits, by link
[[nodiscard]] std::string after_map_name(FaultId fault);   ///< quotas, by link
[[nodiscard]] std::string flows_set_name(FaultId fault);   ///< IPv4
[[nodiscard]] std::string flows6_set_name(FaultId fault);  ///< IPv6
inline constexpr const char* kCountsSet = "counts";
inline constexpr const char* kClassesMap = "classes";

}  // namespace tinet::fabric
