#pragma once
/// What the kernel holds and what it shall hold -> the changes that lead from one to the other.
/// Pure.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "src/fabric/effects.h"
#include "src/fabric/memory.h"
#include "src/fabric/registry.h"
#include "src/fabric/ruleset.h"
#include "src/fabric/treatment.h"

namespace tinet::fabric {

/// After its end an element may live on for so long, because the kernel rounds to its clock tick
/// and a change takes time to get there. Past that it is gone for certain.
inline constexpr std::chrono::seconds kExpirySlack{2};

/// How long a treatment without users is kept. The kernel's collector comes by once a second; until
/// then, elements that have timed out still refer to their chains, which can't be deleted.
inline constexpr std::chrono::seconds kIdleTreatment{3};

/// What the kernel holds for one link.
struct LinkRecord {
  std::optional<LinkRules> deciding;
  /// Elements of the other stack that nothing refers to any more.
  std::vector<Element> stale;
};

using Applied = std::map<Link, LinkRecord>;

/// A class of a port's queue: packets of one link that are shaped in one way.
struct ClassKey {
  Link link;
  ShapeId shape;
  friend auto operator<=>(const ClassKey&, const ClassKey&) = default;
};

struct PortClass {
  std::uint16_t minor = 0;  ///< of the class 1:minor on the port of link.to, 1..
  LinkAction shape;         ///< port_part() of what acts
  ShapeCounts counts;       ///< what it drops
  friend bool operator==(const PortClass&, const PortClass&) = default;
};

/// Everything that the kernel holds because of faults.
struct Installed {
  struct Use {
    Treatment treatment;
    std::size_t users = 0;  ///< entries of links that lead there, stale ones too
    MonoTime idle_since{};  ///< when the last user left
  };
  struct ClassUse {
    PortClass port_class;
    std::size_t users = 0;
    bool busy = false;  ///< packets wait in it, see Table::note_busy()
  };

  Applied links;
  std::map<TreatmentId, Use> treatments;
  std::map<Effect, TreatmentId> by_effect;
  std::map<ClassKey, ClassUse> classes;
  Memories memories;
  std::set<FaultId> holders;  ///< faults that hold, those included that a cut hides now
  std::uint32_t last_treatment = 0;
};

/// Changes to one map, done in this order.
struct MapChange {
  MapId map;
  std::vector<Element> remove;        ///< permanent: they are there
  std::vector<Element> remove_timed;  ///< timed: the kernel may have removed them already
  std::vector<Element> add;
};

struct Difference {
  Memories new_memories;
  std::vector<Treatment> new_treatments;
  std::map<ClassKey, PortClass> new_classes;
  std::vector<MapChange> maps;  ///< ascending; `decide` is the last, and decides
  /// Unused since the change before: no packet can be on its way there.
  std::vector<TreatmentId> old_treatments;
  std::map<ClassKey, PortClass> old_classes;
  Memories old_memories;
  std::optional<std::set<FaultId>> holders;  ///< none: as before

  std::vector<std::pair<Link, LinkRecord>> records;  ///< of every link that is touched, afterwards
  std::vector<std::pair<Link, LinkRecord>> before;   ///< of the links in `changed`
  Mechanisms mechanisms;
  std::vector<Link> changed;  ///< links whose schedule changes

  [[nodiscard]] bool empty() const { return changed.empty(); }
};

/// The changes after which every link follows its schedule in `wanted` and all others are free.
/// Empty when what is left of the applied schedules at `now` is what is wanted. Leftovers of former
/// changes are removed along with any change, but are no reason for one.
/// @throws Error Conflict when a schedule has more entries than there are layers, or effects that
///         cannot be combined, or the kernel still remembers something else for a fault's number
[[nodiscard]] Difference make_difference(const Installed& installed,
                                         const std::vector<LinkSchedule>& wanted,
                                         const Memories& memories, const Mechanisms& mechanisms,
                                         Registry& registry, MonoTime now);

/// What went ahead of a change that failed, and nothing leads to: no packet has met it.
[[nodiscard]] Difference withdrawal(const Difference& failed, const Installed& installed);

/// Notes that the kernel has committed the difference.
void record(const Difference& difference, Installed& installed, Registry& registry, MonoTime now);

}  // namespace tinet::fabric
