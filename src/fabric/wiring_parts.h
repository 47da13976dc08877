#pragma once
/// The pieces that a network is wired of, and that its audit puts back: who has which interface,
/// address and settings. Pure: the put_ function only appends messages.

#include <cstddef>
#include <string>
#include <vector>

#include "netns/bridge.h"
#include "netns/inet.h"
#include "netns/netlink/message.h"
#include "src/fabric/fabric.h"
#include "src/fabric/skeleton.h"

namespace tinet::fabric {

inline constexpr IfIndex kBridge{2};
/// An endpoint's end of its pair, in its own namespace; the host's has any number.
inline constexpr IfIndex kEth0{2};

[[nodiscard]] BridgeSpec bridge_of_switch();
/// Static entries say where everybody is: nothing to learn, nowhere to flood.
[[nodiscard]] BridgePortSpec port_settings();

/// The same as port_index() and endpoint_mac(), by position in the plan.
[[nodiscard]] IfIndex port_of(std::size_t endpoint);
[[nodiscard]] MacAddress mac_of(std::size_t endpoint);

[[nodiscard]] MacAddress mac_address(const Mac& mac);
[[nodiscard]] IpAddress ip_address(Ipv4 address);
[[nodiscard]] IpAddress ip_address(const Ipv6& address);

/// "eth0", or on the host a name that no other cluster's can have: subnets do not overlap.
[[nodiscard]] std::string device_of(const FabricPlan& plan, const FabricEndpoint& endpoint);

/// The addresses of an endpoint, one per family.
[[nodiscard]] std::vector<IpAddress> addresses_of(const FabricEndpoint& endpoint);

/// The neighbours of an endpoint: the gateway, once per family.
[[nodiscard]] std::vector<IpAddress> neighbours_of(const FabricPlan& plan,
                                                   const FabricEndpoint& endpoint);

/// Appends everything that an endpoint needs: up, addresses, neighbours, routes.
/// @param device the endpoint's end of its pair
void put_endpoint(netlink::Request& request, const FabricPlan& plan, const FabricEndpoint& endpoint,
                  IfIndex device);

}  // namespace tinet::fabric
