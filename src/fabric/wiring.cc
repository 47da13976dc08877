#include "src/fabric/wiring.h"

#include <algorithm>
#include <chrono>
#include <fstream>

#include <linux/netlink.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "netns/address.h"
#include "netns/bridge.h"
#include "src/base/error.h"
#include "src/fabric/wiring_parts.h"

namespace tinet::fabric {

namespace {

/// Carrier comes within milliseconds, but the kernel tells of those that are not urgent at most a
/// hundred times a second, for all interfaces of the machine (net/core/link_watch.c).
constexpr std::chrono::seconds kForwardingTimeout{60};
/// Descriptors that a process needs besides the namespaces.
constexpr rlim_t kOtherDescriptors = 256;

void check_size(std::size_t endpoints) {
  if (endpoints > kEndpointsMax) {
    throw_unavailable("cannot connect " + std::to_string(endpoints) +
                          " endpoints: one switch has " + std::to_string(kEndpointsMax) + " ports",
                      "start fewer instances");
  }
}

void reserve_descriptors(std::size_t namespaces) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return;
  }
  const rlim_t needed = namespaces + kOtherDescriptors;
  if (limit.rlim_cur < needed && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = std::min(limit.rlim_max, std::max<rlim_t>(needed, limit.rlim_cur));
    // Failing leaves the old limit, and the call that runs into it says so.
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
  }
}

/// Bridged frames shall not pass through the switch's own ip and arp hooks, and the switch itself
/// shall not speak.
void prepare_switch(KernelGate* gate) {
  write_sysctl_if_present("net/ipv6/conf/all/disable_ipv6", "1", gate);
  write_sysctl_if_present("net/ipv6/conf/default/disable_ipv6", "1", gate);
  for (const char* path :
       {"net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables",
        "net/bridge/bridge-nf-call-arptables"}) {
    write_sysctl_if_present(path, "0", gate);
  }
}

/// "FIRST LAST" of the group ids that exist in this process's user namespace: those that may use
/// unprivileged ICMP sockets, so that ping works without a capability.
/// @see icmp(7), user_namespaces(7)
std::string groups_of_this_user_namespace() {
  constexpr std::uint64_t kLastGroup = 2'147'483'647;
  std::ifstream map("/proc/self/gid_map");
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  map >> inside >> outside >> count;
  const std::uint64_t last = count == 0 ? inside : inside + count - 1;
  return std::to_string(inside) + " " + std::to_string(std::min(last, kLastGroup));
}

/// Retransmissions at least that often, and so many more of them that connections give up no sooner
/// than with the kernel's own settings (15 of data in 924 s, 6 of SYN in 127 s).
/// @see Linux Documentation/networking/ip-sysctl.rst: tcp_rto_max_ms, tcp_retries2
void limit_back_off(std::int64_t longest_ms, KernelGate* gate) {
  if (!write_sysctl_if_present("net/ipv4/tcp_rto_max_ms", std::to_string(longest_ms), gate)) {
    throw_unavailable(
        "cannot limit the back-off of TCP: this kernel has no net.ipv4.tcp_rto_max_ms",
        "leave out --tcp-rto-max; 'tinet heal --kick' ends stuck connections instead");
  }
  constexpr std::int64_t kDataPatienceMs = 924'000;
  constexpr std::int64_t kSynPatienceMs = 127'000;
  const auto retries = [&](std::int64_t patience_ms, std::int64_t least, std::int64_t most) {
    return std::to_string(std::clamp(patience_ms / longest_ms, least, most));
  };
  write_sysctl("net/ipv4/tcp_retries2", retries(kDataPatienceMs, 15, 255), gate);
  write_sysctl("net/ipv4/tcp_syn_retries", retries(kSynPatienceMs, 6, 127), gate);
}

/// The device defaults must be there before eth0 is.
void prepare_endpoint(bool ipv6, std::optional<std::int64_t> tcp_rto_max_ms, KernelGate* gate) {
  if (tcp_rto_max_ms) {
    limit_back_off(*tcp_rto_max_ms, gate);
  }
  write_sysctl_if_present("net/ipv4/ip_unprivileged_port_start", "0", gate);
  write_sysctl_if_present("net/ipv4/ping_group_range", groups_of_this_user_namespace(), gate);
  if (ipv6) {
    // Addresses are given, there is no router, and nobody else could have the same address.
    write_sysctl_if_present("net/ipv6/conf/default/addr_gen_mode", "1", gate);
    write_sysctl_if_present("net/ipv6/conf/default/accept_ra", "0", gate);
    write_sysctl_if_present("net/ipv6/conf/default/router_solicitations", "0", gate);
  } else {
    write_sysctl_if_present("net/ipv6/conf/default/disable_ipv6", "1", gate);
  }
}

}  // namespace

std::string port_name(std::string_view endpoint, std::size_t number) {
  const bool usable = !endpoint.empty() && endpoint.size() <= kLinkNameMax && endpoint != "lo" &&
                      endpoint != "br0" && endpoint != "all" && endpoint != "default" &&
                      endpoint != "." && endpoint != ".." &&
                      endpoint.find_first_of("/: \t\n") == std::string_view::npos;
  // "p7" itself could be the name of another endpoint.
  const bool like_a_number = usable && endpoint[0] == 'p' && endpoint.size() > 1 &&
                             endpoint.find_first_not_of("0123456789", 1) == std::string_view::npos;
  return usable && !like_a_number ? std::string(endpoint) : "p" + std::to_string(number);
}

