#pragma once
/// TCP connections of endpoints: which are open on a link, and ending those that got stuck in a
/// cut, so that programs need not wait for the back-off of their retransmissions.

#include <map>
#include <vector>

#include "netns/netlink/socket.h"
#include "netns/sock_diag.h"
#include "src/fabric/fabric.h"
#include "src/fabric/wiring.h"

namespace tinet::fabric {

class ConnectionTable {
 public:
  ConnectionTable(Wiring& wiring, std::vector<FabricEndpoint> endpoints)
      : wiring_(wiring), endpoints_(std::move(endpoints)) {}

  /// Open connections between the ends of these links, as packets of each link show them. Looks at
  /// both ends. @throws Error Operation
  [[nodiscard]] std::vector<Flow> flows(const std::vector<Link>& links);
  /// @throws Error Unavailable when this kernel has no SOCK_DESTROY
  KickReport kick(const std::vector<Link>& links);

 private:
  [[nodiscard]] bool is_address_of(Endpoint endpoint, const IpAddress& address) const;
  [[nodiscard]] netlink::Socket open(Endpoint endpoint);

  Wiring& wiring_;
  std::vector<FabricEndpoint> endpoints_;
};

}  // namespace tinet::fabric
