#pragma once
/// Active proof for `--verify` of cuts that concern some ports only: tries the TCP connections that
/// they prevent.

#include <chrono>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "src/fabric/fabric.h"
#include "src/model/plan.h"
#include "src/supervisor/probe_intent.h"

namespace tinet {

/// How an attempt ended within its time.
enum class Attempt { Connected, Refused, Silent };

/// Tries all connections at once, from the namespace of the one who opens, in both families where
/// both ends have them (the better outcome of the two counts). What connects is closed at once.
/// Where a fabric carries no datagrams, a connection counts as made once something has come over it
/// (bytes, or the end that the service answers ours with).
/// @return one outcome for each connection
/// @throws Error Operation when sockets cannot be made
[[nodiscard]] boost::asio::awaitable<std::vector<Attempt>> try_connections(
    const ClusterPlan& plan, Fabric& fabric, std::vector<PreventedConnection> connections,
    std::chrono::milliseconds budget);

}  // namespace tinet
