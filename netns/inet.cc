#include "netns/inet.h"

#include <algorithm>
#include <cstdio>

#include <arpa/inet.h>

namespace tinet {

IpAddress IpAddress::v4(std::uint32_t host_order) noexcept {
  IpAddress address;
  const std::uint32_t network = htonl(host_order);
  std::memcpy(address.bytes_.data(), &network, sizeof network);
  return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& bytes) noexcept {
  IpAddress address;
  address.family_ = AF_INET6;
  address.bytes_ = bytes;
  return address;
}

IpAddress IpAddress::from_bytes(std::span<const std::byte> bytes) noexcept {
  IpAddress address;
  if (bytes.size() == 4 || bytes.size() == 16) {
    address.family_ = bytes.size() == 4 ? AF_INET : AF_INET6;
    std::memcpy(address.bytes_.data(), bytes.data(), bytes.size());
  }
  return address;
}

std::uint32_t IpAddress::v4_value() const noexcept {
  if (!is_v4()) {
    return 0;
  }
  std::uint32_t network = 0;
  std::memcpy(&network, bytes_.data(), sizeof network);
  return ntohl(network);
}

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(address.family(), address.bytes().data(), text.data(), text.size());
  return text.data();
}

std::string to_string(const IpPrefix& prefix) {
  return to_string(prefix.address) + "/" + std::to_string(prefix.length);
}

std::string to_string(const MacAddress& mac) {
  std::array<char, 18> text{};
  const auto& b = mac.bytes;
  std::snprintf(text.data(), text.size(), "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3],
                b[4], b[5]);
  return text.data();
}

}  // namespace tinet
