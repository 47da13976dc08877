/// Every kind of change that somebody can make to a cluster's wiring: the audit tells of it, puts
/// it back, and packets pass again.

#include <algorithm>
#include <string>
#include <vector>

#include <linux/rtnetlink.h>

#include <gtest/gtest.h>

#include "netns/address.h"
#include "netns/bridge.h"
#include "netns/link.h"
#include "netns/qdisc.h"
#include "src/fabric/skeleton.h"
#include "src/fabric/wiring_parts.h"
#include "tests/kernel/fabric_world.h"
#include "tests/kernel/fault_actions.h"
#include "tests/kernel/meddler.h"
#include "tests/support/eventually.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

using fabric::kBridge;
using fabric::kEth0;

IfIndex port(Endpoint endpoint) {
  return fabric::port_index(endpoint);
}

class Drifting : public ::testing::Test {
 protected:
  template <typename Put>
  void change_switch(Put&& put) {
    meddler_.change(world_.fabric->switch_namespace_fd(), put);
  }
  template <typename Put>
  void change_endpoint(Endpoint endpoint, Put&& put) {
    meddler_.change(world_.fabric->namespace_fd(endpoint), put);
  }

  /// The audit tells of `what` and repairs it; after that nothing is left to tell, and everybody
  /// reaches everybody.
  void expect_repaired(const std::string& what) {
    const auto drift = world_.fabric->audit(now());
    EXPECT_TRUE(mentions(drift, what, true)) << all_of(drift);
    EXPECT_TRUE(test::eventually([&] { return world_.cut_links().empty(); }, 5s))
        << "carriers come back a moment later";
    const auto rest = world_.fabric->audit(now());
    EXPECT_TRUE(rest.empty()) << all_of(rest);
  }

  /// Of endpoint 0, one of each family.
  [[nodiscard]] std::vector<IpAddress> own_addresses() const {
    const FabricEndpoint& endpoint = world_.plan.endpoints[0];
    return {fabric::ip_address(endpoint.address), fabric::ip_address(*endpoint.address6)};
  }

  World world_{2, true};
  Meddler meddler_;
};

TEST_F(Drifting, APortThatIsDownComesUp) {
  change_switch([](netlink::Request& request) { put_link_down(request, port(0)); });
  expect_repaired("port 'n-0' is down");
}

TEST_F(Drifting, AnInterfaceOfAnInstanceThatIsDownComesUp) {
  change_endpoint(1, [](netlink::Request& request) { put_link_down(request, kEth0); });
  expect_repaired("eth0 of 'n-1' is down");
}

TEST_F(Drifting, ABridgeThatIsDownComesUp) {
  change_switch([](netlink::Request& request) { put_link_down(request, kBridge); });
  EXPECT_FALSE(world_.reaches(0, 1));
  expect_repaired("bridge 'br0' is down");
}

TEST_F(Drifting, ABridgeThatWasDeletedIsMadeAnew) {
  change_switch([](netlink::Request& request) { put_delete_link(request, kBridge); });
  EXPECT_FALSE(world_.reaches(0, 1));
  expect_repaired("bridge 'br0' is missing");
}

TEST_F(Drifting, APortThatWasTakenOutOfTheBridgeIsPutBack) {
  change_switch([](netlink::Request& request) { put_link_master(request, port(0), IfIndex{}); });
  EXPECT_FALSE(world_.reaches(1, 0));
  expect_repaired("port 'n-0' is not part of the bridge");
}

TEST_F(Drifting, APortThatWasMovedToAnotherBridgeIsPutBack) {
  change_switch([](netlink::Request& request) {
    BridgeSpec other;
    other.name = "br7";
    other.index = IfIndex{7};
    put_bridge(request, other);
    put_link_master(request, port(1), other.index);
  });
  EXPECT_FALSE(world_.reaches(1, 0));
  expect_repaired("port 'n-1' is not part of the bridge");
}

TEST_F(Drifting, IsolatedPortsAreNotIsolatedAnyMore) {
  change_switch([](netlink::Request& request) {
    put_bridge_port(request, port(0), {.flood = false, .isolated = true});
    put_bridge_port(request, port(1), {.flood = false, .isolated = true});
  });
  EXPECT_FALSE(world_.reaches(0, 1));
  expect_repaired("settings of port 'n-0' were changed: isolated on");
}

