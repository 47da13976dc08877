/// Is the network still wired as it was made? What somebody has changed is put back; what is gone
/// with its other end is told of.

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include <linux/netlink.h>

#include "netns/address.h"
#include "netns/bridge.h"
#include "netns/link.h"
#include "src/base/text.h"
#include "src/fabric/audit_part.h"
#include "src/fabric/wiring.h"
#include "src/fabric/wiring_parts.h"

namespace tinet::fabric {

namespace {

/// What is set otherwise at a port of the bridge; empty when nothing is.
std::string changed_settings(const BridgePortInfo& port) {
  const BridgePortSpec wanted = port_settings();
  std::vector<std::string> changed;
  const auto compare = [&](const char* name, bool is, bool should_be) {
    if (is != should_be) {
      changed.push_back(std::string(name) + (is ? " on" : " off"));
    }
  };
  compare("isolated", port.isolated, wanted.isolated);
  compare("learning", port.learning, wanted.learning);
  compare("flood", port.flood, wanted.flood);
  return join(changed, ", ");
}

std::string mtu_text(std::uint32_t mtu) {
  return " has an MTU of " + std::to_string(mtu) + ", not " + std::to_string(kMtuDefault);
}

bool has_address(netlink::Socket& socket, const IpAddress& own, IfIndex device) {
  const auto addresses = list_addresses(socket);
  return std::any_of(addresses.begin(), addresses.end(), [&](const AddressInfo& info) {
    return info.link == device && info.address.address == own;
  });
}

bool has_route(netlink::Socket& socket, const IpAddress& gateway, IfIndex device) {
  const auto routes = list_routes(socket);
  return std::any_of(routes.begin(), routes.end(), [&](const RouteInfo& route) {
    return route.link == device && route.gateway == gateway;
  });
}

bool knows(const std::vector<NeighbourInfo>& neighbours, const IpAddress& address) {
  return std::any_of(neighbours.begin(), neighbours.end(), [&](const NeighbourInfo& neighbour) {
    return neighbour.address == address && neighbour.permanent &&
           neighbour.mac == mac_address(gateway_mac());
  });
}

/// Sends what `put` appends and tells whether the kernel has done it.
template <typename Put>
void repair(Drift drift, netlink::Socket& socket, std::vector<Drift>& found, Put&& put) {
  netlink::Request request;
  put(request);
  const auto refusals = socket.try_execute(request);
  drift.repaired =
      std::all_of(refusals.begin(), refusals.end(),
                  [](const netlink::Refusal& refusal) { return refusal.error == EEXIST; });
  found.push_back(std::move(drift));
}

}  // namespace

void Wiring::audit(std::vector<Drift>& drift) {
  audit_part(drift, "the bridge", [&] { audit_bridge(drift); });
  audit_part(drift, "ports", [&] { audit_ports(drift); });
  audit_part(drift, "settings of ports", [&] { audit_port_settings(drift); });
  audit_part(drift, "forwarding entries", [&] { audit_forwarding(drift); });
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    audit_part(drift, "'" + plan_.endpoints[i].name + "'", [&] { audit_endpoint(i, drift); });
  }
}

void Wiring::audit_bridge(std::vector<Drift>& drift) {
  const BridgeSpec wanted = bridge_of_switch();
  const auto links = list_links(*route_);
  const auto bridge = std::find_if(links.begin(), links.end(), [](const LinkInfo& link) {
    return link.index == kBridge && link.kind == "bridge";
  });
  if (bridge == links.end()) {
    // Its ports are told of next, and join the new one.
    repair({"bridge '" + wanted.name + "' is missing"}, *route_, drift,
           [&](netlink::Request& request) { put_bridge(request, wanted); });
  } else if (!bridge->up) {
    repair({"bridge '" + wanted.name + "' is down"}, *route_, drift,
           [&](netlink::Request& request) { put_link_up(request, kBridge); });
  }
}

void Wiring::audit_ports(std::vector<Drift>& drift) {
  std::map<IfIndex, LinkInfo> links;
  for (LinkInfo& link : list_links(*route_)) {
    links.emplace(link.index, std::move(link));
  }
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    const auto found = links.find(port_of(i));
    audit_port(found == links.end() ? nullptr : &found->second, i, drift);
  }
}

