#pragma once
/// A UDP socket of an endpoint for probes: the kernel says when each datagram arrived, so it does
/// not matter when this process gets to read it.

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>

#include <netinet/in.h>
#include <sys/socket.h>

#include "src/base/unique_fd.h"
#include "src/fabric/fabric.h"

namespace tinet {

/// Nanoseconds of CLOCK_REALTIME, which the kernel stamps datagrams with. Only differences of it
/// are used; a clock that is set meanwhile spoils the sample.
using StampTime = std::chrono::nanoseconds;
[[nodiscard]] StampTime stamp_now();

/// An address of one family and a port.
class ProbeAddress {
 public:
  ProbeAddress() = default;
  explicit ProbeAddress(Ipv4 address, std::uint16_t port = 0);
  explicit ProbeAddress(const Ipv6& address, std::uint16_t port = 0);

  [[nodiscard]] int family() const { return storage_.ss_family; }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t size() const;
  /// By address and port alone.
  friend bool operator<(const ProbeAddress& a, const ProbeAddress& b);

 private:
  sockaddr_storage storage_{};
};

class ProbeSocket {
 public:
  struct Arrival {
    std::size_t size = 0;
    ProbeAddress from;
    StampTime at{};
  };

  /// Bound to a free port of `address`. Datagrams carry no checksum, so that corrupted ones arrive.
  /// @throws Error Operation
  ProbeSocket(Fabric& fabric, Endpoint endpoint, const ProbeAddress& address);

  [[nodiscard]] const ProbeAddress& address() const noexcept { return address_; }
  /// @return false when the kernel did not take it
  bool send(const ProbeAddress& to, std::span<const std::byte> bytes);
  /// @return nullopt when nothing waits
  [[nodiscard]] std::optional<Arrival> receive(std::span<std::byte> into);

 private:
  UniqueFd fd_;
  ProbeAddress address_;
};

}  // namespace tinet