TEST_F(Drifting, APortThatLearnsAndFloodsDoesNotAnyMore) {
  change_switch([](netlink::Request& request) {
    put_bridge_port(request, port(1), {.learning = true, .flood = true});
  });
  expect_repaired("settings of port 'n-1' were changed: learning on, flood on");
}

TEST_F(Drifting, APortThatIsDisabledForwardsAgain) {
  change_switch([](netlink::Request& request) { put_port_forwarding(request, port(0), false); });
  EXPECT_FALSE(world_.reaches(0, 1));
  expect_repaired("port 'n-0' does not forward");
}

TEST_F(Drifting, AnotherMtuIsSetBackAtBothEnds) {
  change_switch([](netlink::Request& request) { put_link_mtu(request, port(0), 600); });
  expect_repaired("port 'n-0' has an MTU of 600, not 1500");
  change_endpoint(1, [](netlink::Request& request) { put_link_mtu(request, kEth0, 700); });
  expect_repaired("eth0 of 'n-1' has an MTU of 700, not 1500");
}

TEST_F(Drifting, AForwardingEntryThatPointsElsewhereIsSetRight) {
  const MacAddress mac{endpoint_mac(1).bytes};
  change_switch([&](netlink::Request& request) { put_forwarding_entry(request, port(0), mac); });
  EXPECT_FALSE(world_.reaches(0, 1));
  expect_repaired("forwarding entry of port 'n-1' was changed");
}

TEST_F(Drifting, ANeighbourWithAnotherMacIsSetRight) {
  const IpAddress gateway = IpAddress::v4(world_.plan.gateway.value);
  const MacAddress nobody{{2, 0, 0, 9, 9, 9}};
  change_endpoint(
      0, [&](netlink::Request& request) { put_neighbour(request, kEth0, gateway, nobody); });
  EXPECT_FALSE(world_.reaches(0, 1));
  expect_repaired("neighbour of 'n-0' is missing or changed");
}

TEST_F(Drifting, ARootQueueThatWasRemovedIsMadeAnew) {
  change_switch([](netlink::Request& request) { put_delete_root(request, port(1)); });
  expect_repaired("root queue of port 'n-1' is missing or another");
}

TEST_F(Drifting, AQueueThatWasRemovedTakesItsClassesAlongAndComesBackWithThem) {
  LinkAction slow;
  slow.rate = Rate{1'000'000, 0, 0};
  static_cast<void>(world_.fabric->apply({acting(1, slow)}, now()));
  change_switch([](netlink::Request& request) { put_delete_root(request, port(1)); });
  expect_repaired("class of packets from 'n-0' at port 'n-1' is missing or changed");
}

TEST_F(Drifting, AClassThatWasRemovedIsMadeAnew) {
  LinkAction slow;
  slow.rate = Rate{1'000'000, 0, 0};
  static_cast<void>(world_.fabric->apply({acting(1, slow)}, now()));
  auto in_switch = meddler_.open(world_.fabric->switch_namespace_fd(), NETLINK_ROUTE);
  const auto classes = list_htb_classes(in_switch, port(1));
  ASSERT_EQ(classes.size(), 1U);
  change_switch([&](netlink::Request& request) {
    put_delete_htb_class(request, port(1), classes.front().minor);
  });
  expect_repaired("class of packets from 'n-0' at port 'n-1' is missing or changed");
}

