#pragma once
/// Sockets of a SmallNetwork's instances, IPv4 and IPv6, whose failures come back as errno.

#include <cstdint>
#include <optional>
#include <string_view>

#include "tests/kernel/small_network.h"

namespace tinet::testing {

/// AF_INET or AF_INET6.
[[nodiscard]] IpAddress address_of(std::size_t instance, int family);

/// A TCP socket that listens at that port of the instance. @throws Error
[[nodiscard]] UniqueFd tcp_listener(SmallNetwork& network, std::size_t instance, int family,
                                    std::uint16_t port);

/// What became of a connect(2).
struct Connected {
  UniqueFd fd;
  int error = 0;  ///< errno; ETIMEDOUT after `wait_ms` too
};
[[nodiscard]] Connected tcp_connect(SmallNetwork& network, std::size_t from, std::size_t to,
                                    int family, std::uint16_t port, int wait_ms);

/// The next connection of a listener; an empty descriptor after `wait_ms`.
[[nodiscard]] UniqueFd tcp_accept(const UniqueFd& listener, int wait_ms);

/// A UDP socket of instance `from` that is connected to that port of `to`. @throws Error
[[nodiscard]] UniqueFd udp_connected(SmallNetwork& network, std::size_t from, std::size_t to,
                                     int family, std::uint16_t port);

/// Waits for something to read. @return errno when there is an error instead, 0 for data,
/// ETIMEDOUT
[[nodiscard]] int wait_readable(const UniqueFd& fd, int wait_ms);

/// Sends `text`; errno or 0.
[[nodiscard]] int send_text(const UniqueFd& fd, std::string_view text);

}  // namespace tinet::testing
