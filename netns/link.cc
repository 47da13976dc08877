#include "netns/link.h"

#include <algorithm>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "src/base/error.h"

namespace tinet {
namespace {

using netlink::Request;

ifinfomsg link_header(IfIndex index, unsigned flags = 0, unsigned change = 0) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = static_cast<int>(index.value);
  header.ifi_flags = flags;
  header.ifi_change = change;
  return header;
}

void put_common(Request& request, const std::string& name, const std::optional<MacAddress>& mac,
                std::uint32_t mtu) {
  request.put_string(IFLA_IFNAME, name);
  if (mac) {
    request.put_mac(IFLA_ADDRESS, *mac);
  }
  if (mtu != 0) {
    request.put_u32(IFLA_MTU, mtu);
  }
  // One queue each: the default is one per CPU, which costs memory on large machines.
  request.put_u32(IFLA_NUM_TX_QUEUES, 1).put_u32(IFLA_NUM_RX_QUEUES, 1);
}

void put_flags(Request& request, IfIndex index, bool up) {
  request
      .begin(RTM_NEWLINK, 0,
             std::string("bring interface ") + std::to_string(index.value) + (up ? " up" : " down"))
      .put_header(link_header(index, up ? IFF_UP : 0, IFF_UP));
}

std::string read_kind(netlink::ByteSpan info) {
  const auto kind = netlink::find_attribute(info, IFLA_INFO_KIND);
  return kind ? std::string(netlink::as_text(*kind)) : std::string();
}

std::optional<LinkInfo> read_link(const netlink::MessageView& message) {
  const auto header = netlink::read_value<ifinfomsg>(message.payload);
  if (message.type != RTM_NEWLINK || !header) {
    return std::nullopt;
  }
  LinkInfo info;
  info.index = {static_cast<std::uint32_t>(header->ifi_index)};
  info.up = (header->ifi_flags & IFF_UP) != 0;
  const auto number = [](netlink::ByteSpan bytes) {
    return netlink::read_value<std::uint32_t>(bytes).value_or(0);
  };
  netlink::for_each_attribute(
      netlink::attributes_after(message.payload, sizeof(ifinfomsg)),
      [&](const netlink::AttributeView& attribute) {
        switch (attribute.type) {
          case IFLA_IFNAME:
            info.name = netlink::as_text(attribute.payload);
            break;
          case IFLA_ADDRESS:
            info.mac = netlink::read_value<MacAddress>(attribute.payload).value_or(MacAddress{});
            break;
          case IFLA_MASTER:
            info.master = {number(attribute.payload)};
            break;
          case IFLA_LINK:
            info.peer = {number(attribute.payload)};
            break;
          case IFLA_MTU:
            info.mtu = number(attribute.payload);
            break;
          case IFLA_GROUP:
            info.group = number(attribute.payload);
            break;
          case IFLA_OPERSTATE:
            info.operational =
                netlink::read_value<std::uint8_t>(attribute.payload).value_or(0) == IF_OPER_UP;
            break;
          case IFLA_LINKINFO:
            info.kind = read_kind(attribute.payload);
            break;
          default:
            break;
        }
      });
  return info;
}

}  // namespace

void put_veth(Request& request, const VethSpec& spec) {
  const unsigned flags = spec.up ? IFF_UP : 0;
  request.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, "create veth '" + spec.name + "'")
      .put_header(link_header(spec.index, flags, flags));
  put_common(request, spec.name, spec.mac, spec.mtu);
  if (spec.master.value != 0) {
    request.put_u32(IFLA_MASTER, spec.master.value);
  }
  if (spec.group != 0) {
    request.put_u32(IFLA_GROUP, spec.group);
  }
  request.nest(IFLA_LINKINFO, [&] {
    request.put_string(IFLA_INFO_KIND, "veth").nest(IFLA_INFO_DATA, [&] {
      request.nest(VETH_INFO_PEER, [&] {
        // Never IFF_UP here: the far end would be opened before it is linked (ENOTCONN).
        request.put_header(link_header(spec.far_index));
        put_common(request, spec.far_name, spec.far_mac, spec.mtu);
        if (spec.far_namespace >= 0) {
          request.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(spec.far_namespace));
        }
      });
    });
  });
}

void put_link_up(Request& request, IfIndex index) {
  put_flags(request, index, true);
}

void put_link_down(Request& request, IfIndex index) {
  put_flags(request, index, false);
}

void put_link_master(Request& request, IfIndex index, IfIndex master) {
  request.begin(RTM_NEWLINK, 0, "set the bridge of interface " + std::to_string(index.value))
      .put_header(link_header(index))
      .put_u32(IFLA_MASTER, master.value);
}

void put_link_mtu(Request& request, IfIndex index, std::uint32_t mtu) {
  request.begin(RTM_NEWLINK, 0, "set the MTU of interface " + std::to_string(index.value))
      .put_header(link_header(index))
      .put_u32(IFLA_MTU, mtu);
}

void put_delete_link(Request& request, IfIndex index) {
  request.begin(RTM_DELLINK, 0, "delete interface " + std::to_string(index.value))
      .put_header(link_header(index));
}

void put_delete_link(Request& request, const std::string& name) {
  request.begin(RTM_DELLINK, 0, "delete interface '" + name + "'")
      .put_header(link_header({}))
      .put_string(IFLA_IFNAME, name);
}

void put_delete_group(Request& request, std::uint32_t group) {
  request.begin(RTM_DELLINK, 0, "delete the interfaces of group " + std::to_string(group))
      .put_header(link_header({}))
      .put_u32(IFLA_GROUP, group);
}

std::vector<LinkInfo> list_links(netlink::Socket& socket) {
  Request request;
  request.begin(RTM_GETLINK, NLM_F_DUMP, "list interfaces").put_header(link_header({}));
  std::vector<LinkInfo> links;
  socket.dump(request).for_each([&](const netlink::MessageView& message) {
    if (auto link = read_link(message)) {
      links.push_back(std::move(*link));
    }
  });
  return links;
}

std::vector<LinkStats> list_link_stats(netlink::Socket& socket) {
  if_stats_msg header{};
  header.filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
  Request request;
  request.begin(RTM_GETSTATS, NLM_F_DUMP, "list packets of interfaces").put_header(header);
  std::vector<LinkStats> all;
  socket.dump(request).for_each([&](const netlink::MessageView& message) {
    const auto named = netlink::read_value<if_stats_msg>(message.payload);
    if (message.type != RTM_NEWSTATS || !named) {
      return;
    }
    netlink::for_each_attribute(
        netlink::attributes_after(message.payload, sizeof(if_stats_msg)),
        [&](const netlink::AttributeView& attribute) {
          const auto stats = netlink::read_value<rtnl_link_stats64>(attribute.payload);
          if (attribute.type == IFLA_STATS_LINK_64 && stats) {
            all.push_back({IfIndex{named->ifindex}, stats->rx_packets, stats->tx_packets});
          }
        });
  });
  return all;
}

std::optional<LinkInfo> find_link(netlink::Socket& socket, const std::string& name) {
  auto links = list_links(socket);
  const auto found = std::find_if(links.begin(), links.end(),
                                  [&](const LinkInfo& link) { return link.name == name; });
  return found == links.end() ? std::nullopt : std::optional(std::move(*found));
}

}  // namespace tinet
