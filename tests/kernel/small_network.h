#pragma once
/// A switch namespace with a bridge and instance namespaces behind it, built the way the fabric
/// builds it: one gateway neighbour per instance, the switch rewrites the destination MAC.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "netns/address.h"
#include "netns/bridge.h"
#include "netns/inet.h"
#include "netns/link.h"
#include "netns/namespace.h"
#include "netns/nft/connection.h"

namespace tinet::testing {

struct SmallNetworkOptions {
  bool rewrite_macs = true;  ///< else nobody can reach anybody: there is no ARP
  bool wait = true;
  bool ipv6 = false;  ///< addresses of that family as well
  KernelGate* gate = nullptr;
};

class SmallNetwork {
 public:
  static constexpr std::uint32_t kGroup = 77;

  explicit SmallNetwork(std::size_t instances, const SmallNetworkOptions& options = {});

  [[nodiscard]] static std::uint32_t address(std::size_t i) {
    return 0xc612000bU + static_cast<std::uint32_t>(i);
  }
  [[nodiscard]] static IpAddress address6(std::size_t i);
  [[nodiscard]] static MacAddress mac(std::size_t i) {
    const auto n = static_cast<std::uint32_t>(i + 1);
    return {
        {0x02, 0x74, 0x69, 0, static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)}};
  }
  [[nodiscard]] static IfIndex port(std::size_t i) { return {static_cast<std::uint32_t>(100 + i)}; }
  [[nodiscard]] std::vector<IfIndex> ports() const;

  /// A UDP socket bound to port 7000 of instance `i`.
  [[nodiscard]] UniqueFd udp(std::size_t i);
  /// Sends one datagram; true when sendto(2) took it.
  static bool send(const UniqueFd& from, std::size_t to, std::uint32_t payload);
  /// Payloads that arrive at `at` until there are `wanted`, or it is silent for `quiet_ms`.
  [[nodiscard]] static std::vector<std::uint32_t> receive(const UniqueFd& at, int quiet_ms,
                                                          std::size_t wanted = SIZE_MAX);
  /// Whether a datagram from `a` gets to `b`.
  [[nodiscard]] bool reaches(std::size_t a, std::size_t b, int wait_ms = 50);

  NamespaceThread thread;
  Namespace switch_space;
  std::vector<Namespace> spaces;
  std::unique_ptr<netlink::Socket> links;  ///< rtnetlink of the switch
  std::unique_ptr<nft::Connection> rules;  ///< nf_tables of the switch
  std::vector<netlink::Socket> instance_links;

 private:
  void make_spaces(std::size_t instances);
  void make_links();
  void make_addresses();
  void make_rewrite();
  void make_addresses6();
  void make_rewrite6();
  bool ipv6_ = false;
  std::vector<UniqueFd> sockets_;
};

/// The table of the switch.
[[nodiscard]] inline nft::TableId switch_table() {
  return {nft::Family::Bridge, "tinet"};
}

}  // namespace tinet::testing