Wiring::Wiring(const FabricPlan& plan, KernelGate* gate) : plan_(plan), thread_(gate) {
  check_size(plan.endpoints.size());
  reserve_descriptors(plan.endpoints.size());
  for (std::size_t i = 0; i < plan.endpoints.size(); ++i) {
    ports_.push_back(port_name(plan.endpoints[i].name, i));
  }
  const bool ipv6 = std::any_of(plan.endpoints.begin(), plan.endpoints.end(),
                                [](const FabricEndpoint& e) { return e.address6.has_value(); });
  create_namespaces(ipv6);
  create_switch();
  configure_endpoints();
  if (ipv6) {
    wait_for_ipv6();
  }
  wait_for_ports();
}

Wiring::~Wiring() {
  for (std::size_t i = 0; route_ && i < endpoints_.size(); ++i) {
    if (!plan_.endpoints[i].is_host) {
      continue;
    }
    try {
      netlink::Request request;
      put_delete_link(request, port_of(i));
      static_cast<void>(route_->try_execute(request));
    } catch (const Error&) {
      // The kernel removes it together with the switch.
    }
  }
}

void Wiring::create_namespaces(bool ipv6) {
  const auto own = static_cast<std::size_t>(
      std::count_if(plan_.endpoints.begin(), plan_.endpoints.end(),
                    [](const FabricEndpoint& endpoint) { return !endpoint.is_host; }));
  std::vector<Namespace> made = thread_.create(own + 1, [&](std::size_t index) {
    index == 0 ? prepare_switch(thread_.gate())
               : prepare_endpoint(ipv6, plan_.tcp_rto_max_ms, thread_.gate());
  });
  switch_ = std::move(made.front());
  auto next = made.begin() + 1;
  for (const FabricEndpoint& endpoint : plan_.endpoints) {
    endpoints_.push_back(endpoint.is_host ? Namespace::current() : std::move(*next++));
  }
}

void Wiring::create_switch() {
  route_.emplace(open_switch_netlink(NETLINK_ROUTE));
  netlink::Request request;
  put_bridge(request, bridge_of_switch());
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    VethSpec veth;
    veth.name = ports_[i];
    veth.index = port_of(i);
    veth.master = kBridge;
    veth.far_name = device_of(plan_, plan_.endpoints[i]);
    veth.far_index = plan_.endpoints[i].is_host ? IfIndex{} : kEth0;
    veth.far_mac = mac_of(i);
    veth.far_namespace = endpoints_[i].fd();
    put_veth(request, veth);
  }
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    put_bridge_port(request, port_of(i), port_settings());
    put_forwarding_entry(request, port_of(i), mac_of(i));
  }
  route_->execute(request);
}

void Wiring::configure_endpoints() {
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    configure_endpoint(i);
  }
}

void Wiring::configure_endpoint(std::size_t number) {
  const FabricEndpoint& endpoint = plan_.endpoints[number];
  netlink::Socket socket = thread_.open_netlink(endpoints_[number], NETLINK_ROUTE);
  IfIndex device = kEth0;
  if (endpoint.is_host) {
    const auto link = find_link(socket, device_of(plan_, endpoint));
    if (!link) {
      throw_operation("the host's link '" + device_of(plan_, endpoint) + "' is gone");
    }
    device = link->index;
  }
  netlink::Request request;
  put_endpoint(request, plan_, endpoint, device);
  socket.execute(request);
}

void Wiring::wait_for_ipv6() {
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    if (plan_.endpoints[i].address6) {
      netlink::Socket events = thread_.open_netlink(endpoints_[i], NETLINK_ROUTE);
      netlink::Socket socket = thread_.open_netlink(endpoints_[i], NETLINK_ROUTE);
      wait_until_local(socket, events, ip_address(*plan_.endpoints[i].address6),
                       kForwardingTimeout);
    }
  }
}

void Wiring::wait_for_ports() {
  std::vector<IfIndex> ports;
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    ports.push_back(port_of(i));
  }
  netlink::Socket events = open_switch_netlink(NETLINK_ROUTE);
  wait_until_forwarding(*route_, events, ports, kForwardingTimeout);
}

UniqueFd Wiring::open_socket(Endpoint endpoint, int domain, int type, int protocol) {
  return thread_.open_socket(endpoints_.at(endpoint), domain, type, protocol);
}

netlink::Socket Wiring::open_switch_netlink(int protocol) {
  return thread_.open_netlink(switch_, protocol);
}

netlink::Socket Wiring::open_endpoint_netlink(Endpoint endpoint, int protocol) {
  return thread_.open_netlink(endpoints_.at(endpoint), protocol);
}

UniqueFd Wiring::open_switch_socket(int protocol) {
  return thread_.open_socket(switch_, AF_NETLINK, SOCK_RAW, protocol);
}

void Wiring::write_switch_sysctl(const std::string& path, const std::string& value) {
  thread_.write_sysctl(switch_, path, value);
}

std::uint64_t Wiring::packets_sent() {
  const IfIndex end = port_of(endpoints_.size());
  std::uint64_t packets = 0;
  for (const LinkStats& stats : list_link_stats(*route_)) {
    if (stats.index >= port_of(0) && stats.index < end) {
      packets += stats.received_packets;
    }
  }
  return packets;
}

}  // namespace tinet::fabric
