#pragma once
/// Addresses and interface numbers as this module passes them to the kernel. Values only.

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include <netinet/in.h>

namespace tinet {

/// An interface's number in its network namespace; 0 means "none" or "the kernel chooses".
struct IfIndex {
  std::uint32_t value = 0;
  friend auto operator<=>(const IfIndex&, const IfIndex&) = default;
};

/// Every namespace has its loopback at 1.
inline constexpr IfIndex kLoopback{1};

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};
  friend auto operator<=>(const MacAddress&, const MacAddress&) = default;
};

/// An IPv4 or IPv6 address in network byte order.
class IpAddress {
 public:
  IpAddress() noexcept = default;
  /// @param host_order e.g. 0xc6120001 for 198.18.0.1
  [[nodiscard]] static IpAddress v4(std::uint32_t host_order) noexcept;
  [[nodiscard]] static IpAddress v6(const std::array<std::uint8_t, 16>& bytes) noexcept;
  /// From the kernel's bytes; 4 bytes are IPv4, 16 are IPv6, anything else is unspecified IPv4.
  [[nodiscard]] static IpAddress from_bytes(std::span<const std::byte> bytes) noexcept;

  /// AF_INET or AF_INET6.
  [[nodiscard]] std::uint8_t family() const noexcept { return family_; }
  [[nodiscard]] bool is_v4() const noexcept { return family_ == AF_INET; }
  /// IPv4 in host byte order; 0 for IPv6.
  [[nodiscard]] std::uint32_t v4_value() const noexcept;
  /// 4 or 16 bytes, network order.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept {
    return {bytes_.data(), is_v4() ? 4U : 16U};
  }
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::uint8_t family_ = AF_INET;
  std::array<std::uint8_t, 16> bytes_{};
};

/// An address with the length of its network part: 0..32 or 0..128.
struct IpPrefix {
  IpAddress address;
  std::uint8_t length = 0;
  friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;
};

/// "198.18.0.1", "fd74::1".
[[nodiscard]] std::string to_string(const IpAddress& address);
/// "198.18.0.0/16".
[[nodiscard]] std::string to_string(const IpPrefix& prefix);
/// "02:74:69:00:00:01".
[[nodiscard]] std::string to_string(const MacAddress& mac);

}  // namespace tinet
