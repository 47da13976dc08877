#pragma once
/// Active proof for `--verify`: datagrams over every affected pair, from the sender's own place in
/// the network to the receiver's.

#include <chrono>
#include <optional>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "src/fabric/fabric.h"
#include "src/model/plan.h"
#include "src/supervisor/probe_intent.h"

namespace tinet {

/// Bytes of a probe's UDP payload.
inline constexpr std::size_t kProbeBytes = 32;
/// Datagrams of all pairs together: they are sent by the one loop.
inline constexpr std::size_t kDatagramsMax = 100'000;

struct WantedLink {
  Link link;
  Expected expected;
};

/// What came over a link. In a cluster with IPv6, both families are probed.
struct ProbedLink {
  Link link;
  Sighted v4;
  std::optional<Sighted> v6{};
};

/// How many datagrams each of so many links can be probed with.
[[nodiscard]] std::size_t tries_per_link(std::size_t links);

/// The address of an instance, the client or the host.
[[nodiscard]] Ipv4 address_of(const ClusterPlan& plan, Endpoint endpoint);
/// nullopt in a cluster without IPv6, and for the host, which has none in it.
[[nodiscard]] std::optional<Ipv6> address6_of(const ClusterPlan& plan, Endpoint endpoint);

/// Sends as many datagrams per link and family as are expected to show something: at once where
/// they shall arrive, and again where none does; up to twenty over the whole `budget` where they
/// shall stay away. Ends early once nothing is awaited any more. Does not block the loop for long.
/// @return in the order of `links`
/// @throws Error Operation when sockets cannot be made
[[nodiscard]] boost::asio::awaitable<std::vector<ProbedLink>> probe_pairs(
    const ClusterPlan& plan, Fabric& fabric, std::vector<WantedLink> links,
    std::chrono::milliseconds budget);

}  // namespace tinet