TEST_F(Drifting, ALeafThatQueuesOrDelaysOtherwiseIsSetRight) {
  LinkAction slow;
  slow.rate = Rate{1'000'000, 3'000, 0};
  static_cast<void>(
      world_.fabric->apply({acting(1, slow), acting(2, delaying(1ms), {{1, 0}})}, now()));
  auto in_switch = meddler_.open(world_.fabric->switch_namespace_fd(), NETLINK_ROUTE);
  const auto classes = list_htb_classes(in_switch, port(1));
  ASSERT_EQ(classes.size(), 1U);
  change_switch([&](netlink::Request& request) {
    put_pfifo_leaf(request, port(1), classes.front().minor, 7);
  });
  expect_repaired("class of packets from 'n-0' at port 'n-1' is missing or changed");
  // Where the kernel delays, its delay is looked at, too.
  for (const HtbClassInfo& delayed : list_htb_classes(in_switch, port(0))) {
    change_switch([&](netlink::Request& request) {
      put_netem_leaf(request, port(0), delayed.minor, {.delay = 2ms, .limit = 100'000});
    });
    expect_repaired("class of packets from 'n-1' at port 'n-0' is missing or changed");
  }
}

TEST_F(Drifting, AnAddressThatWasRemovedIsGivenAgain) {
  for (const IpAddress& address : own_addresses()) {
    SCOPED_TRACE(to_string(address));
    change_endpoint(0, [&](netlink::Request& request) {
      ifaddrmsg header{};
      header.ifa_family = address.family();
      header.ifa_prefixlen = address.is_v4() ? 32 : 128;
      header.ifa_index = kEth0.value;
      request.begin(RTM_DELADDR, 0, "remove an address")
          .put_header(header)
          .put_address(IFA_LOCAL, address);
    });
    expect_repaired("address or route of 'n-0' is missing");
    auto socket = meddler_.open(world_.fabric->namespace_fd(0), NETLINK_ROUTE);
    const auto addresses = list_addresses(socket);
    EXPECT_TRUE(std::any_of(addresses.begin(), addresses.end(), [&](const AddressInfo& info) {
      return info.link == kEth0 && info.address.address == address;
    }));
  }
}

TEST_F(Drifting, ARouteThatWasRemovedIsMadeAgain) {
  auto socket = meddler_.open(world_.fabric->namespace_fd(0), NETLINK_ROUTE);
  for (const IpAddress& gateway : fabric::neighbours_of(world_.plan, world_.plan.endpoints[0])) {
    SCOPED_TRACE(to_string(gateway));
    const auto has_route = [&] {
      const auto routes = list_routes(socket);
      return std::find_if(routes.begin(), routes.end(), [&](const RouteInfo& route) {
               return route.gateway == gateway;
             }) != routes.end();
    };
    ASSERT_TRUE(has_route());
    for (const RouteInfo& route : list_routes(socket)) {
      if (route.gateway == gateway) {
        change_endpoint(0, [&](netlink::Request& request) {
          rtmsg header{};
          header.rtm_family = gateway.family();
          header.rtm_dst_len = route.destination.length;
          header.rtm_table = RT_TABLE_MAIN;
          header.rtm_scope = RT_SCOPE_NOWHERE;
          request.begin(RTM_DELROUTE, 0, "remove a route")
              .put_header(header)
              .put_address(RTA_DST, route.destination.address);
        });
      }
    }
    ASSERT_FALSE(has_route());
    expect_repaired("address or route of 'n-0' is missing");
    EXPECT_TRUE(has_route());
  }
}

TEST_F(Drifting, AnInterfaceThatWasDownForAMomentIsMadeWhole) {
  change_endpoint(0, [](netlink::Request& request) { put_link_down(request, kEth0); });
  change_endpoint(0, [](netlink::Request& request) { put_link_up(request, kEth0); });
  EXPECT_FALSE(world_.reaches(0, 1));
  expect_repaired("address or route of 'n-0' is missing");
}

TEST_F(Drifting, APortThatWasDeletedIsToldOf) {
  change_switch([](netlink::Request& request) { put_delete_link(request, port(0)); });
  for (int audit = 0; audit < 2; ++audit) {
    const auto drift = world_.fabric->audit(now());
    EXPECT_TRUE(mentions(drift, "port 'n-0' was deleted; only a new start", false))
        << all_of(drift);
    EXPECT_TRUE(std::all_of(drift.begin(), drift.end(),
                            [](const Drift& one) { return one.endpoint == Endpoint{0}; }));
  }
  EXPECT_TRUE(world_.reaches(1, 2));
}

TEST_F(Drifting, APortThatWasMovedToAnotherNamespaceIsToldOf) {
  const int elsewhere = world_.fabric->namespace_fd(2);
  change_switch([&](netlink::Request& request) {
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(port(0).value);
    request.begin(RTM_NEWLINK, 0, "move a port")
        .put_header(header)
        .put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(elsewhere));
  });
  const auto drift = world_.fabric->audit(now());
  EXPECT_TRUE(mentions(drift, "port 'n-0' was moved out of the switch's namespace", false))
      << all_of(drift);
  EXPECT_TRUE(world_.reaches(1, 2));
}

}  // namespace
}  // namespace tinet::testing
