/// Namespaces, links and the bridge: everything the fabric's switch is made of, and that packets
/// really flow through it.

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "tests/kernel/small_network.h"

namespace tinet::testing {
namespace {

using Clock = std::chrono::steady_clock;

TEST(SmallNetwork, LetsEveryPairTalkThroughOneGatewayNeighbour) {
  SmallNetwork network(3);
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < 3; ++b) {
      if (a != b) {
        EXPECT_TRUE(network.reaches(a, b, 1000)) << a << " to " << b;
      }
    }
  }
}

TEST(SmallNetwork, IsSilentWithoutTheRewriteOfTheDestinationMac) {
  SmallNetwork network(2, {.rewrite_macs = false});
  EXPECT_FALSE(network.reaches(0, 1));
}

// 40 x 39 pairs at once would need 1560 ARP entries; the host's table ends at 1024.
TEST(SmallNetwork, CarriesAFullMeshBeyondTheArpTable) {
  constexpr std::size_t kInstances = 40;
  SmallNetwork network(kInstances);
  std::vector<UniqueFd> sockets;
  for (std::size_t i = 0; i < kInstances; ++i) {
    sockets.push_back(network.udp(i));
  }
  for (std::size_t a = 0; a < kInstances; ++a) {
    for (std::size_t b = 0; b < kInstances; ++b) {
      if (a != b) {
        ASSERT_TRUE(SmallNetwork::send(sockets[a], b, static_cast<std::uint32_t>(a)));
      }
    }
  }
  for (std::size_t b = 0; b < kInstances; ++b) {
    EXPECT_EQ(SmallNetwork::receive(sockets[b], 2000, kInstances - 1).size(), kInstances - 1)
        << "at " << b;
  }
}

TEST(SmallNetwork, ReadsBackWhatItMade) {
  SmallNetwork network(2);
  const auto port = find_link(*network.links, "s1");
  ASSERT_TRUE(port);
  EXPECT_EQ(port->index, SmallNetwork::port(1));
  EXPECT_EQ(port->kind, "veth");
  EXPECT_EQ(port->group, SmallNetwork::kGroup);
  EXPECT_EQ(port->peer, IfIndex{2});
  EXPECT_TRUE(port->up);
  EXPECT_TRUE(port->operational);
  const auto bridge = find_link(*network.links, "br0");
  ASSERT_TRUE(bridge);
  EXPECT_EQ(bridge->kind, "bridge");
  EXPECT_EQ(port->master, bridge->index);

  const auto eth0 = find_link(network.instance_links[1], "eth0");
  ASSERT_TRUE(eth0);
  EXPECT_EQ(eth0->index, IfIndex{2});
  EXPECT_EQ(eth0->mac, SmallNetwork::mac(1));

  const auto ports = list_bridge_ports(*network.links);
  ASSERT_EQ(ports.size(), 2U);
  for (const auto& each : ports) {
    EXPECT_TRUE(each.forwarding && each.operational);
    EXPECT_FALSE(each.learning);
  }

  std::size_t static_entries = 0;
  for (const auto& entry : list_forwarding(*network.links)) {
    if (entry.is_static &&
        (entry.mac == SmallNetwork::mac(0) || entry.mac == SmallNetwork::mac(1))) {
      ++static_entries;
    }
  }
  EXPECT_EQ(static_entries, 2U);

  const auto neighbours = list_neighbours(network.instance_links[0]);
  ASSERT_EQ(neighbours.size(), 1U);
  EXPECT_TRUE(neighbours[0].permanent);
  EXPECT_EQ(to_string(neighbours[0].address), "198.18.255.254");

  bool found = false;
  for (const auto& address : list_addresses(network.instance_links[0])) {
    found = found || to_string(address.address) == "198.18.0.11/32";
  }
  EXPECT_TRUE(found);
  found = false;
  for (const auto& route : list_routes(network.instance_links[0])) {
    found = found || (to_string(route.destination) == "198.18.0.0/16" && route.gateway &&
                      to_string(*route.gateway) == "198.18.255.254");
  }
  EXPECT_TRUE(found);
}

