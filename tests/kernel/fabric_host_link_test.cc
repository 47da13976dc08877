/// The machine as an endpoint (--host-link). "The machine" is the namespace that the test runs in.

#include <linux/rtnetlink.h>

#include <gtest/gtest.h>

#include "netns/link.h"
#include "netns/netlink/socket.h"
#include "tests/kernel/fabric_world.h"

namespace tinet::testing {
namespace {

constexpr const char* kHostDevice = "tic6120000";  // 198.18.0.0 in hexadecimal

FabricPlan plan_with_host(std::size_t instances) {
  FabricPlan plan = plan_of(instances);
  FabricEndpoint host;
  host.name = "host";
  host.address = endpoint_address(plan.subnet, static_cast<std::uint32_t>(plan.endpoints.size()));
  host.is_host = true;
  plan.endpoints.push_back(host);
  return plan;
}

bool host_device_exists() {
  netlink::Socket socket = netlink::Socket::open(NETLINK_ROUTE);
  return find_link(socket, kHostDevice).has_value();
}

TEST(HostLink, JoinsThisNamespaceAndIsCutLikeAnyOther) {
  const FabricPlan plan = plan_with_host(2);
  const Endpoint host = 3;
  const auto fabric = make_netns_fabric(plan);
  EXPECT_TRUE(host_device_exists());
  const std::vector<Link> links = {{host, 0}, {0, host}, {host, 1}};
  for (const auto& verdict : probe_pairs(*fabric, plan.endpoints, links)) {
    EXPECT_TRUE(verdict.arrived) << verdict.link.from << " to " << verdict.link.to;
  }
  fabric->apply({cut(1, {{host, 0}})}, now());
  const auto verdicts = probe_pairs(*fabric, plan.endpoints, links, {.attempts = 1});
  EXPECT_FALSE(verdicts[0].arrived);
  EXPECT_TRUE(verdicts[1].arrived);
  EXPECT_TRUE(verdicts[2].arrived);
}

TEST(HostLink, IsGoneWhenTheFabricIs) {
  make_netns_fabric(plan_with_host(1)).reset();
  EXPECT_FALSE(host_device_exists());
}

TEST(HostLink, IsNotMadeWithoutBeingAskedFor) {
  const auto fabric = make_netns_fabric(plan_of(1));
  EXPECT_FALSE(host_device_exists());
}

}  // namespace
}  // namespace tinet::testing
