#pragma once
/// Small nftables tables beside the one that decides: each does one thing with packets that the
/// deciding table has marked, for every link alike. They are made when first needed, never change,
/// and may stay, since without a marked packet they do nothing.

#include <string>
#include <vector>

#include "netns/nft/connection.h"
#include "netns/nft/rule.h"
#include "netns/nft/types.h"

namespace tinet::fabric {

struct StaticTable {
  nft::Table table;
  std::vector<nft::Chain> chains;
  std::vector<nft::Rule> rules;
};

/// Makes the table; one of that name is replaced.
/// @throws Error Unavailable when the kernel lacks something, Operation
void commit_table(nft::Connection& connection, const StaticTable& table);

/// Whether the kernel holds exactly that. @throws Error when it can't be asked
[[nodiscard]] bool is_intact(nft::Connection& connection, const StaticTable& table);

/// `netdev tinet` in the switch: packets with the duplicate bit leave their port twice. Bound to
/// the ports' egress, behind the deciding table and the wire, so a copy suffers what its packet
/// did.
[[nodiscard]] StaticTable make_copy_table(const std::vector<std::string>& ports);

/// Packets with a class of the wire go to queue 0; while nobody serves the queue, they pass.
/// @param native whether the kernel can queue in the bridge itself; else it is `inet tinet`, which
///        bridged packets reach by way of bridge netfilter, and the xtables target
[[nodiscard]] StaticTable make_wire_table(bool native);

}  // namespace tinet::fabric
