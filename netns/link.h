#pragma once
/// Network interfaces: veth pairs, up and down, removal, and what there is. The put_ functions only
/// append a message to a Request; Socket::execute() sends many of them at once. Everything here
/// needs CAP_NET_ADMIN in the user namespace that owns the network namespace.
/// @see rtnetlink(7), Linux include/uapi/linux/if_link.h, veth.h

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netns/inet.h"
#include "netns/netlink/message.h"
#include "netns/netlink/socket.h"

namespace tinet {

/// Longest interface name, IFNAMSIZ - 1.
inline constexpr std::size_t kLinkNameMax = 15;

/// Bytes of an IP packet, unless asked otherwise.
inline constexpr std::uint32_t kMtuDefault = 1500;

/// A veth pair with one end in the socket's namespace (near) and the other made directly in its
/// own (far). Indexes and MACs are given, so nothing has to be asked afterwards.
struct VethSpec {
  std::string name{};               ///< near end
  IfIndex index{};                  ///< near end; 0: the kernel chooses
  std::optional<MacAddress> mac{};  ///< near end
  IfIndex master{};                 ///< bridge that the near end becomes a port of; 0: none
  std::uint32_t group = 0;          ///< of the near end, for put_delete_group()
  bool up = true;                   ///< near end; the far end can't be up before the pair exists
  std::string far_name = "eth0";
  IfIndex far_index{};
  std::optional<MacAddress> far_mac{};
  int far_namespace = -1;  ///< descriptor; -1: the socket's own namespace
  std::uint32_t mtu = 0;   ///< both ends; 0: the default of 1500
};

/// Refused with EEXIST when a name or index is taken, with EXFULL when the bridge has all of its
/// 1023 ports. IPv6 address generation can't be set here (EAFNOSUPPORT): write the namespaces'
/// net/ipv6/conf/default sysctls first.
void put_veth(netlink::Request& request, const VethSpec& spec);

void put_link_up(netlink::Request& request, IfIndex index);
void put_link_down(netlink::Request& request, IfIndex index);
/// Makes an interface a port of a bridge; 0: of none. What it had as a port is lost.
void put_link_master(netlink::Request& request, IfIndex index, IfIndex master);
void put_link_mtu(netlink::Request& request, IfIndex index, std::uint32_t mtu);

/// Removes an interface (with a veth, its other end too).
void put_delete_link(netlink::Request& request, IfIndex index);
void put_delete_link(netlink::Request& request, const std::string& name);
/// Removes every interface of a group, in one kernel operation that is done when it returns.
void put_delete_group(netlink::Request& request, std::uint32_t group);

struct LinkInfo {
  IfIndex index{};
  std::string name{};
  std::string kind{};  ///< "veth", "bridge"; empty for loopback and hardware
  MacAddress mac{};
  IfIndex master{};
  IfIndex peer{};  ///< the other end of a veth, an index in its own namespace
  std::uint32_t mtu = 0;
  std::uint32_t group = 0;
  bool up = false;           ///< administratively
  bool operational = false;  ///< IF_OPER_UP
};

/// All interfaces of the socket's namespace. @throws Error
[[nodiscard]] std::vector<LinkInfo> list_links(netlink::Socket& socket);

struct LinkStats {
  IfIndex index{};
  std::uint64_t received_packets = 0;  ///< of a veth: what the other end has sent
  std::uint64_t sent_packets = 0;
};

/// Packets of all interfaces of the socket's namespace; needs no privilege.
/// @see RTM_GETSTATS in rtnetlink(7). @throws Error
[[nodiscard]] std::vector<LinkStats> list_link_stats(netlink::Socket& socket);

/// @return nullopt when there is none of that name. @throws Error
[[nodiscard]] std::optional<LinkInfo> find_link(netlink::Socket& socket, const std::string& name);

}  // namespace tinet
