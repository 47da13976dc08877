#pragma once
/// The few calls on TCP sockets that a relay needs; all non-blocking and close-on-exec.

#include <chrono>
#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "src/base/unique_fd.h"

namespace tinet::proxy {

using Endpoint = boost::asio::ip::tcp::endpoint;

/// Lets this process have as many descriptors as it may: a connection takes two, and the usual soft
/// limit of 1024 would be 500 of them.
void raise_descriptor_limit() noexcept;

/// "127.0.0.1:80", "[::1]:80".
[[nodiscard]] std::string to_string(const Endpoint& endpoint);

/// A socket that listens at `endpoint`; port 0 takes a free one.
/// @throws Error Conflict when the address is in use, else as throw_errno()
[[nodiscard]] UniqueFd listen_at(const Endpoint& endpoint);

/// Where a socket is bound. @throws Error Operation
[[nodiscard]] Endpoint local_endpoint(int fd);

/// The other end of a connection; nullopt when it is gone.
[[nodiscard]] std::optional<Endpoint> peer_endpoint(int fd) noexcept;

/// A fresh TCP socket; invalid, with errno set, when there is none to be had.
[[nodiscard]] UniqueFd new_socket(int family) noexcept;

/// AF_INET or AF_INET6; 0 when it cannot be told.
[[nodiscard]] int family_of(int fd) noexcept;

/// What accept_from() found.
struct Accepted {
  UniqueFd fd;
  Endpoint peer;
  int error = 0;  ///< errno when there is no descriptor
};
[[nodiscard]] Accepted accept_from(int listener) noexcept;

/// When an idle peer that vanished without a word is given up: after idle + probes * interval.
struct KeepAlive {
  std::chrono::seconds idle{60};
  std::chrono::seconds interval{10};
  int probes = 3;
};

/// Sends small messages at once and watches for vanished peers.
void tune(int fd, const KeepAlive& keep_alive) noexcept;

/// Closes with a reset instead of an orderly end. @see socket(7) SO_LINGER
void reset(UniqueFd& fd) noexcept;

/// The socket's pending error, which is taken from it.
[[nodiscard]] int take_error(int fd) noexcept;

}  // namespace tinet::proxy
