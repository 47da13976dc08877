#include "netns/scratch_trials.h"

#include <cerrno>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>

#include "netns/namespace.h"
#include "netns/scratch_table.h"
#include "netns/sock_diag.h"
#include "src/base/error.h"
#include "src/base/unique_fd.h"

namespace tinet {
namespace {

using namespace nft;  // NOLINT(google-build-using-namespace): local to this file

constexpr MacAddress kMarkMac{{2, 0, 0, 0, 0, 1}};

void try_bridge_rule(std::vector<Expression> expressions, const std::string& what) {
  ScratchTable(Family::Bridge).try_rule({.number = kBridgeForward}, std::move(expressions), what);
}

}  // namespace

void try_dynset_counter(Scratch&) {
  ScratchTable table(Family::Bridge);
  const SetSpec set{.table = table.id(),
                    .name = "tallies",
                    .key = {Datatype::IfIndex, Datatype::IfIndex, Datatype::Mark},
                    .size_max = 1U << 20U,
                    .dynamic = true,
                    .counters = true};
  table.apply(std::move(Batch().add_set(set)));
  table.try_rule({.number = kBridgeForward},
                 {MetaLoad{MetaKey::InIndex, kR0}, MetaLoad{MetaKey::OutIndex, kR1},
                  MetaLoad{MetaKey::Mark, kR2}, CountBy{"tallies", kR0}},
                 "count per key in elements that packets make");
  const auto sets = list_sets(table.connection(), table.id());
  if (sets.size() != 1 || sets[0] != set) {
    throw_unavailable("the kernel does not keep counters in the elements of a set");
  }
}

void try_inner_header(Scratch&) {
  try_bridge_rule({PayloadLoad{Header::Inner, 0, 1, kR0}, Bitwise{kR0, kR0, {0xff}, {0x01}},
                   PayloadWrite{Header::Inner, 0, 1, kR0}},
                  "change what TCP and UDP carry in bridge rules");
}

void try_jhash(Scratch&) {
  try_bridge_rule(
      {PayloadLoad{Header::Network, 12, 4, kR0},
       Hash{.from = kR0, .to = kR0, .modulus = 100, .seed = 1}, MetaSet{MetaKey::Mark, kR0}},
      "hash in bridge rules");
}

void try_egress_duplicate(Scratch&) {
  ScratchTable(Family::Netdev)
      .try_rule({.number = kNetdevEgress, .devices = {Scratch::kDevice}},
                {MetaLoad{MetaKey::OutIndex, kR0}, Duplicate{kR0}},
                "duplicate packets in netdev egress");
}

void try_bridge_queue(Scratch&) {
  for (const char* name :
       {"net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables"}) {
    if (!write_sysctl_if_present(name, "1")) {
      throw_unavailable("cannot show bridged packets to the inet family: there is no sysctl '" +
                        std::string(name) + "'");
    }
  }
  const std::string what = "queue forwarded packets to userspace";
  try {
    ScratchTable(Family::Inet)
        .try_rule({.number = kInetForward}, {Queue{.number = 1, .bypass = true}}, what);
  } catch (const Error&) {
    // Without nft_queue the xtables target does the same.
    ScratchTable(Family::Inet)
        .try_rule({.number = kInetForward}, {CompatQueue{.number = 1, .bypass = true}}, what);
  }
}

void try_source_mac_rewrite(Scratch&) {
  const Bytes mac = KeyBuilder().mac(kMarkMac).take();
  try_bridge_rule({Immediate{kR0, mac}, PayloadWrite{Header::Link, 6, 6, kR0}},
                  "rewrite the source of bridged packets");
  ScratchTable(Family::Inet)
      .try_rule({.number = kInetPrerouting, .priority = -300},
                {PayloadLoad{Header::Link, 6, 6, kR0}, Compare{CompareOp::Equal, kR0, mac},
                 Reject{Reject::Kind::IcmpxUnreachable, 1}},
                "reject packets by their source MAC in inet prerouting");
}

void try_socket_destroy(Scratch&) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener || ::listen(listener.get(), 1) < 0) {
    const int error = errno;
    throw_errno(error, "cannot make a TCP socket");
  }
  auto socket = netlink::Socket::open(NETLINK_SOCK_DIAG);
  netlink::Request request;
  for (const TcpSocketInfo& info : list_tcp_sockets(socket)) {
    put_destroy(request, info);
  }
  if (request.empty()) {
    throw_unavailable("the kernel does not list TCP sockets");
  }
  socket.execute(request);
  if (!list_tcp_sockets(socket).empty()) {
    throw_unavailable("the kernel does not end TCP sockets");
  }
}

void try_rto_max(Scratch&) {
  if (read_sysctl("net/ipv4/tcp_rto_max_ms").empty()) {
    throw_unavailable("there is no sysctl 'net/ipv4/tcp_rto_max_ms'");
  }
}

}  // namespace tinet
