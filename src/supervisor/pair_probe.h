#pragma once
/// Active proof for `--verify`: sends UDP datagrams over every affected link, from the sender's own
/// namespace to a socket in the receiver's, and sees which arrive.

#include <chrono>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "src/fabric/fabric.h"
#include "src/model/plan.h"

namespace tinet {

/// Sends up to five datagrams per link within `budget` and stops early once every link has shown
/// an arrival. A link from which nothing came has `arrived` false. Does not block the loop.
/// @throws Error Operation when sockets cannot be made
[[nodiscard]] boost::asio::awaitable<std::vector<PairVerdict>> probe_pairs(
    const ClusterPlan& plan, Fabric& fabric, std::vector<Link> links,
    std::chrono::milliseconds budget);

}  // namespace tinet
