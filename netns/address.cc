#include "netns/address.h"

#include <algorithm>

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "src/base/error.h"

namespace tinet {
namespace {

using netlink::Request;

std::uint32_t read_number(netlink::ByteSpan bytes) {
  return netlink::read_value<std::uint32_t>(bytes).value_or(0);
}

IpAddress unspecified(std::uint8_t family) {
  return family == AF_INET6 ? IpAddress::v6({}) : IpAddress::v4(0);
}

std::optional<AddressInfo> read_address(const netlink::MessageView& message) {
  const auto header = netlink::read_value<ifaddrmsg>(message.payload);
  if (message.type != RTM_NEWADDR || !header) {
    return std::nullopt;
  }
  const auto attributes = netlink::attributes_after(message.payload, sizeof(ifaddrmsg));
  // With a point-to-point link IFA_ADDRESS is the other side; IPv6 has only that one.
  auto bytes = netlink::find_attribute(attributes, IFA_LOCAL);
  if (!bytes) {
    bytes = netlink::find_attribute(attributes, IFA_ADDRESS);
  }
  if (!bytes) {
    return std::nullopt;
  }
  return AddressInfo{{header->ifa_index}, {IpAddress::from_bytes(*bytes), header->ifa_prefixlen}};
}

std::optional<RouteInfo> read_route(const netlink::MessageView& message) {
  const auto header = netlink::read_value<rtmsg>(message.payload);
  if (message.type != RTM_NEWROUTE || !header) {
    return std::nullopt;
  }
  RouteInfo route;
  route.destination = {unspecified(header->rtm_family), header->rtm_dst_len};
  route.table = header->rtm_table;
  route.type = header->rtm_type;
  netlink::for_each_attribute(netlink::attributes_after(message.payload, sizeof(rtmsg)),
                              [&](const netlink::AttributeView& attribute) {
                                switch (attribute.type) {
                                  case RTA_DST:
                                    route.destination.address =
                                        IpAddress::from_bytes(attribute.payload);
                                    break;
                                  case RTA_GATEWAY:
                                    route.gateway = IpAddress::from_bytes(attribute.payload);
                                    break;
                                  case RTA_OIF:
                                    route.link = {read_number(attribute.payload)};
                                    break;
                                  case RTA_TABLE:
                                    route.table = read_number(attribute.payload);
                                    break;
                                  default:
                                    break;
                                }
                              });
  return route;
}

std::optional<NeighbourInfo> read_neighbour(const netlink::MessageView& message) {
  const auto header = netlink::read_value<ndmsg>(message.payload);
  if (message.type != RTM_NEWNEIGH || !header) {
    return std::nullopt;
  }
  const auto attributes = netlink::attributes_after(message.payload, sizeof(ndmsg));
  const auto address = netlink::find_attribute(attributes, NDA_DST);
  const auto mac = netlink::find_attribute(attributes, NDA_LLADDR);
  if (!address) {
    return std::nullopt;
  }
  NeighbourInfo info;
  info.link = {static_cast<std::uint32_t>(header->ndm_ifindex)};
  info.address = IpAddress::from_bytes(*address);
  info.mac = mac ? netlink::read_value<MacAddress>(*mac).value_or(MacAddress{}) : MacAddress{};
  info.permanent = (header->ndm_state & NUD_PERMANENT) != 0;
  return info;
}

// Loopback and multicast are everywhere and the default route covers everything.
bool occupies(const IpPrefix& network) {
  const std::uint8_t first = network.address.bytes()[0];
  if (network.length == 0) {
    return false;
  }
  if (network.address.is_v4()) {
    return first != 127 && first < 224;
  }
  return first != 0xff && first != 0xfe && network.address != IpAddress::v6({}) &&
         network.length != 128;
}

}  // namespace

void put_address(Request& request, const AddressSpec& spec) {
  const IpAddress& address = spec.address.address;
  ifaddrmsg header{};
  header.ifa_family = address.family();
  header.ifa_prefixlen = spec.address.length;
  header.ifa_index = spec.link.value;
  std::uint32_t flags = address.is_v4() ? 0 : IFA_F_NODAD;
  if (!spec.prefix_route) {
    flags |= IFA_F_NOPREFIXROUTE;
  }
  request
      .begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL,
             "add address '" + to_string(spec.address) + "'")
      .put_header(header)
      .put_address(IFA_LOCAL, address)
      .put_address(IFA_ADDRESS, address)
      .put_u32(IFA_FLAGS, flags);
}

