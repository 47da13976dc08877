#pragma once
/// The fabric without namespaces: every service is reached through a relay of ours, which knows who
/// dialled. Needs no privilege at all.

#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "src/fabric/fabric.h"

namespace tinet {

namespace relays {
class Relays;
}

struct ProxyFabricOptions {
  /// Called once on the relays' thread, before anything else is asked of it: for an API that acts
  /// on relays as well. What it returns lives as long as the relays and is destroyed when the
  /// thread has ended. What it throws is thrown by make_proxy_fabric().
  std::function<std::shared_ptr<void>(boost::asio::io_context&, relays::Relays&)> extend{};
};

/// Listens at every service's address before it returns, and relays to the programs' own addresses.
/// The relays run in a thread of their own, which nothing that the caller does can stop for long,
/// and which ends faults by itself. What a relay cannot do is refused by apply() with Unavailable,
/// with the reason.
/// @throws Error Conflict when an address is in use; Unavailable when the kernel forbids socket
///         diagnostics here
[[nodiscard]] std::unique_ptr<Fabric> make_proxy_fabric(const FabricPlan& plan,
                                                        const ProxyFabricOptions& options = {});

/// Those of `candidates` in which nobody listens. @throws Error
[[nodiscard]] std::vector<Subnet> without_listeners(std::vector<Subnet> candidates);

}  // namespace tinet