TEST(SmallNetwork, DeletesEveryLinkOfAGroupAtOnce) {
  SmallNetwork network(5);
  netlink::Request request;
  put_delete_group(request, SmallNetwork::kGroup);
  network.links->execute(request);
  const auto left = list_links(*network.links);
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].name, "lo");
  EXPECT_FALSE(find_link(network.instance_links[0], "eth0"));
}

// A namespace of its own for each test that works in the calling thread's.
class Socket : public ::testing::Test {
 protected:
  Namespace space_ = create_namespace();
};
using Address = Socket;
using OccupiedNetworks = Socket;

class SetUp : public ::testing::TestWithParam<std::size_t> {};

TEST_P(SetUp, MakesThatManyPortsAndRemovesThemAsAGroup) {
  const std::size_t instances = GetParam();
  SmallNetwork network(instances);
  // Loopback, the bridge and one port per instance.
  EXPECT_EQ(list_links(*network.links).size(), instances + 2);
  netlink::Request request;
  put_delete_group(request, SmallNetwork::kGroup);
  network.links->execute(request);
  EXPECT_LE(list_links(*network.links).size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Sizes, SetUp, ::testing::Values(3U, 100U, 1000U));

TEST(BridgePorts, AreRefusedPastTheKernelsLimit) {
  EXPECT_NO_THROW(check_bridge_ports(kBridgePortsMax));
  try {
    check_bridge_ports(kBridgePortsMax + 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Unavailable);
    EXPECT_NE(error.hint().find("1023"), std::string::npos);
  }
}

TEST_F(Socket, NamesTheMessageThatTheKernelRefused) {
  auto socket = netlink::Socket::open(NETLINK_ROUTE);
  netlink::Request request;
  put_link_up(request, kLoopback);
  put_veth(request, {.name = "this-name-is-too-long", .far_name = "x"});
  put_link_up(request, IfIndex{4711});
  put_veth(request, {.name = "good0", .far_name = "good1"});
  const auto refusals = socket.try_execute(request);
  ASSERT_EQ(refusals.size(), 2U);
  EXPECT_EQ(refusals[0].index, 1U);
  EXPECT_EQ(refusals[0].error, ERANGE);
  EXPECT_FALSE(refusals[0].text.empty());
  EXPECT_EQ(netlink::describe(refusals[0]).substr(0, 45),
            "cannot create veth 'this-name-is-too-long' (A");
  EXPECT_EQ(refusals[1].index, 2U);
  EXPECT_EQ(refusals[1].error, ENODEV);
  EXPECT_TRUE(find_link(socket, "good1"));
  EXPECT_FALSE(find_link(socket, "good2"));
}

TEST_F(Socket, IsAConflictWhenTheNameIsTaken) {
  auto socket = netlink::Socket::open(NETLINK_ROUTE);
  netlink::Request request;
  put_bridge(request, {.name = "br7"});
  socket.execute(request);
  try {
    socket.execute(request);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Conflict);
    EXPECT_NE(std::string(error.what()).find("cannot create bridge 'br7'"), std::string::npos);
  }
}

