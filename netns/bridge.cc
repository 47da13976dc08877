#include "netns/bridge.h"

#include <algorithm>
#include <set>

#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "src/base/error.h"

namespace tinet {
namespace {

using netlink::Request;

std::uint8_t read_byte(netlink::ByteSpan bytes) {
  return netlink::read_value<std::uint8_t>(bytes).value_or(0);
}

std::uint32_t read_number(netlink::ByteSpan bytes) {
  return netlink::read_value<std::uint32_t>(bytes).value_or(0);
}

std::optional<BridgePortInfo> read_port(const netlink::MessageView& message) {
  const auto header = netlink::read_value<ifinfomsg>(message.payload);
  if (message.type != RTM_NEWLINK || !header) {
    return std::nullopt;
  }
  BridgePortInfo info;
  info.port = {static_cast<std::uint32_t>(header->ifi_index)};
  bool is_port = false;
  netlink::for_each_attribute(
      netlink::attributes_after(message.payload, sizeof(ifinfomsg)),
      [&](const netlink::AttributeView& attribute) {
        if (attribute.type == IFLA_MASTER) {
          info.bridge = {read_number(attribute.payload)};
        } else if (attribute.type == IFLA_OPERSTATE) {
          info.operational = read_byte(attribute.payload) == IF_OPER_UP;
        } else if (attribute.type == IFLA_PROTINFO) {
          is_port = true;
          netlink::for_each_attribute(
              attribute.payload, [&](const netlink::AttributeView& setting) {
                if (setting.type == IFLA_BRPORT_STATE) {
                  info.forwarding = read_byte(setting.payload) == BR_STATE_FORWARDING;
                } else if (setting.type == IFLA_BRPORT_LEARNING) {
                  info.learning = read_byte(setting.payload) != 0;
                } else if (setting.type == IFLA_BRPORT_UNICAST_FLOOD) {
                  info.flood = read_byte(setting.payload) != 0;
                } else if (setting.type == IFLA_BRPORT_ISOLATED) {
                  info.isolated = read_byte(setting.payload) != 0;
                }
              });
        }
      });
  return is_port ? std::optional(info) : std::nullopt;
}

Request& begin_port(Request& request, IfIndex port) {
  ifinfomsg header{};
  header.ifi_family = AF_BRIDGE;
  header.ifi_index = static_cast<int>(port.value);
  return request.begin(RTM_SETLINK, 0, "set up bridge port " + std::to_string(port.value))
      .put_header(header);
}

std::size_t count_not_ready(netlink::Socket& socket, const std::set<IfIndex>& wanted) {
  const auto ports = list_bridge_ports(socket);
  const auto ready = std::count_if(ports.begin(), ports.end(), [&](const BridgePortInfo& port) {
    return port.forwarding && port.operational && wanted.contains(port.port);
  });
  return wanted.size() - static_cast<std::size_t>(ready);
}

}  // namespace

void check_bridge_ports(std::size_t ports) {
  if (ports > kBridgePortsMax) {
    throw_unavailable("cannot join " + std::to_string(ports) + " interfaces in one bridge",
                      "a Linux bridge has at most 1023 ports");
  }
}

void put_bridge(Request& request, const BridgeSpec& spec) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(spec.index.value);
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  request.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, "create bridge '" + spec.name + "'")
      .put_header(header)
      .put_string(IFLA_IFNAME, spec.name);
  if (spec.mac) {
    request.put_mac(IFLA_ADDRESS, *spec.mac);
  }
  if (spec.group != 0) {
    request.put_u32(IFLA_GROUP, spec.group);
  }
  request.nest(IFLA_LINKINFO, [&] {
    request.put_string(IFLA_INFO_KIND, "bridge").nest(IFLA_INFO_DATA, [&] {
      request.put_u32(IFLA_BR_STP_STATE, 0)
          .put_u8(IFLA_BR_MCAST_SNOOPING, 0)
          .put_u32(IFLA_BR_FORWARD_DELAY, 0)
          // Otherwise kernels with VLAN filtering, even while it is off, put every port into VLAN 1
          // and keep each forwarding entry twice.
          .put_u16(IFLA_BR_VLAN_DEFAULT_PVID, 0);
    });
  });
}

