#pragma once
/// IPv4/IPv6 and MAC addresses as values, and the deterministic address plan of a cluster.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinet {

/// An IPv4 address in host byte order.
struct Ipv4 {
  std::uint32_t value = 0;
  friend auto operator<=>(const Ipv4&, const Ipv4&) = default;
};

struct Ipv6 {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const Ipv6&, const Ipv6&) = default;
};

struct Mac {
  std::array<std::uint8_t, 6> bytes{};
  friend auto operator<=>(const Mac&, const Mac&) = default;
};

/// An IPv4 network; `base` has no bit set outside the prefix.
struct Subnet {
  Ipv4 base;
  int prefix = 16;

  [[nodiscard]] std::uint32_t mask() const noexcept;
  [[nodiscard]] bool contains(Ipv4 address) const noexcept;
  [[nodiscard]] bool overlaps(const Subnet& other) const noexcept;
  friend bool operator==(const Subnet&, const Subnet&) = default;
};

/// @throws Error Usage naming `what`
[[nodiscard]] Ipv4 parse_ipv4(std::string_view text, std::string_view what);
[[nodiscard]] Ipv6 parse_ipv6(std::string_view text, std::string_view what);
/// Parses "198.18.0.0/16"; prefixes 8 to 29.
/// @throws Error Usage when malformed, when host bits are set, and for multicast and reserved
/// addresses and the loopback network's first 65536, which no instance can have
[[nodiscard]] Subnet parse_subnet(std::string_view text, std::string_view what);
[[nodiscard]] std::string to_string(Ipv4 address);
[[nodiscard]] std::string to_string(const Ipv6& address);
[[nodiscard]] std::string to_string(const Mac& mac);
[[nodiscard]] std::string to_string(const Subnet& subnet);

/// Address of endpoint `number` (0 = first instance of the topology; the client comes after the
/// last one): base + 11 + number, so that .1-.10 stay free for people.
/// @throws Error Usage when the subnet is too small
[[nodiscard]] Ipv4 endpoint_address(const Subnet& subnet, std::uint32_t number);
/// Where the programs of the endpoint at `address` listen when a relay has that address: at the
/// same place in the other half of the subnet.
/// @throws Error Usage when the subnet is too small for both
[[nodiscard]] Ipv4 address_behind_relay(const Subnet& subnet, Ipv4 address);
/// fd74:696e:6574::<number+11> (a fixed ULA; namespaces keep clusters apart).
[[nodiscard]] Ipv6 endpoint_address6(std::uint32_t number);
/// Locally administered 02:74:69:<24 bits of number + 1>.
[[nodiscard]] Mac endpoint_mac(std::uint32_t number);
/// The last usable address of the subnet: every endpoint's one permanent neighbour.
[[nodiscard]] Ipv4 gateway_address(const Subnet& subnet);
/// fd74:696e:6574::1, the same for IPv6; the network of all IPv6 endpoints has 64 bits.
[[nodiscard]] Ipv6 gateway_address6();
/// 02:74:69:ff:ff:fe
[[nodiscard]] Mac gateway_mac();

/// The subnets tried in order when none is given: 198.18.0.0/16, 198.19.0.0/16, 10.213.0.0/16.
[[nodiscard]] const std::vector<Subnet>& default_subnets();
/// Whether these are addresses of the machine's loopback interface, 127.0.0.0/8.
[[nodiscard]] bool is_loopback(const Subnet& subnet) noexcept;
/// The subnets tried in order for a cluster of loopback addresses: 127.64.0.0/16 to 127.95.0.0/16.
[[nodiscard]] std::vector<Subnet> loopback_subnets();
/// First of `candidates` that overlaps none of `taken` (the host's addresses and routes, and the
/// subnets of the user's other clusters); nullopt when all overlap.
[[nodiscard]] std::optional<Subnet> first_free_subnet(const std::vector<Subnet>& candidates,
                                                      const std::vector<Subnet>& taken);

}  // namespace tinet