TEST_F(Address, TakesIpv6WithoutDuplicateDetection) {
  auto socket = netlink::Socket::open(NETLINK_ROUTE);
  netlink::Request request;
  put_veth(request, {.name = "v0", .index = {50}, .far_name = "v1", .far_index = {51}});
  const auto address = IpAddress::v6({0xfd, 0x74, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  const auto gateway = IpAddress::v6({0xfd, 0x74, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
  put_link_up(request, {51});
  put_address(request, {.link = {50}, .address = {address, 64}});
  put_neighbour(request, {50}, gateway, SmallNetwork::mac(1));
  put_route(request,
            {.destination = {IpAddress::v6({0xfd, 0x75}), 32}, .gateway = gateway, .link = {50}});
  socket.execute(request);
  bool found = false;
  for (const auto& info : list_addresses(socket)) {
    found = found || (info.address == IpPrefix{address, 64} && info.link == IfIndex{50});
  }
  EXPECT_TRUE(found);
  bool routed = false;
  for (const auto& info : list_routes(socket)) {
    routed = routed || (to_string(info.destination) == "fd75::/32" && info.gateway == gateway);
  }
  EXPECT_TRUE(routed);
}

TEST_F(OccupiedNetworks, ListsAddressesAndRoutesOfThisNamespace) {
  auto socket = netlink::Socket::open(NETLINK_ROUTE);
  EXPECT_TRUE(occupied_networks().empty());
  netlink::Request request;
  put_link_up(request, kLoopback);
  put_veth(request, {.name = "v0", .index = {50}, .far_name = "v1", .far_index = {51}});
  put_link_up(request, {51});
  put_address(request, {.link = {50}, .address = {IpAddress::v4(0x0a010203), 24}});
  put_route(request, {.destination = {IpAddress::v4(0x0a090000), 16}, .link = {50}});
  put_route(
      request,
      {.destination = {IpAddress::v4(0), 0}, .gateway = IpAddress::v4(0x0a010201), .link = {50}});
  socket.execute(request);
  std::vector<std::string> networks;
  for (const auto& network : occupied_networks()) {
    networks.push_back(to_string(network));
  }
  EXPECT_NE(std::find(networks.begin(), networks.end(), "10.1.2.3/24"), networks.end());
  EXPECT_NE(std::find(networks.begin(), networks.end(), "10.9.0.0/16"), networks.end());
  for (const auto& network : networks) {
    EXPECT_EQ(network.substr(0, 3), "10.") << network;
  }
}

TEST(NamespaceThread, LeavesTheCallerWhereItIsAndHandsBackValuesAndExceptions) {
  NamespaceThread thread;
  auto home = netlink::Socket::open(NETLINK_ROUTE);
  const Namespace space = thread.create();
  netlink::Request request;
  put_bridge(request, {.name = "inside"});
  thread.run_in(space, [&] { netlink::Socket::open(NETLINK_ROUTE).execute(request); });
  EXPECT_FALSE(find_link(home, "inside"));
  const bool there = thread.run_in(space, [] {
    auto socket = netlink::Socket::open(NETLINK_ROUTE);
    return find_link(socket, "inside").has_value();
  });
  EXPECT_TRUE(there);
  EXPECT_THROW(thread.run_in(space, []() -> int { throw_conflict("from inside"); }), Error);
  EXPECT_EQ(thread.run_in(space, [] { return 7; }), 7);
}

TEST(NamespaceThread, WritesSysctlsInsideOnly) {
  NamespaceThread thread;
  const Namespace space = thread.create();
  const std::string before = read_sysctl("net/ipv4/ip_forward");
  thread.write_sysctl(space, "net/ipv4/ip_forward", "1");
  EXPECT_EQ(thread.run_in(space, [] { return read_sysctl("net/ipv4/ip_forward"); }), "1");
  EXPECT_EQ(read_sysctl("net/ipv4/ip_forward"), before);
  EXPECT_THROW(thread.write_sysctl(space, "net/ipv4/no_such_thing", "1"), Error);
}

// Refuses the n-th call; counts all of them.
class RefuseNth : public KernelGate {
 public:
  explicit RefuseNth(int nth) : left_(nth) {}
  int admit(KernelCall) noexcept override {
    ++calls;
    return left_-- == 0 ? EPERM : 0;
  }
  int calls = 0;

 private:
  int left_;
};

TEST(KernelGate, CanRefuseEachCallOfAStartAndEachIsReported) {
  RefuseNth none(-1);
  { SmallNetwork network(2, {.gate = &none}); }
  ASSERT_GT(none.calls, 10);
  for (int n = 0; n < none.calls; ++n) {
    SCOPED_TRACE(n);
    RefuseNth gate(n);
    try {
      SmallNetwork network(2, {.gate = &gate});
      // How often it asks whether all ports forward differs from start to start.
      ASSERT_LE(gate.calls, n) << "the start went on";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Unavailable);
    }
  }
}

}  // namespace
}  // namespace tinet::testing
