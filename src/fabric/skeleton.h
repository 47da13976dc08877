#pragma once
/// The fixed part of the switch's table: everything that does not depend on faults. Pure; used to
/// create the table and to check what is read back.

#include <string>
#include <vector>

#include "netns/nft/rule.h"
#include "netns/nft/types.h"
#include "src/fabric/fabric.h"
#include "src/fabric/ruleset.h"

namespace tinet::fabric {

/// "bridge tinet"; owned by the socket that made it.
[[nodiscard]] const nft::TableId& table_id();

/// Interface number of an endpoint's port in the switch: computed, so that keys of maps are too.
[[nodiscard]] IfIndex port_index(Endpoint endpoint) noexcept;
/// The link of an `iif . oif` key; nullopt when one of the indexes is no port.
[[nodiscard]] std::optional<Link> link_of_key(const nft::Bytes& key);

/// The same by interfaces.
[[nodiscard]] std::optional<Link> link_of_ports(IfIndex from, IfIndex to) noexcept;

/// Declaration of a map of the ruleset.
[[nodiscard]] nft::SetSpec map_spec(const MapId& map);

struct FixedMap {
  nft::SetSpec spec;
  std::vector<nft::Element> elements;
};

struct Skeleton {
  nft::Table table;
  std::vector<nft::SetSpec> maps;  ///< those that faults or packets fill
  std::vector<FixedMap> fixed;     ///< hosts, hosts6
  std::vector<nft::Chain> chains;
  std::vector<nft::Rule> rules;  ///< in the order of each chain
};

/// "counts" and "classes": what rules fill, and what shaped links are looked up in.
[[nodiscard]] const nft::SetSpec& counts_spec();
[[nodiscard]] const nft::SetSpec& classes_spec();
/// "targets": what the marks in `decide` stand for; treatments are added to it.
[[nodiscard]] const nft::SetSpec& targets_spec();
/// The element of "targets".
[[nodiscard]] nft::Element target_element(const Target& target);

/// Beside the chains of ruleset.h, `prerouting` turns the gateway's MAC, to which endpoints send
/// everything, into that of the addressed endpoint (map `hosts`), and drops what is addressed to
/// nobody.
[[nodiscard]] Skeleton make_skeleton(const FabricPlan& plan);

}  // namespace tinet::fabric