void Wiring::audit_port(const LinkInfo* port, std::size_t number, std::vector<Drift>& drift) {
  const std::string name = "port '" + ports_[number] + "'";
  const auto endpoint = static_cast<Endpoint>(number);
  if (port == nullptr) {
    // A new pair would have another eth0, which the instance's sockets know nothing of.
    netlink::Socket socket = thread_.open_netlink(endpoints_[number], NETLINK_ROUTE);
    const std::string device = device_of(plan_, plan_.endpoints[number]);
    const bool pair_lives = find_link(socket, device).has_value();
    drift.push_back(
        {name + (pair_lives ? " was moved out of the switch's namespace" : " was deleted") +
             "; only a new start of the cluster makes it again",
         false, endpoint});
    return;
  }
  if (port->master != kBridge) {
    // The bridge forgets all about a port that leaves it.
    repair({name + " is not part of the bridge", false, endpoint}, *route_, drift,
           [&](netlink::Request& request) {
             put_link_master(request, port->index, kBridge);
             put_bridge_port(request, port->index, port_settings());
             put_forwarding_entry(request, port->index, mac_of(number));
           });
  }
  if (!port->up) {
    repair({name + " is down", false, endpoint}, *route_, drift,
           [&](netlink::Request& request) { put_link_up(request, port->index); });
  }
  if (port->mtu != kMtuDefault) {
    repair({name + mtu_text(port->mtu), false, endpoint}, *route_, drift,
           [&](netlink::Request& request) { put_link_mtu(request, port->index, kMtuDefault); });
  }
}

/// Of ports that are part of the bridge by now.
void Wiring::audit_port_settings(std::vector<Drift>& drift) {
  for (const BridgePortInfo& port : list_bridge_ports(*route_)) {
    const auto number = port.port.value - port_of(0).value;
    if (port.port < port_of(0) || number >= endpoints_.size() || port.bridge != kBridge) {
      continue;
    }
    const std::string name = "port '" + ports_[number] + "'";
    if (const std::string changed = changed_settings(port); !changed.empty()) {
      repair({"settings of " + name + " were changed: " + changed, false,
              static_cast<Endpoint>(number)},
             *route_, drift, [&](netlink::Request& request) {
               put_bridge_port(request, port.port, port_settings());
             });
    }
    // Without a carrier it can't: the endpoint's end is down, which is told of there.
    if (port.operational && !port.forwarding) {
      repair({name + " does not forward", false, static_cast<Endpoint>(number)}, *route_, drift,
             [&](netlink::Request& request) { put_port_forwarding(request, port.port); });
    }
  }
}

void Wiring::audit_forwarding(std::vector<Drift>& drift) {
  std::map<MacAddress, ForwardingEntry> entries;
  for (const ForwardingEntry& entry : list_forwarding(*route_)) {
    entries.insert_or_assign(entry.mac, entry);
  }
  std::set<IfIndex> ports;
  for (const BridgePortInfo& port : list_bridge_ports(*route_)) {
    ports.insert(port.port);
  }
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    const auto entry = entries.find(mac_of(i));
    const bool there = entry != entries.end();
    if ((there && entry->second.port == port_of(i) && entry->second.is_static) ||
        !ports.contains(port_of(i))) {
      continue;
    }
    repair({"forwarding entry of port '" + ports_[i] + (there ? "' was changed" : "' is missing"),
            false, static_cast<Endpoint>(i)},
           *route_, drift, [&](netlink::Request& request) {
             put_forwarding_entry(request, port_of(i), mac_of(i));
           });
  }
}

void Wiring::audit_endpoint(std::size_t number, std::vector<Drift>& drift) {
  const FabricEndpoint& endpoint = plan_.endpoints[number];
  const auto self = static_cast<Endpoint>(number);
  const std::string name = "'" + endpoint.name + "'";
  netlink::Socket socket = thread_.open_netlink(endpoints_[number], NETLINK_ROUTE);
  const std::string device_name = device_of(plan_, endpoint);
  const auto device = find_link(socket, device_name);
  if (!device) {
    drift.push_back({device_name + " of " + name + " is missing", false, self});
    return;
  }
  if (device->mtu != kMtuDefault) {
    repair({device_name + " of " + name + mtu_text(device->mtu), false, self}, socket, drift,
           [&](netlink::Request& request) { put_link_mtu(request, device->index, kMtuDefault); });
  }
  const auto put_all = [&](netlink::Request& request) {
    put_endpoint(request, plan_, endpoint, device->index);
  };
  if (!device->up) {
    // Setting an interface down took its routes and neighbours away.
    repair({device_name + " of " + name + " is down", false, self}, socket, drift, put_all);
    return;
  }
  const auto addresses = addresses_of(endpoint);
  const auto gateways = neighbours_of(plan_, endpoint);
  const bool complete =
      std::all_of(addresses.begin(), addresses.end(),
                  [&](const IpAddress& own) { return has_address(socket, own, device->index); }) &&
      std::all_of(gateways.begin(), gateways.end(), [&](const IpAddress& gateway) {
        return has_route(socket, gateway, device->index);
      });
  if (!complete) {
    repair({"address or route of " + name + " is missing", false, self}, socket, drift, put_all);
    return;
  }
  const auto neighbours = list_neighbours(socket);
  for (const IpAddress& neighbour : gateways) {
    if (!knows(neighbours, neighbour)) {
      repair({"neighbour of " + name + " is missing or changed", false, self}, socket, drift,
             [&](netlink::Request& request) {
               put_neighbour(request, device->index, neighbour, mac_address(gateway_mac()));
             });
    }
  }
}

}  // namespace tinet::fabric
