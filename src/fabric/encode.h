#pragma once
/// Changes of the ruleset as messages to the kernel, and elements read back as those of the
/// ruleset. Pure; the last step before a commit and the first after it.

#include <optional>

#include "netns/nft/batch.h"
#include "src/fabric/difference.h"
#include "src/fabric/ruleset.h"
#include "src/fabric/skeleton.h"

namespace tinet::fabric {

/// Table, maps, chains and rules of a switch without faults.
void put_skeleton(nft::Batch& batch, const Skeleton& skeleton);

/// What is left until `end`, rounded up to milliseconds, at least one.
[[nodiscard]] nft::Milliseconds timeout_at(MonoTime end, MonoTime now);

/// An element as it is sent at `now`: its end becomes a timeout.
[[nodiscard]] nft::Element encode(const Element& element, MonoTime now);
/// The element of "classes".
[[nodiscard]] nft::Element encode(const ClassKey& key, const PortClass& port_class);

void put_treatment(nft::Batch& batch, const Treatment& treatment);

/// The parts of a change that may go ahead in batches of their own, because nothing refers to them
/// before `decide` does: memories, treatments, classes; and layers.
void put_new_objects(nft::Batch& batch, const Difference& difference);
void put_map_change(nft::Batch& batch, const MapChange& change, MonoTime now);
/// Deletion of what nothing refers to any more.
void put_old_objects(nft::Batch& batch, const Difference& difference);

/// Everything of a change, in the order in which it must be done.
void put_difference(nft::Batch& batch, const Difference& difference, MonoTime now);

/// What an element that was read back does; the end is left out. nullopt when it is none of ours.
[[nodiscard]] std::optional<Element> decode(const MapId& map, const nft::Element& element);

}  // namespace tinet::fabric
