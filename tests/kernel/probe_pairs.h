#pragma once
/// Asks the network itself who reaches whom: the blocking form of what `--verify` does, for tests.

#include <chrono>
#include <vector>

#include "src/fabric/fabric.h"

namespace tinet {

struct ProbeOptions {
  int attempts = 3;  ///< a datagram can also get lost because a receive queue is full
  std::chrono::milliseconds timeout{100};  ///< per attempt, for those that have not arrived
};

struct PairVerdict {
  Link link;
  bool arrived = false;
};

/// Sends one UDP datagram per link, from the sender's namespace to the receiver's, and again for
/// those that do not arrive. Returns as soon as all have arrived, at the latest after
/// attempts * timeout. One socket per endpoint that takes part; thousands of links are fine.
/// @param endpoints as in the plan that the fabric was made from
/// @return one verdict per link, in the order of `links`
/// @throws Error Operation when a socket can't be made
[[nodiscard]] std::vector<PairVerdict> probe_pairs(Fabric& fabric,
                                                   const std::vector<FabricEndpoint>& endpoints,
                                                   const std::vector<Link>& links,
                                                   const ProbeOptions& options = {});

}  // namespace tinet
