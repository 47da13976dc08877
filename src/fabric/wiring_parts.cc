#include "src/fabric/wiring_parts.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "netns/address.h"
#include "netns/link.h"

namespace tinet::fabric {

namespace {

constexpr std::uint8_t kPrefix6 = 64;

IpPrefix network6() {
  std::array<std::uint8_t, 16> bytes = gateway_address6().bytes;
  std::fill(bytes.begin() + kPrefix6 / 8, bytes.end(), std::uint8_t{0});
  return {IpAddress::v6(bytes), kPrefix6};
}

}  // namespace

BridgeSpec bridge_of_switch() {
  BridgeSpec bridge;
  bridge.index = kBridge;
  return bridge;
}

BridgePortSpec port_settings() {
  return {.learning = false, .flood = false};
}

IfIndex port_of(std::size_t endpoint) {
  return port_index(static_cast<Endpoint>(endpoint));
}

MacAddress mac_of(std::size_t endpoint) {
  return mac_address(endpoint_mac(static_cast<std::uint32_t>(endpoint)));
}

MacAddress mac_address(const Mac& mac) {
  return {mac.bytes};
}

IpAddress ip_address(Ipv4 address) {
  return IpAddress::v4(address.value);
}

IpAddress ip_address(const Ipv6& address) {
  return IpAddress::v6(address.bytes);
}

std::string device_of(const FabricPlan& plan, const FabricEndpoint& endpoint) {
  if (!endpoint.is_host) {
    return "eth0";
  }
  std::ostringstream name;
  name << "ti" << std::hex << plan.subnet.base.value;
  return name.str();
}

std::vector<IpAddress> addresses_of(const FabricEndpoint& endpoint) {
  std::vector<IpAddress> addresses = {ip_address(endpoint.address)};
  if (endpoint.address6) {
    addresses.push_back(ip_address(*endpoint.address6));
  }
  return addresses;
}

std::vector<IpAddress> neighbours_of(const FabricPlan& plan, const FabricEndpoint& endpoint) {
  std::vector<IpAddress> neighbours = {ip_address(plan.gateway)};
  if (endpoint.address6) {
    neighbours.push_back(ip_address(gateway_address6()));
  }
  return neighbours;
}

void put_endpoint(netlink::Request& request, const FabricPlan& plan, const FabricEndpoint& endpoint,
                  IfIndex device) {
  if (!endpoint.is_host) {
    put_link_up(request, kLoopback);
  }
  put_link_up(request, device);
  const IpAddress gateway = ip_address(plan.gateway);
  const IpAddress own = ip_address(endpoint.address);
  put_address(request, {.link = device, .address = {own, 32}, .prefix_route = false});
  put_neighbour(request, device, gateway, mac_address(gateway_mac()));
  put_route(request, {.destination = {ip_address(plan.subnet.base),
                                      static_cast<std::uint8_t>(plan.subnet.prefix)},
                      .gateway = gateway,
                      .link = device,
                      .onlink = true,
                      .source = own});
  if (!endpoint.address6) {
    return;
  }
  const IpAddress gateway6 = ip_address(gateway_address6());
  const IpAddress own6 = ip_address(*endpoint.address6);
  put_address(request, {.link = device, .address = {own6, 128}, .prefix_route = false});
  put_neighbour(request, device, gateway6, mac_address(gateway_mac()));
  put_route(request, {.destination = network6(),
                      .gateway = gateway6,
                      .link = device,
                      .onlink = true,
                      .source = own6});
}

}  // namespace tinet::fabric
