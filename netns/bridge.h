#pragma once
/// The bridge of a switch namespace, its ports and its forwarding table.
/// @see Linux include/uapi/linux/if_bridge.h, bridge(8)

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "netns/inet.h"
#include "netns/netlink/message.h"
#include "netns/netlink/socket.h"

namespace tinet {

/// Ports that one Linux bridge can have (BR_MAX_PORTS - 1).
inline constexpr std::size_t kBridgePortsMax = 1023;

/// @throws Error Unavailable with a hint when `ports` do not fit one bridge
void check_bridge_ports(std::size_t ports);

/// Made without spanning tree, multicast snooping, forward delay and VLANs: ports forward at once.
struct BridgeSpec {
  std::string name = "br0";
  IfIndex index{};  ///< 0: the kernel chooses
  std::optional<MacAddress> mac{};
  std::uint32_t group = 0;
};

/// Appends the creation of a bridge that is up.
void put_bridge(netlink::Request& request, const BridgeSpec& spec);

struct BridgePortSpec {
  bool learning = false;  ///< learn source MACs; not needed with static entries
  bool flood = true;      ///< frames to unknown MACs go out of this port
  bool isolated = false;  ///< frames do not go to other isolated ports
};

/// Appends the settings of a port that is already part of a bridge.
void put_bridge_port(netlink::Request& request, IfIndex port, const BridgePortSpec& spec);

/// Appends that a port forwards, or takes and gives nothing. Refused with ENETDOWN while it is down
/// or has no carrier.
void put_port_forwarding(netlink::Request& request, IfIndex port, bool forwards = true);

/// Appends a static forwarding entry: frames to `mac` go out of `port`.
void put_forwarding_entry(netlink::Request& request, IfIndex port, const MacAddress& mac);

/// One port as the bridge sees it.
struct BridgePortInfo {
  IfIndex port{};
  IfIndex bridge{};
  bool forwarding = false;   ///< BR_STATE_FORWARDING
  bool operational = false;  ///< carrier is there: IF_OPER_UP
  bool learning = false;
  bool flood = false;
  bool isolated = false;
};

/// @throws Error
[[nodiscard]] std::vector<BridgePortInfo> list_bridge_ports(netlink::Socket& socket);

struct ForwardingEntry {
  IfIndex port{};
  MacAddress mac{};
  bool is_static = false;  ///< NUD_NOARP, set by put_forwarding_entry()
};
/// The forwarding table, without the ports' own addresses. @throws Error
[[nodiscard]] std::vector<ForwardingEntry> list_forwarding(netlink::Socket& socket);

/// Waits until every one of `ports` forwards and has its carrier; up to then the first packets
/// (hence the first ARP second) get lost. Woken by link events, never blind.
/// @param events a second rtnetlink socket of the same namespace; joins RTNLGRP_LINK
/// @throws Error Operation naming how many ports are not ready when `timeout` passes
void wait_until_forwarding(netlink::Socket& socket, netlink::Socket& events,
                           std::span<const IfIndex> ports, std::chrono::milliseconds timeout);

}  // namespace tinet
