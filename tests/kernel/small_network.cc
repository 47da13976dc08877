#include "tests/kernel/small_network.h"

#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

#include "src/base/error.h"

namespace tinet::testing {
namespace {

constexpr IfIndex kBridge{2};
constexpr IfIndex kEth0{2};
constexpr std::uint32_t kSubnet = 0xc6120000U;
constexpr std::uint32_t kGateway = 0xc612fffeU;
constexpr MacAddress kGatewayMac{{0x02, 0x74, 0x69, 0xff, 0xff, 0xfe}};
// fd74:696e::/64.
constexpr std::array<std::uint8_t, 16> kSubnet6{0xfd, 0x74, 0x69, 0x6e};
constexpr std::uint16_t kPort = 7000;
/// One queue of the kernel brings up the interfaces of the whole machine, a thousand of another
/// test among them.
constexpr std::chrono::seconds kPatience{60};

sockaddr_in socket_address(std::uint32_t host_order) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  address.sin_addr.s_addr = htonl(host_order);
  return address;
}

}  // namespace

SmallNetwork::SmallNetwork(std::size_t instances, const SmallNetworkOptions& options)
    : thread(options.gate), ipv6_(options.ipv6) {
  make_spaces(instances);
  make_links();
  make_addresses();
  if (options.rewrite_macs) {
    make_rewrite();
  }
  if (ipv6_) {
    make_addresses6();
    if (options.rewrite_macs) {
      make_rewrite6();
    }
  }
  if (options.wait) {
    auto events = thread.open_netlink(switch_space, NETLINK_ROUTE);
    const auto all = ports();
    wait_until_forwarding(*links, events, all, kPatience);
    for (std::size_t i = 0; ipv6_ && i < spaces.size(); ++i) {
      auto routes = thread.open_netlink(spaces[i], NETLINK_ROUTE);
      wait_until_local(instance_links[i], routes, address6(i), kPatience);
    }
  }
}

void SmallNetwork::make_spaces(std::size_t instances) {
  check_bridge_ports(instances);
  auto made = thread.create(1, [&](std::size_t) {
    write_sysctl_if_present("net/ipv6/conf/default/disable_ipv6", "1", thread.gate());
  });
  switch_space = std::move(made.front());
  netlink::SocketOptions options;
  options.gate = thread.gate();
  links = std::make_unique<netlink::Socket>(thread.open_netlink(switch_space, NETLINK_ROUTE));
  rules = std::make_unique<nft::Connection>(thread.open_netlink(switch_space, NETLINK_NETFILTER));
  instance_links.reserve(instances);
  spaces = thread.create(instances, [&](std::size_t) {
    if (ipv6_) {
      write_sysctl_if_present("net/ipv6/conf/default/addr_gen_mode", "1", thread.gate());
    } else {
      write_sysctl_if_present("net/ipv6/conf/default/disable_ipv6", "1", thread.gate());
    }
    instance_links.push_back(netlink::Socket::open(NETLINK_ROUTE, options));
  });
}

void SmallNetwork::make_links() {
  netlink::Request request;
  put_link_up(request, kLoopback);
  put_bridge(request, {.index = kBridge, .mac = kGatewayMac, .group = kGroup});
  for (std::size_t i = 0; i < spaces.size(); ++i) {
    put_veth(request, {.name = "s" + std::to_string(i),
                       .index = port(i),
                       .master = kBridge,
                       .group = kGroup,
                       .far_index = kEth0,
                       .far_mac = mac(i),
                       .far_namespace = spaces[i].fd()});
    put_bridge_port(request, port(i), {});
    put_forwarding_entry(request, port(i), mac(i));
  }
  links->execute(request);
}

void SmallNetwork::make_addresses() {
  for (std::size_t i = 0; i < spaces.size(); ++i) {
    netlink::Request request;
    put_link_up(request, kLoopback);
    put_link_up(request, kEth0);
    put_address(request,
                {.link = kEth0, .address = {IpAddress::v4(address(i)), 32}, .prefix_route = false});
    put_route(request, {.destination = {IpAddress::v4(kSubnet), 16},
                        .gateway = IpAddress::v4(kGateway),
                        .link = kEth0,
                        .onlink = true});
    put_neighbour(request, kEth0, IpAddress::v4(kGateway), kGatewayMac);
    instance_links[i].execute(request);
  }
}

