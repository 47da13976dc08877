#include "netns/scratch_probes.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "netns/bridge.h"
#include "netns/link.h"
#include "netns/nft/connection.h"
#include "netns/scratch_table.h"
#include "netns/scratch_trials.h"
#include "src/base/error.h"

namespace tinet {
namespace {

// A table of trials written in its words.
using namespace nft;  // NOLINT(google-build-using-namespace): local to this file

constexpr auto kMinute = Milliseconds(60'000);

SetSpec link_map(const TableId& table) {
  return {.table = table,
          .name = "links",
          .key = {Datatype::IfIndex, Datatype::IfIndex},
          .map = MapKind::Verdicts,
          .timeouts = true};
}

Element timed_cut(Milliseconds timeout) {
  return {
      .key = link_key({1}, {2}), .verdict = Verdict{Verdict::Kind::Drop, {}}, .timeout = timeout};
}

void expect_timeout(ScratchTable& table, Milliseconds timeout, const char* failure) {
  const auto elements = list_elements(table.connection(), table.id(), "links");
  if (elements.size() != 1 || elements[0].timeout != timeout) {
    throw_unavailable(failure);
  }
}

void try_bridge_rule(std::vector<Expression> expressions, const std::string& what) {
  ScratchTable(Family::Bridge).try_rule({.number = kBridgeForward}, std::move(expressions), what);
}

void try_veth(Scratch&) {}  // the scratch namespace has one already

void try_bridge(Scratch& scratch) {
  netlink::Request request;
  put_bridge(request, {.name = "probebr", .index = {1002}});
  put_delete_link(request, IfIndex{1002});
  scratch.links().execute(request);
}

void try_bridge_table(Scratch&) {
  try_bridge_rule(
      {MetaLoad{MetaKey::InIndex, kR0}, MetaLoad{MetaKey::OutIndex, kR1},
       Compare{CompareOp::Equal, kR0, link_key({1}, {2})}, GiveVerdict{{Verdict::Kind::Drop, {}}}},
      "filter bridged packets by their links");
}

void try_owner(Scratch&) {
  Connection other = Connection::open();
  {
    ScratchTable table(Family::Bridge);
    const auto tables = list_tables(other, Family::Bridge);
    if (tables.size() != 1 || !tables[0].owner) {
      throw_unavailable("the kernel ignores the owner of a table");
    }
  }
}

void try_element_timeout(Scratch&) {
  ScratchTable table(Family::Bridge);
  const SetSpec map = link_map(table.id());
  table.apply(std::move(Batch().add_set(map).add_elements(map, std::array{timed_cut(kMinute)})));
  expect_timeout(table, kMinute, "the kernel ignores the timeout of an element");
}

void try_timeout_update(Scratch&) {
  ScratchTable table(Family::Bridge);
  const SetSpec map = link_map(table.id());
  table.apply(std::move(Batch().add_set(map).add_elements(map, std::array{timed_cut(kMinute)})));
  table.apply(std::move(Batch().add_elements(map, std::array{timed_cut(2 * kMinute)})));
  expect_timeout(table, 2 * kMinute, "adding an element again keeps its old timeout");
}

void try_counter_objects(Scratch&) {
  ScratchTable table(Family::Bridge);
  const SetSpec map{.table = table.id(),
                    .name = "counts",
                    .key = {Datatype::IfIndex, Datatype::IfIndex},
                    .map = MapKind::Counters};
  const Element element{.key = link_key({1}, {2}), .object = "probe"};
  table.apply(std::move(Batch()
                            .add_counter({.table = table.id(), .name = "probe"})
                            .add_set(map)
                            .add_elements(map, std::array{element})));
  table.try_rule(
      {.number = kBridgeForward},
      {MetaLoad{MetaKey::InIndex, kR0}, MetaLoad{MetaKey::OutIndex, kR1}, ObjectMap{"counts", kR0}},
      "count per link in named counters");
  if (list_counters(table.connection(), table.id(), Reset::Yes).size() != 1) {
    throw_unavailable("the kernel does not list named counters");
  }
}

void try_mac_rewrite(Scratch&) {
  ScratchTable table(Family::Bridge);
  const SetSpec map{.table = table.id(),
                    .name = "macs",
                    .key = {Datatype::Ipv4Address},
                    .map = MapKind::Values,
                    .values = {Datatype::EtherAddress}};
  table.apply(std::move(Batch().add_set(map)));
  table.try_rule({.number = kBridgePrerouting, .priority = -300},
                 {PayloadLoad{Header::Network, 16, 4, kR0}, MapLoad{"macs", kR0, kR0},
                  PayloadWrite{Header::Link, 0, 6, kR0}},
                 "rewrite the destination of bridged packets");
}

void try_numgen(Scratch&) {
  try_bridge_rule(
      {Numgen{kR0, 1'000'000}, Byteorder{kR0, kR0, true, 4, 4},
       Compare{CompareOp::Less, kR0, {0, 1, 0, 0}}, GiveVerdict{{Verdict::Kind::Drop, {}}}},
      "use random numbers in bridge rules");
}

void try_limit(Scratch&) {
  try_bridge_rule({Limit{.rate = 100, .over = true}, GiveVerdict{{Verdict::Kind::Drop, {}}}},
                  "use rate limits in bridge rules");
}

void try_quota(Scratch&) {
  try_bridge_rule({Quota{.bytes = 1000, .over = true}, GiveVerdict{{Verdict::Kind::Drop, {}}}},
                  "use quotas in bridge rules");
}

std::vector<Expression> tcp_reset() {
  return {MetaLoad{MetaKey::L4Protocol, kR0}, Compare{CompareOp::Equal, kR0, {6}},
          Reject{Reject::Kind::TcpReset, 0}};
}

void try_reject_inet(Scratch&) {
  ScratchTable(Family::Inet)
      .try_rule({.number = kInetPrerouting}, tcp_reset(), "reject packets in inet prerouting");
}

void try_reject_netdev(Scratch&) {
  ScratchTable(Family::Netdev)
      .try_rule({.number = kNetdevIngress, .devices = {Scratch::kDevice}}, tcp_reset(),
                "reject packets in netdev ingress");
}

void try_reject_bridge(Scratch&) {
  ScratchTable(Family::Bridge)
      .try_rule({.number = kBridgePrerouting}, tcp_reset(), "reject packets in bridge prerouting");
}

void try_duplicate(Scratch&) {
  ScratchTable(Family::Netdev)
      .try_rule({.number = kNetdevIngress, .devices = {Scratch::kDevice}},
                {Immediate{kR0, KeyBuilder().index(Scratch::kPeerIndex).take()}, Duplicate{kR0}},
                "duplicate packets in netdev ingress");
}

void try_queue(Scratch&) {
  ScratchTable(Family::Inet)
      .try_rule({.number = kInetPrerouting}, {Queue{.number = 1, .bypass = true}},
                "queue packets to userspace");
}

void try_compat_queue(Scratch&) {
  ScratchTable(Family::Inet)
      .try_rule({.number = kInetPrerouting}, {CompatQueue{.number = 1, .bypass = true}},
                "queue packets to userspace by the xtables target");
}

netlink::Request& begin_qdisc(netlink::Request& request, std::uint16_t type, std::uint16_t flags,
                              const char* kind) {
  tcmsg header{};
  header.tcm_family = AF_UNSPEC;
  header.tcm_ifindex = static_cast<int>(Scratch::kDeviceIndex.value);
  header.tcm_handle = 1U << 16U;
  header.tcm_parent = TC_H_ROOT;
  return request.begin(type, flags, std::string("use the queueing discipline '") + kind + "'")
      .put_header(header)
      .put_string(TCA_KIND, kind);
}

void delete_qdisc(Scratch& scratch, const char* kind) {
  netlink::Request request;
  begin_qdisc(request, RTM_DELQDISC, 0, kind);
  scratch.links().execute(request);
}

void try_htb(Scratch& scratch) {
  tc_htb_glob settings{};
  settings.version = 3;
  settings.rate2quantum = 10;
  netlink::Request request;
  begin_qdisc(request, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, "htb").nest(TCA_OPTIONS, [&] {
    request.put_value(TCA_HTB_INIT, settings);
  });
  scratch.links().execute(request);
  delete_qdisc(scratch, "htb");
}

void try_netem(Scratch& scratch) {
  tc_netem_qopt settings{};
  settings.limit = 1000;
  netlink::Request request;
  begin_qdisc(request, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, "netem")
      .put_value(TCA_OPTIONS, settings);
  scratch.links().execute(request);
  delete_qdisc(scratch, "netem");
}

constexpr std::array kProbes{
    ScratchProbe{"veth", "veth pairs", try_veth},
    ScratchProbe{"bridge", "Linux bridge", try_bridge},
    ScratchProbe{"bridge-table", "nf_tables family bridge", try_bridge_table},
    ScratchProbe{"table-owner", "NFT_TABLE_F_OWNER", try_owner},
    ScratchProbe{"element-timeout", "nf_tables element timeout", try_element_timeout},
    ScratchProbe{"timeout-update", "nf_tables element timeout, updated in place",
                 try_timeout_update},
    ScratchProbe{"counter-objects", "nf_tables named counters in maps", try_counter_objects},
    ScratchProbe{"mac-rewrite", "nf_tables payload write in bridge prerouting", try_mac_rewrite},
    ScratchProbe{"numgen", "nf_tables numgen", try_numgen},
    ScratchProbe{"limit", "nf_tables limit", try_limit},
    ScratchProbe{"quota", "nf_tables quota", try_quota},
    ScratchProbe{"reject-inet", "nf_tables reject, inet prerouting", try_reject_inet},
    ScratchProbe{"reject-netdev", "nf_tables reject, netdev ingress", try_reject_netdev},
    ScratchProbe{"reject-bridge", "nf_tables reject, bridge prerouting", try_reject_bridge},
    ScratchProbe{"dup", "nf_tables dup, netdev ingress", try_duplicate},
    ScratchProbe{"dynset-counter", "nf_tables sets that packets fill and that count",
                 try_dynset_counter},
    ScratchProbe{"inner-header", "nf_tables payload of TCP and UDP", try_inner_header},
    ScratchProbe{"jhash", "nf_tables jhash", try_jhash},
    ScratchProbe{"netdev-egress-dup", "nf_tables dup, netdev egress", try_egress_duplicate},
    ScratchProbe{"source-mac-rewrite", "nf_tables source MAC write and reject by it",
                 try_source_mac_rewrite},
    ScratchProbe{"queue", "nf_tables queue", try_queue},
    ScratchProbe{"compat-queue", "xtables NFQUEUE through nft_compat", try_compat_queue},
    ScratchProbe{"bridge-netfilter-queue", "br_netfilter and a queue in inet forward",
                 try_bridge_queue, "load the modules br_netfilter and nft_queue"},
    ScratchProbe{"htb", "queueing discipline htb", try_htb},
    ScratchProbe{"netem", "queueing discipline netem", try_netem, "load the module sch_netem"},
    ScratchProbe{"sock-destroy", "SOCK_DESTROY of TCP sockets", try_socket_destroy},
    ScratchProbe{"tcp-rto-max", "sysctl net.ipv4.tcp_rto_max_ms", try_rto_max, "Linux 6.15 has it"},
};

}  // namespace

Scratch::Scratch() : links_(netlink::Socket::open(NETLINK_ROUTE)) {
  netlink::Request request;
  put_veth(request,
           {.name = kDevice, .index = kDeviceIndex, .far_name = "probe1", .far_index = kPeerIndex});
  links_.execute(request);
}

std::span<const ScratchProbe> scratch_probes() noexcept {
  return kProbes;
}

}  // namespace tinet
