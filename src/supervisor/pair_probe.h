#pragma once
/// Active proof for `--verify`: sends UDP datagrams over every affected link, from the sender's own
/// namespace to a socket in the receiver's, and sees which arrive.

#include <chrono>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "src/fabric/fabric.h"
#include "src/model/plan.h"

namespace tinet {

/// What arrived over a link. In a cluster with IPv6, both families are probed.
struct ProbedLink {
  Link link;
  bool any = false;  ///< a datagram of one family arrived
  bool all = false;  ///< a datagram of every family arrived
};

/// The address of an instance, the client or the host.
[[nodiscard]] Ipv4 address_of(const ClusterPlan& plan, Endpoint endpoint);
/// nullopt in a cluster without IPv6, and for the host, which has none in it.
[[nodiscard]] std::optional<Ipv6> address6_of(const ClusterPlan& plan, Endpoint endpoint);

/// Sends up to twenty datagrams per link and family within `budget` and stops early once everything
/// has arrived. Does not block the loop.
/// @throws Error Operation when sockets cannot be made
[[nodiscard]] boost::asio::awaitable<std::vector<ProbedLink>> probe_pairs(
    const ClusterPlan& plan, Fabric& fabric, std::vector<Link> links,
    std::chrono::milliseconds budget);

}  // namespace tinet
