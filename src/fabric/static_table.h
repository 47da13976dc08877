#pragma once
/// Small nftables tables beside the one that decides: each does one thing with packets that the
/// deciding table has marked, for every link alike. They are made when first needed, never change,
/// and may stay, since without a marked packet they do nothing.

#include <cstdint>
#include <string>
#include <vector>

#include "netns/nft/connection.h"
#include "netns/nft/rule.h"
#include "netns/nft/types.h"

namespace tinet::fabric {

struct StaticTable {
  nft::Table table;
  std::vector<nft::SetSpec> sets{};  ///< those that packets fill
  std::vector<nft::Chain> chains;
  std::vector<nft::Rule> rules;
};

/// Makes the table; one of that name is replaced.
/// @throws Error Unavailable when the kernel lacks something, Operation
void commit_table(nft::Connection& connection, const StaticTable& table);

/// Whether the kernel holds exactly that. @throws Error when it can't be asked
/// @param owner port of the socket that made the table
[[nodiscard]] bool is_intact(nft::Connection& connection, const StaticTable& table,
                             std::uint32_t owner);
[[nodiscard]] inline bool is_intact(nft::Connection& connection, const StaticTable& table) {
  return is_intact(connection, table, connection.socket().port());
}

/// `netdev tinet` in the switch: packets with the duplicate bit leave their port twice. Bound to
/// the ports' egress, behind the deciding table and the wire, so a copy suffers what its packet
/// did.
[[nodiscard]] StaticTable make_copy_table(const std::vector<std::string>& ports);

/// Packets with a class of the wire go to queue 0. The wire takes the class off what it lets pass.
/// So a packet that still has one behind the queue was not there: because nobody serves the queue,
/// or because whoever does is too slow and there was no room left.
/// @param native whether the kernel can queue in the bridge itself; else it is `inet tinet`, which
///        bridged packets reach by way of bridge netfilter, and the xtables target
[[nodiscard]] StaticTable make_wire_table(bool native);

/// Belongs to the socket that serves the queue, and so ends when the wire does, however that
/// happens: as long as it is there, it puts kUnreadBit on packets that the queue had no room for.
[[nodiscard]] StaticTable make_guard_table(bool native);

/// Counts the packets that were not handed over, in the set `unread` by `iif . oif . mark`, of the
/// mark the class and kUnreadBit; drops those with the bit, and lets the others pass: without a
/// wire traffic goes on undelayed.
[[nodiscard]] StaticTable make_unread_table(bool native);
inline constexpr const char* kUnreadSet = "unread";

}  // namespace tinet::fabric
