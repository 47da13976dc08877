#pragma once
/// Active proof for `--verify` of cuts that concern some ports only: tries the TCP connections that
/// they prevent.

#include <chrono>
#include <cstddef>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "src/fabric/fabric.h"
#include "src/model/plan.h"
#include "src/supervisor/probe_intent.h"

namespace tinet {

/// How an attempt ended within its time.
enum class Attempt { Connected, Refused, Silent };

struct Tried {
  Attempt outcome = Attempt::Silent;
  std::size_t segments = 0;  ///< that were sent for it, as far as the kernel tells
};

/// Tries all connections at once, from the namespace of the one who opens, in both families where
/// both ends have them (the better outcome of the two counts). What connects is closed at once.
/// Where a fabric carries no datagrams, a connection counts as made once something has come over it
/// (bytes, or the end that the service answers ours with). For those to any port, the receiver
/// listens meanwhile.
/// @return one outcome for each connection
/// @throws Error Operation when sockets cannot be made
[[nodiscard]] boost::asio::awaitable<std::vector<Tried>> try_connections(
    const ClusterPlan& plan, Fabric& fabric, std::vector<PreventedConnection> connections,
    std::chrono::milliseconds budget);

}  // namespace tinet
