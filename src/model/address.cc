#include "src/model/address.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

#include "src/base/error.h"

namespace tinet {

namespace {

/// Addresses below base + kFirstEndpoint are left to people and to later uses.
constexpr std::uint32_t kFirstEndpoint = 11;

Subnet make_subnet(std::uint8_t a, std::uint8_t b, int prefix) {
  return {Ipv4{(std::uint32_t{a} << 24) | (std::uint32_t{b} << 16)}, prefix};
}

}  // namespace

std::uint32_t Subnet::mask() const noexcept {
  return prefix <= 0 ? 0 : ~std::uint32_t{0} << (32 - prefix);
}

bool Subnet::contains(Ipv4 address) const noexcept {
  return (address.value & mask()) == base.value;
}

bool Subnet::overlaps(const Subnet& other) const noexcept {
  const std::uint32_t shared = mask() & other.mask();
  return (base.value & shared) == (other.base.value & shared);
}

Ipv4 parse_ipv4(std::string_view text, std::string_view what) {
  in_addr parsed{};
  if (::inet_pton(AF_INET, std::string(text).c_str(), &parsed) != 1) {
    throw_usage(std::string(what) + ": '" + std::string(text) + "' is not an IPv4 address");
  }
  return Ipv4{ntohl(parsed.s_addr)};
}

Ipv6 parse_ipv6(std::string_view text, std::string_view what) {
  Ipv6 parsed;
  if (::inet_pton(AF_INET6, std::string(text).c_str(), parsed.bytes.data()) != 1) {
    throw_usage(std::string(what) + ": '" + std::string(text) + "' is not an IPv6 address");
  }
  return parsed;
}

Subnet parse_subnet(std::string_view text, std::string_view what) {
  const std::string hint = "write it like 198.18.0.0/16";
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) {
    throw_usage(std::string(what) + ": '" + std::string(text) + "' has no prefix length", hint);
  }
  Subnet subnet;
  subnet.base = parse_ipv4(text.substr(0, slash), what);
  const auto digits = text.substr(slash + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), subnet.prefix);
  if (error != std::errc{} || end != digits.data() + digits.size() || subnet.prefix < 8 ||
      subnet.prefix > 29) {
    throw_usage(std::string(what) + ": prefix length of '" + std::string(text) +
                    "' is not between 8 and 29",
                hint);
  }
  if ((subnet.base.value & ~subnet.mask()) != 0) {
    const Subnet meant{Ipv4{subnet.base.value & subnet.mask()}, subnet.prefix};
    throw_usage(std::string(what) + ": '" + std::string(text) + "' has bits set outside its prefix",
                "write '" + to_string(meant) + "'");
  }
  constexpr Subnet kLocalhost{Ipv4{0x7f000000}, 16};
  constexpr std::uint32_t kFirstMulticast = 0xe0000000;
  if (subnet.overlaps(kLocalhost) || subnet.base.value >> 24 == 0 ||
      subnet.base.value >= kFirstMulticast) {
    throw_usage(std::string(what) + ": the addresses of '" + std::string(text) +
                    "' cannot be given to instances",
                "choose private ones, e.g. 10.213.0.0/16");
  }
  return subnet;
}

std::string to_string(Ipv4 address) {
  return std::to_string(address.value >> 24) + "." + std::to_string((address.value >> 16) & 255) +
         "." + std::to_string((address.value >> 8) & 255) + "." +
         std::to_string(address.value & 255);
}

std::string to_string(const Ipv6& address) {
  char text[INET6_ADDRSTRLEN] = {};
  return ::inet_ntop(AF_INET6, address.bytes.data(), text, sizeof text) != nullptr ? text : "";
}

std::string to_string(const Mac& mac) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const auto byte : mac.bytes) {
    if (!text.empty()) {
      text += ':';
    }
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string to_string(const Subnet& subnet) {
  return to_string(subnet.base) + "/" + std::to_string(subnet.prefix);
}

Ipv4 endpoint_address(const Subnet& subnet, std::uint32_t number) {
  const Ipv4 address{subnet.base.value + kFirstEndpoint + number};
  if (!subnet.contains(address) || address >= gateway_address(subnet)) {
    throw_usage("subnet '" + to_string(subnet) + "' is too small for " +
                    std::to_string(number + 1) + " endpoints",
                "give a larger one with --subnet, e.g. 198.18.0.0/16");
  }
  return address;
}

Ipv4 address_behind_relay(const Subnet& subnet, Ipv4 address) {
  const std::uint32_t half = (~subnet.mask() >> 1U) + 1;
  if ((address.value & half) != 0) {
    throw_usage("subnet '" + to_string(subnet) +
                    "' is too small: every endpoint needs an address for its relay and one for its "
                    "program",
                "give a larger one with --subnet, e.g. 127.64.0.0/16");
  }
  return Ipv4{address.value | half};
}

Ipv6 endpoint_address6(std::uint32_t number) {
  Ipv6 address;
  address.bytes = {0xfd, 0x74, 0x69, 0x6e, 0x65, 0x74};
  const std::uint32_t host = kFirstEndpoint + number;
  for (std::size_t i = 0; i < 4; ++i) {
    address.bytes[12 + i] = static_cast<std::uint8_t>(host >> (8 * (3 - i)));
  }
  return address;
}

Mac endpoint_mac(std::uint32_t number) {
  const std::uint32_t n = number + 1;
  return {{0x02, 0x74, 0x69, static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 8),
           static_cast<std::uint8_t>(n)}};
}

Ipv4 gateway_address(const Subnet& subnet) {
  return Ipv4{(subnet.base.value | ~subnet.mask()) - 1};
}

Ipv6 gateway_address6() {
  Ipv6 address;
  address.bytes = {0xfd, 0x74, 0x69, 0x6e, 0x65, 0x74};
  address.bytes.back() = 1;
  return address;
}

Mac gateway_mac() {
  return {{0x02, 0x74, 0x69, 0xff, 0xff, 0xfe}};
}

const std::vector<Subnet>& default_subnets() {
  static const std::vector<Subnet> subnets = {make_subnet(198, 18, 16), make_subnet(198, 19, 16),
                                              make_subnet(10, 213, 16)};
  return subnets;
}

bool is_loopback(const Subnet& subnet) noexcept {
  return subnet.base.value >> 24U == 127;
}

std::vector<Subnet> loopback_subnets() {
  constexpr std::uint8_t kFirst = 64;
  constexpr std::uint8_t kLast = 95;
  std::vector<Subnet> subnets;
  for (std::uint8_t second = kFirst; second <= kLast; ++second) {
    subnets.push_back(make_subnet(127, second, 16));
  }
  return subnets;
}

std::optional<Subnet> first_free_subnet(const std::vector<Subnet>& candidates,
                                        const std::vector<Subnet>& taken) {
  for (const auto& candidate : candidates) {
    const bool free = std::none_of(taken.begin(), taken.end(),
                                   [&](const Subnet& used) { return used.overlaps(candidate); });
    if (free) {
      return candidate;
    }
  }
  return std::nullopt;
}

}  // namespace tinet
