#pragma once
/// Changes of the ruleset as messages to the kernel, and elements read back as those of the
/// ruleset. Pure; the last step before a commit and the first after it.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "netns/nft/batch.h"
#include "src/fabric/difference.h"
#include "src/fabric/ruleset.h"
#include "src/fabric/skeleton.h"

namespace tinet::fabric {

/// Table, maps, chains and rules of a switch without faults.
void put_skeleton(nft::Batch& batch, const Skeleton& skeleton);

/// An element as it is sent at `now`: its end becomes a timeout, rounded up to milliseconds.
[[nodiscard]] nft::Element encode(const Element& element, MonoTime now);
[[nodiscard]] nft::Element encode(const CounterId& counter);

/// The parts of a change that may go ahead in batches of their own, because nothing refers to them
/// before `decide` does: counters and layers.
void put_counters(nft::Batch& batch, const CounterChange& change);
void put_map_change(nft::Batch& batch, const MapChange& change, MonoTime now);
/// Deletion of counters that nothing refers to any more.
void put_removed_counters(nft::Batch& batch, const CounterChange& change);

/// Everything of a change, in the order in which it must be done.
void put_difference(nft::Batch& batch, const Difference& difference, MonoTime now);

/// What an element that was read back does; the end is left out. nullopt when it is none of ours.
[[nodiscard]] std::optional<Element> decode(const MapId& map, const nft::Element& element);

/// As nft(8) would print it: `"tikv-0" . "tikv-1" timeout 2s : goto drop_a1`. Elements of `decide`
/// show the chain that their mark stands for.
[[nodiscard]] std::string describe(const Element& element, const std::vector<std::string>& ports,
                                   MonoTime now);
/// One line per element that a change adds or removes, as commands of nft(8).
[[nodiscard]] std::vector<std::string> describe(const Difference& difference,
                                                const std::vector<std::string>& ports,
                                                MonoTime now);

}  // namespace tinet::fabric
