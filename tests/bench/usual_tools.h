#pragma once
/// Cutting links the way that others do it, for comparison: what they would run, on the same links,
/// without their own connections to the nodes. Needs iptables, nftables, iproute2 and nsenter, and
/// a /run/netns of the run.

#include <filesystem>
#include <functional>
#include <vector>

#include "src/model/fault.h"
#include "tests/kernel/fabric_world.h"

namespace tinet::bench {

/// A change and its undoing. Both throw Error Operation when a command fails.
struct Work {
  std::function<void()> add;
  std::function<void()> remove;
};

/// Names the namespaces of the endpoints in /run/netns.
void name_namespaces(const testing::World& world);

/// One `nft -f` with one element per link in one map of the bridge. Makes the table `bridge bench`,
/// which the caller deletes.
/// @param files an existing directory for what the commands read; so in all of these
[[nodiscard]] Work nft_files(const std::vector<Link>& links, const std::filesystem::path& files);

/// One iptables-restore per node, in the node's namespace, with a rule per sender; one node after
/// the other.
[[nodiscard]] Work restore_per_node(const testing::World& world, const std::vector<Link>& links,
                                    const std::filesystem::path& files);

/// Jepsen's jepsen.net/iptables: in each node's namespace one `iptables -A INPUT -s PEER -j DROP`
/// per sender, the nodes in parallel. Healed with -F and -X.
[[nodiscard]] Work jepsen(const testing::World& world, const std::vector<Link>& links,
                          const std::filesystem::path& files);

/// Blockade's partition_containers: on the host, one iptables after the other. Nodes that are kept
/// from the same others share a chain with a rule per node that they are kept from, and have a rule
/// in FORWARD that leads there.
[[nodiscard]] Work blockade(const testing::World& world, const std::vector<Link>& links);

}  // namespace tinet::bench