void put_route(Request& request, const RouteSpec& spec) {
  rtmsg header{};
  header.rtm_family = spec.destination.address.family();
  header.rtm_dst_len = spec.destination.length;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_scope = spec.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  header.rtm_type = RTN_UNICAST;
  header.rtm_flags = spec.onlink ? RTNH_F_ONLINK : 0;
  request
      .begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
             "add route to '" + to_string(spec.destination) + "'")
      .put_header(header);
  if (spec.destination.length != 0) {
    request.put_address(RTA_DST, spec.destination.address);
  }
  if (spec.gateway) {
    request.put_address(RTA_GATEWAY, *spec.gateway);
  }
  if (spec.source) {
    request.put_address(RTA_PREFSRC, *spec.source);
  }
  request.put_u32(RTA_OIF, spec.link.value);
}

void put_neighbour(Request& request, IfIndex link, const IpAddress& address,
                   const MacAddress& mac) {
  ndmsg header{};
  header.ndm_family = address.family();
  header.ndm_ifindex = static_cast<int>(link.value);
  header.ndm_state = NUD_PERMANENT;
  request
      .begin(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE,
             "add neighbour '" + to_string(address) + "'")
      .put_header(header)
      .put_address(NDA_DST, address)
      .put_mac(NDA_LLADDR, mac);
}

std::vector<AddressInfo> list_addresses(netlink::Socket& socket) {
  Request request;
  request.begin(RTM_GETADDR, NLM_F_DUMP, "list addresses").put_header(ifaddrmsg{});
  std::vector<AddressInfo> addresses;
  socket.dump(request).for_each([&](const netlink::MessageView& message) {
    if (const auto address = read_address(message)) {
      addresses.push_back(*address);
    }
  });
  return addresses;
}

std::vector<RouteInfo> list_routes(netlink::Socket& socket) {
  Request request;
  request.begin(RTM_GETROUTE, NLM_F_DUMP, "list routes").put_header(rtmsg{});
  std::vector<RouteInfo> routes;
  socket.dump(request).for_each([&](const netlink::MessageView& message) {
    if (const auto route = read_route(message)) {
      routes.push_back(*route);
    }
  });
  return routes;
}

void wait_until_local(netlink::Socket& socket, netlink::Socket& events, const IpAddress& own,
                      std::chrono::milliseconds timeout) {
  using Clock = std::chrono::steady_clock;
  // An event cuts the wait short; without one the next look comes anyway.
  constexpr std::chrono::milliseconds kLook{20};
  const auto until = Clock::now() + timeout;
  // Subscribed before the first look, so that no change falls between the two.
  events.join(RTNLGRP_IPV6_ROUTE);
  const auto is_there = [&] {
    const auto routes = list_routes(socket);
    return std::any_of(routes.begin(), routes.end(), [&](const RouteInfo& route) {
      return route.type == RTN_LOCAL && route.destination.address == own;
    });
  };
  while (!is_there()) {
    if (Clock::now() >= until) {
      throw_operation("cannot use the address " + to_string(own) + ": no route to it after " +
                      std::to_string(timeout.count()) + " ms");
    }
    static_cast<void>(events.wait_event(kLook));
  }
}

std::vector<NeighbourInfo> list_neighbours(netlink::Socket& socket) {
  Request request;
  request.begin(RTM_GETNEIGH, NLM_F_DUMP, "list neighbours").put_header(ndmsg{});
  std::vector<NeighbourInfo> neighbours;
  socket.dump(request).for_each([&](const netlink::MessageView& message) {
    if (const auto neighbour = read_neighbour(message)) {
      neighbours.push_back(*neighbour);
    }
  });
  return neighbours;
}

std::vector<IpPrefix> occupied_networks() {
  auto socket = netlink::Socket::open(NETLINK_ROUTE);
  std::vector<IpPrefix> networks;
  const auto note = [&](const IpPrefix& network) {
    if (occupies(network) &&
        std::find(networks.begin(), networks.end(), network) == networks.end()) {
      networks.push_back(network);
    }
  };
  for (const AddressInfo& address : list_addresses(socket)) {
    note(address.address);
  }
  for (const RouteInfo& route : list_routes(socket)) {
    note(route.destination);
  }
  return networks;
}

}  // namespace tinet
