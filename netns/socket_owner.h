#pragma once
/// Whose a TCP socket of this network namespace is, by the kernel's socket diagnostics.

#include <cstdint>
#include <optional>

#include <sys/types.h>

#include "netns/inet.h"
#include "netns/netlink/socket.h"

namespace tinet {

struct TcpEndpoint {
  IpAddress address;
  std::uint16_t port = 0;  ///< host byte order
};

struct SocketOwner {
  uid_t uid = 0;  ///< of whoever made the socket, as seen from this user namespace
  /// As in the link /proc/PID/fd/N -> socket:[inode]; 0 when no process holds it any more.
  std::uint32_t inode = 0;
};

/// A socket of the calling thread's network namespace for find_tcp_owner(). Needs no privilege.
/// @throws Error Unavailable when the kernel has no socket diagnostics, or forbids them here
[[nodiscard]] netlink::Socket open_socket_diagnostics();

/// The owner of the socket that is bound to `local` and connected to `remote`, e.g. of the client
/// behind an accepted connection. One kernel round trip, whatever the number of sockets.
/// @return std::nullopt when there is no such socket here
/// @see sock_diag(7)
[[nodiscard]] std::optional<SocketOwner> find_tcp_owner(netlink::Socket& diagnostics,
                                                        const TcpEndpoint& local,
                                                        const TcpEndpoint& remote);

}  // namespace tinet
