#pragma once
/// Addresses of interfaces, routes and permanent neighbours.
/// @see rtnetlink(7), Linux include/uapi/linux/if_addr.h, rtnetlink.h, neighbour.h

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "netns/inet.h"
#include "netns/netlink/message.h"
#include "netns/netlink/socket.h"

namespace tinet {

struct AddressSpec {
  IfIndex link{};
  IpPrefix address{};        ///< the address itself and the length of its network
  bool prefix_route = true;  ///< also make the route to that network
};

/// IPv6 addresses are usable at once (no duplicate address detection, which costs two seconds).
void put_address(netlink::Request& request, const AddressSpec& spec);

struct RouteSpec {
  IpPrefix destination{};              ///< length 0: the default route
  std::optional<IpAddress> gateway{};  ///< none: the destination is on the link
  IfIndex link{};
  bool onlink = false;                ///< the gateway is on the link even if no address says so
  std::optional<IpAddress> source{};  ///< preferred source address
};
void put_route(netlink::Request& request, const RouteSpec& spec);

/// Appends a neighbour that is never asked for and never expires; the ARP table's limit of 1024,
/// which all namespaces of a host share, does not count it.
void put_neighbour(netlink::Request& request, IfIndex link, const IpAddress& address,
                   const MacAddress& mac);

struct AddressInfo {
  IfIndex link{};
  IpPrefix address{};
};
/// All addresses of the socket's namespace, both families. Needs no privilege. @throws Error
[[nodiscard]] std::vector<AddressInfo> list_addresses(netlink::Socket& socket);

struct RouteInfo {
  IpPrefix destination{};
  std::optional<IpAddress> gateway{};
  IfIndex link{};
  std::uint32_t table = 0;
  std::uint8_t type = 0;  ///< RTN_UNICAST, RTN_LOCAL, ...
};
/// All routes of all tables, both families. Needs no privilege. @throws Error
[[nodiscard]] std::vector<RouteInfo> list_routes(netlink::Socket& socket);

/// Waits until packets to an address of the namespace's own are taken. For IPv6 the kernel makes
/// the route to it in a work queue, a moment after the address; what comes before is lost.
/// @param events another socket of the namespace, which joins a group
/// @throws Error Operation after `timeout`
void wait_until_local(netlink::Socket& socket, netlink::Socket& events, const IpAddress& own,
                      std::chrono::milliseconds timeout);

struct NeighbourInfo {
  IfIndex link{};
  IpAddress address{};
  MacAddress mac{};
  bool permanent = false;
};
/// @throws Error
[[nodiscard]] std::vector<NeighbourInfo> list_neighbours(netlink::Socket& socket);

/// The networks that the calling thread's namespace has an address in or a route to, without
/// default routes, loopback and multicast: what a cluster's subnet must not overlap. Needs no
/// privilege. @throws Error
[[nodiscard]] std::vector<IpPrefix> occupied_networks();

}  // namespace tinet
