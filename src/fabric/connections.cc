#include "src/fabric/connections.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include <linux/netlink.h>

#include "src/base/error.h"

namespace tinet::fabric {

namespace {

std::vector<std::uint8_t> bytes_of(const IpAddress& address) {
  const auto bytes = address.bytes();
  return {bytes.begin(), bytes.end()};
}

bool is_open(const TcpSocketInfo& socket) {
  return socket.state != TcpState::Listen && socket.state != TcpState::Close &&
         socket.state != TcpState::TimeWait && socket.state != TcpState::SynSent;
}

/// Sent and not answered, so far as one end can know.
bool waits_to_send_again(const TcpSocketInfo& socket) {
  return socket.state != TcpState::Listen && socket.state != TcpState::TimeWait &&
         (socket.retransmits > 0 || socket.backoff > 0);
}

Flow flow_of(const TcpEnd& from, const TcpEnd& to) {
  return {bytes_of(from.address), from.port, bytes_of(to.address), to.port};
}

/// Peers of every endpoint, both directions of each link.
std::map<Endpoint, std::set<Endpoint>> peers_of(const std::vector<Link>& links) {
  std::map<Endpoint, std::set<Endpoint>> peers;
  for (const Link& link : links) {
    peers[link.from].insert(link.to);
    peers[link.to].insert(link.from);
  }
  return peers;
}

}  // namespace

bool ConnectionTable::is_address_of(Endpoint endpoint, const IpAddress& address) const {
  const FabricEndpoint& owner = endpoints_.at(endpoint);
  return address == IpAddress::v4(owner.address.value) ||
         (owner.address6 && address == IpAddress::v6(owner.address6->bytes));
}

netlink::Socket ConnectionTable::open(Endpoint endpoint) {
  return wiring_.open_endpoint_netlink(endpoint, NETLINK_SOCK_DIAG);
}

std::vector<Flow> ConnectionTable::flows(const std::vector<Link>& links) {
  const std::set<Link> wanted(links.begin(), links.end());
  std::set<Flow> flows;
  for (const auto& [endpoint, peers] : peers_of(links)) {
    netlink::Socket socket = open(endpoint);
    for (const TcpSocketInfo& one : list_tcp_sockets(socket)) {
      if (!is_open(one) || !is_address_of(endpoint, one.local.address)) {
        continue;
      }
      for (const Endpoint peer : peers) {
        if (!is_address_of(peer, one.remote.address)) {
          continue;
        }
        if (wanted.contains({endpoint, peer})) {
          flows.insert(flow_of(one.local, one.remote));
        }
        if (wanted.contains({peer, endpoint})) {
          flows.insert(flow_of(one.remote, one.local));
        }
      }
    }
  }
  return {flows.begin(), flows.end()};
}

KickReport ConnectionTable::kick(const std::vector<Link>& links) {
  KickReport report;
  for (const auto& [endpoint, peers] : peers_of(links)) {
    if (endpoints_.at(endpoint).is_host) {
      continue;  // what the host's programs do is not ours to end
    }
    netlink::Socket socket = open(endpoint);
    for (const TcpSocketInfo& one : list_tcp_sockets(socket)) {
      const bool concerned =
          std::any_of(peers.begin(), peers.end(), [&, own = endpoint](Endpoint peer) {
            return is_address_of(own, one.local.address) && is_address_of(peer, one.remote.address);
          });
      if (!concerned || !waits_to_send_again(one)) {
        continue;
      }
      netlink::Request request;
      put_destroy(request, one);
      const auto refusals = socket.try_execute(request);
      if (refusals.empty()) {
        ++report.destroyed;
      } else if (refusals.front().error == EOPNOTSUPP) {
        throw_unavailable("cannot end stuck connections: this kernel has no SOCK_DESTROY",
                          "restart the instances instead, or wait");
      } else if (refusals.front().error != ENOENT) {
        throw_operation(netlink::describe(refusals.front()));
      }
    }
  }
  return report;
}

}  // namespace tinet::fabric