void put_bridge_port(Request& request, IfIndex port, const BridgePortSpec& spec) {
  begin_port(request, port).nest(IFLA_PROTINFO, [&] {
    request.put_u8(IFLA_BRPORT_LEARNING, spec.learning ? 1 : 0)
        .put_u8(IFLA_BRPORT_UNICAST_FLOOD, spec.flood ? 1 : 0)
        .put_u8(IFLA_BRPORT_ISOLATED, spec.isolated ? 1 : 0);
  });
}

void put_port_forwarding(Request& request, IfIndex port, bool forwards) {
  begin_port(request, port).nest(IFLA_PROTINFO, [&] {
    request.put_u8(IFLA_BRPORT_STATE, forwards ? BR_STATE_FORWARDING : BR_STATE_DISABLED);
  });
}

void put_forwarding_entry(Request& request, IfIndex port, const MacAddress& mac) {
  ndmsg header{};
  header.ndm_family = AF_BRIDGE;
  header.ndm_ifindex = static_cast<int>(port.value);
  // NUD_PERMANENT would mean "an address of the bridge itself".
  header.ndm_state = NUD_NOARP;
  header.ndm_flags = NTF_MASTER;
  request
      .begin(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE,
             "add forwarding entry '" + to_string(mac) + "' to port " + std::to_string(port.value))
      .put_header(header)
      .put_mac(NDA_LLADDR, mac);
}

std::vector<BridgePortInfo> list_bridge_ports(netlink::Socket& socket) {
  ifinfomsg header{};
  header.ifi_family = AF_BRIDGE;
  Request request;
  request.begin(RTM_GETLINK, NLM_F_DUMP, "list bridge ports").put_header(header);
  std::vector<BridgePortInfo> ports;
  socket.dump(request).for_each([&](const netlink::MessageView& message) {
    if (const auto port = read_port(message)) {
      ports.push_back(*port);
    }
  });
  return ports;
}

std::vector<ForwardingEntry> list_forwarding(netlink::Socket& socket) {
  // The family's dump takes an ifinfomsg before Linux 5.0's strict checking and a ndmsg since; an
  // all-zero header of the larger kind is read alike by both.
  ifinfomsg header{};
  header.ifi_family = AF_BRIDGE;
  Request request;
  request.begin(RTM_GETNEIGH, NLM_F_DUMP, "list the forwarding table").put_header(header);
  std::vector<ForwardingEntry> entries;
  socket.dump(request).for_each([&](const netlink::MessageView& message) {
    const auto entry = netlink::read_value<ndmsg>(message.payload);
    if (message.type != RTM_NEWNEIGH || !entry || (entry->ndm_state & NUD_PERMANENT) != 0) {
      return;
    }
    const auto attributes = netlink::attributes_after(message.payload, sizeof(ndmsg));
    const auto address = netlink::find_attribute(attributes, NDA_LLADDR);
    const auto mac = address ? netlink::read_value<MacAddress>(*address) : std::nullopt;
    if (mac) {
      entries.push_back({{static_cast<std::uint32_t>(entry->ndm_ifindex)},
                         *mac,
                         (entry->ndm_state & NUD_NOARP) != 0});
    }
  });
  return entries;
}

void wait_until_forwarding(netlink::Socket& socket, netlink::Socket& events,
                           std::span<const IfIndex> ports, std::chrono::milliseconds timeout) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kBackoffMax{50};
  const std::set<IfIndex> wanted(ports.begin(), ports.end());
  const auto until = Clock::now() + timeout;
  // Subscribed before the first look, so that no change falls between the two.
  events.join(RTNLGRP_LINK);
  std::chrono::milliseconds backoff{1};
  std::size_t missing = count_not_ready(socket, wanted);
  while (missing != 0) {
    if (Clock::now() >= until) {
      throw_operation("cannot use the bridge: " + std::to_string(missing) + " of " +
                      std::to_string(wanted.size()) + " ports do not forward after " +
                      std::to_string(timeout.count()) + " ms");
    }
    // An event cuts the wait short; without one the next look comes anyway, less and less often.
    static_cast<void>(events.wait_event(backoff));
    backoff = std::min(backoff * 2, kBackoffMax);
    missing = count_not_ready(socket, wanted);
  }
}

}  // namespace tinet