void SmallNetwork::make_rewrite() {
  using namespace nft;
  const TableId table = switch_table();
  const SetSpec macs{.table = table,
                     .name = "macs",
                     .key = {Datatype::Ipv4Address},
                     .map = MapKind::Values,
                     .values = {Datatype::EtherAddress}};
  std::vector<Element> elements;
  for (std::size_t i = 0; i < spaces.size(); ++i) {
    elements.push_back(
        {.key = KeyBuilder().ipv4(address(i)).take(), .value = KeyBuilder().mac(mac(i)).take()});
  }
  Batch batch;
  batch.add_table({.id = table, .owner = true})
      .add_chain({.table = table,
                  .name = "rewrite",
                  .hook = Hook{.number = kBridgePrerouting, .priority = -300}})
      .add_set(macs)
      .add_elements(macs, elements)
      .add_rule({.table = table,
                 .chain = "rewrite",
                 .expressions = {
                     MetaLoad{MetaKey::Protocol, kR0}, Compare{CompareOp::Equal, kR0, {0x08, 0x00}},
                     PayloadLoad{Header::Network, 16, 4, kR0}, MapLoad{"macs", kR0, kR0},
                     PayloadWrite{Header::Link, 0, 6, kR0}}});
  commit(*rules, std::move(batch).seal());
}

IpAddress SmallNetwork::address6(std::size_t i) {
  std::array<std::uint8_t, 16> bytes = kSubnet6;
  bytes[15] = static_cast<std::uint8_t>(0x0b + i);
  return IpAddress::v6(bytes);
}

void SmallNetwork::make_addresses6() {
  std::array<std::uint8_t, 16> gateway = kSubnet6;
  gateway[15] = 0xfe;
  for (std::size_t i = 0; i < spaces.size(); ++i) {
    netlink::Request request;
    put_address(request, {.link = kEth0, .address = {address6(i), 128}, .prefix_route = false});
    put_route(request, {.destination = {IpAddress::v6(kSubnet6), 64},
                        .gateway = IpAddress::v6(gateway),
                        .link = kEth0,
                        .onlink = true});
    put_neighbour(request, kEth0, IpAddress::v6(gateway), kGatewayMac);
    instance_links[i].execute(request);
  }
}

void SmallNetwork::make_rewrite6() {
  using namespace nft;
  const SetSpec macs{.table = switch_table(),
                     .name = "macs6",
                     .key = {Datatype::Ipv6Address},
                     .map = MapKind::Values,
                     .values = {Datatype::EtherAddress}};
  std::vector<Element> elements;
  for (std::size_t i = 0; i < spaces.size(); ++i) {
    const IpAddress address = address6(i);
    const auto bytes = address.bytes();
    elements.push_back(
        {.key = Bytes(bytes.begin(), bytes.end()), .value = KeyBuilder().mac(mac(i)).take()});
  }
  Batch batch;
  batch.add_set(macs)
      .add_elements(macs, elements)
      .add_rule({.table = switch_table(),
                 .chain = "rewrite",
                 .expressions = {
                     MetaLoad{MetaKey::Protocol, kR0}, Compare{CompareOp::Equal, kR0, {0x86, 0xdd}},
                     PayloadLoad{Header::Network, 24, 16, kR0}, MapLoad{"macs6", kR0, kR0},
                     PayloadWrite{Header::Link, 0, 6, kR0}}});
  commit(*rules, std::move(batch).seal());
}

std::vector<IfIndex> SmallNetwork::ports() const {
  std::vector<IfIndex> all;
  for (std::size_t i = 0; i < spaces.size(); ++i) {
    all.push_back(port(i));
  }
  return all;
}

UniqueFd SmallNetwork::udp(std::size_t i) {
  UniqueFd fd = thread.open_socket(spaces[i], AF_INET, SOCK_DGRAM, 0);
  const int room = 1 << 20;
  static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room));
  const sockaddr_in own = socket_address(address(i));
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) < 0) {
    const int error = errno;
    throw_errno(error, "cannot bind a test socket");
  }
  return fd;
}

bool SmallNetwork::send(const UniqueFd& from, std::size_t to, std::uint32_t payload) {
  const sockaddr_in target = socket_address(address(to));
  return ::sendto(from.get(), &payload, sizeof payload, 0,
                  reinterpret_cast<const sockaddr*>(&target), sizeof target) == sizeof payload;
}

std::vector<std::uint32_t> SmallNetwork::receive(const UniqueFd& at, int quiet_ms,
                                                 std::size_t wanted) {
  std::vector<std::uint32_t> payloads;
  pollfd waiting{at.get(), POLLIN, 0};
  while (payloads.size() < wanted && ::poll(&waiting, 1, quiet_ms) == 1) {
    std::uint32_t payload = 0;
    if (::recv(at.get(), &payload, sizeof payload, 0) != sizeof payload) {
      break;
    }
    payloads.push_back(payload);
  }
  return payloads;
}

bool SmallNetwork::reaches(std::size_t a, std::size_t b, int wait_ms) {
  if (sockets_.empty()) {
    for (std::size_t i = 0; i < spaces.size(); ++i) {
      sockets_.push_back(udp(i));
    }
  }
  static_cast<void>(receive(sockets_[b], 0));
  send(sockets_[a], b, 1);
  pollfd waiting{sockets_[b].get(), POLLIN, 0};
  const bool arrived = ::poll(&waiting, 1, wait_ms) == 1;
  static_cast<void>(receive(sockets_[b], 0));
  return arrived;
}

}  // namespace tinet::testing
