#include "netns/socket_owner.h"

#include <algorithm>
#include <cstring>
#include <span>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include "src/base/error.h"

namespace tinet {

namespace {

/// Room for the kernel's address words, IPv4 in the first.
template <std::size_t Words>
void put_address(const IpAddress& address, std::uint32_t (&words)[Words]) {
  const auto bytes = address.bytes();
  std::memcpy(&words[0], bytes.data(), bytes.size());
}

}  // namespace

netlink::Socket open_socket_diagnostics() {
  return netlink::Socket::open(NETLINK_SOCK_DIAG);
}

std::optional<SocketOwner> find_tcp_owner(netlink::Socket& diagnostics, const TcpEndpoint& local,
                                          const TcpEndpoint& remote) {
  inet_diag_req_v2 wanted{};
  wanted.sdiag_family = local.address.family();
  wanted.sdiag_protocol = IPPROTO_TCP;
  wanted.idiag_states = ~0U;
  wanted.id.idiag_sport = htons(local.port);
  wanted.id.idiag_dport = htons(remote.port);
  put_address(local.address, wanted.id.idiag_src);
  put_address(remote.address, wanted.id.idiag_dst);
  std::fill(std::begin(wanted.id.idiag_cookie), std::end(wanted.id.idiag_cookie),
            static_cast<std::uint32_t>(INET_DIAG_NOCOOKIE));
  netlink::Request request;
  request.begin(SOCK_DIAG_BY_FAMILY, 0, "find a TCP socket").put_header(wanted);

  std::optional<SocketOwner> owner;
  try {
    diagnostics.query(request).for_each([&](const netlink::MessageView& message) {
      inet_diag_msg found{};
      if (message.type == SOCK_DIAG_BY_FAMILY && message.payload.size() >= sizeof found) {
        std::memcpy(&found, message.payload.data(), sizeof found);
        owner = SocketOwner{.uid = found.idiag_uid, .inode = found.idiag_inode};
      }
    });
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::Unavailable) {
      throw;
    }
    // The socket is not, or no longer, there.
  }
  return owner;
}

}  // namespace tinet
