#pragma once
/// Namespaces, bridge, ports and addresses of a netns fabric: everything but its rules. Objects are
/// held by descriptors only, so whatever ends this process ends them.
///
///     endpoint's namespace                    switch's namespace
///     eth0 198.18.0.11/32  ------ veth -----  port tikv-0  of br0: no spanning tree, no learning,
///       198.18.0.0/16 via the gateway         port tikv-1  no flooding; static forwarding entries
///       the gateway's MAC, permanent          ...
///
/// An endpoint sends everything to the gateway's MAC, which is nobody's: the ruleset's prerouting
/// chain puts the right one in. So an endpoint needs one neighbour instead of one per peer; the
/// ARP table's limit of 1024 entries, which all namespaces of a host share, is not touched.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netns/kernel_gate.h"
#include "netns/link.h"
#include "netns/namespace.h"
#include "netns/netlink/socket.h"
#include "src/base/unique_fd.h"
#include "src/fabric/fabric.h"

namespace tinet::fabric {

/// One port of a bridge is left for the host.
inline constexpr std::size_t kEndpointsMax = 1022;

/// Name of an endpoint's port in the switch: the endpoint's own when it fits an interface name and
/// is none that the switch needs itself, else "p<number>".
[[nodiscard]] std::string port_name(std::string_view endpoint, std::size_t number);

class Wiring {
 public:
  /// Creates everything and waits until all ports forward. About 1 ms per endpoint. Raises this
  /// process's soft limit of open files when the endpoints' descriptors would not fit.
  /// Needs CAP_SYS_ADMIN and CAP_NET_ADMIN in the current user namespace.
  /// @throws Error Unavailable without privilege, or for more than kEndpointsMax endpoints;
  ///         Operation otherwise. Nothing is left then
  Wiring(const FabricPlan& plan, KernelGate* gate);
  Wiring(const Wiring&) = delete;
  Wiring& operator=(const Wiring&) = delete;
  Wiring(Wiring&&) = delete;
  Wiring& operator=(Wiring&&) = delete;
  /// The host's link is gone when it returns; the rest goes with its descriptors, a moment later.
  ~Wiring();

  [[nodiscard]] int switch_fd() const noexcept { return switch_.fd(); }
  [[nodiscard]] int endpoint_fd(Endpoint endpoint) const { return endpoints_.at(endpoint).fd(); }
  /// Names of the ports, by endpoint.
  [[nodiscard]] const std::vector<std::string>& ports() const noexcept { return ports_; }

  /// @throws Error
  [[nodiscard]] UniqueFd open_socket(Endpoint endpoint, int domain, int type, int protocol);
  [[nodiscard]] netlink::Socket open_switch_netlink(int protocol);
  [[nodiscard]] netlink::Socket open_endpoint_netlink(Endpoint endpoint, int protocol);
  /// An unbound netlink socket.
  [[nodiscard]] UniqueFd open_switch_socket(int protocol);
  void write_switch_sysctl(const std::string& path, const std::string& value);

  /// Asked before calls to the kernel; nullptr: nobody is.
  [[nodiscard]] KernelGate* gate() const noexcept { return thread_.gate(); }

  /// Packets that the endpoints have sent so far, whatever became of them. @throws Error
  [[nodiscard]] std::uint64_t packets_sent();

  /// Compares the bridge, its ports with their settings, forwarding entries, and what endpoints
  /// have (up, MTU, address, route, neighbours) with what was made, and repairs them. A pair that
  /// has lost one of its ends is told of only, and so is a part that the kernel can't be asked of.
  void audit(std::vector<Drift>& drift);

 private:
  void create_namespaces(bool ipv6);
  void wait_for_ipv6();
  void create_switch();
  void configure_endpoints();
  void configure_endpoint(std::size_t number);
  void wait_for_ports();
  void audit_bridge(std::vector<Drift>& drift);
  void audit_ports(std::vector<Drift>& drift);
  void audit_port(const LinkInfo* port, std::size_t number, std::vector<Drift>& drift);
  void audit_port_settings(std::vector<Drift>& drift);
  void audit_forwarding(std::vector<Drift>& drift);
  void audit_endpoint(std::size_t number, std::vector<Drift>& drift);

  const FabricPlan plan_;
  NamespaceThread thread_;
  Namespace switch_;
  std::vector<Namespace> endpoints_;
  std::vector<std::string> ports_;
  std::optional<netlink::Socket> route_;  ///< rtnetlink, in the switch
};

}  // namespace tinet::fabric
