#include "netns/qdisc.h"

#include <algorithm>
#include <limits>

#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

namespace tinet {
namespace {

using netlink::AttributeView;
using netlink::ByteSpan;
using netlink::MessageView;
using netlink::Request;

constexpr std::uint32_t kRoot = std::uint32_t{kHtbMajor} << 16U;
constexpr std::uint32_t kFrame = 1514;
/// Of no class that may wait while another processor sends: more than a flood leaves.
constexpr std::uint32_t kDirectPackets = 100'000;
constexpr std::uint32_t kQuantumMax = 60'000;
// The kernel's unit of time in this interface, fixed since 2.6.31 (/proc/net/psched: 1000 64 ...).
constexpr double kTicksPerSecond = 1e9 / 64;

template <typename Value>
std::uint32_t saturated(Value value) noexcept {
  constexpr auto kMax = std::numeric_limits<std::uint32_t>::max();
  return value > kMax ? kMax : static_cast<std::uint32_t>(value);
}

tcmsg header_of(IfIndex link, std::uint32_t handle, std::uint32_t parent) noexcept {
  tcmsg header{};
  header.tcm_family = AF_UNSPEC;
  header.tcm_ifindex = static_cast<int>(link.value);
  header.tcm_handle = handle;
  header.tcm_parent = parent;
  return header;
}

std::string on(IfIndex link) {
  return " of interface " + std::to_string(link.value);
}

std::string class_name(std::uint16_t minor) {
  return "class 1:" + std::to_string(minor);
}

// A rate of 2^32 bytes per second and more is told in an attribute of its own. The link layer is
// known, so no table of transmission times is needed.
tc_ratespec rate_spec(std::uint64_t rate) noexcept {
  tc_ratespec spec{};
  spec.linklayer = TC_LINKLAYER_ETHERNET;
  spec.rate = saturated(rate);
  return spec;
}

// How long `bytes` take at `rate`.
std::uint32_t ticks(std::uint64_t bytes, std::uint64_t rate) noexcept {
  const auto seconds = static_cast<double>(bytes) / static_cast<double>(rate);
  return saturated(seconds * kTicksPerSecond);
}

Request& begin_leaf(Request& request, IfIndex link, std::uint16_t minor, const char* kind) {
  return request
      .begin(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE,
             std::string("make ") + kind + " the leaf of " + class_name(minor) + on(link))
      .put_header(header_of(link, 0, class_id(minor)))
      .put_string(TCA_KIND, kind);
}

QueueStats read_stats(ByteSpan attributes) noexcept {
  QueueStats stats;
  netlink::for_each_attribute(attributes, [&](const AttributeView& attribute) {
    if (attribute.type == TCA_STATS_BASIC) {
      stats.bytes = netlink::read_value<std::uint64_t>(attribute.payload).value_or(0);
      const auto rest = netlink::attributes_after(attribute.payload, sizeof(std::uint64_t));
      stats.packets = netlink::read_value<std::uint32_t>(rest).value_or(0);
    } else if (attribute.type == TCA_STATS_QUEUE) {
      const auto queue = netlink::read_value<gnet_stats_queue>(attribute.payload);
      if (queue) {
        stats.dropped = queue->drops;
        stats.queued_packets = queue->qlen;
        stats.queued_bytes = queue->backlog;
      }
    }
  });
  return stats;
}

ByteSpan attribute_or_empty(ByteSpan attributes, std::uint16_t type) noexcept {
  return netlink::find_attribute(attributes, type).value_or(ByteSpan());
}

std::optional<QdiscInfo> read_qdisc(const MessageView& message) {
  const auto header = netlink::read_value<tcmsg>(message.payload);
  if (message.type != RTM_NEWQDISC || !header) {
    return std::nullopt;
  }
  const auto attributes = netlink::attributes_after(message.payload, sizeof(tcmsg));
  const auto options = attribute_or_empty(attributes, TCA_OPTIONS);
  QdiscInfo info;
  info.link = {static_cast<std::uint32_t>(header->tcm_ifindex)};
  info.handle = header->tcm_handle;
  info.parent = header->tcm_parent;
  info.kind = netlink::as_text(attribute_or_empty(attributes, TCA_KIND));
  info.stats = read_stats(attribute_or_empty(attributes, TCA_STATS2));
  if (info.kind == "pfifo") {
    if (const auto fifo = netlink::read_value<tc_fifo_qopt>(options)) {
      info.limit = fifo->limit;
    }
  } else if (info.kind == "netem") {
    info.netem = read_netem(options);
    info.limit = info.netem ? std::optional(info.netem->limit) : std::nullopt;
  }
  return info;
}

std::uint64_t wide_rate(ByteSpan options, std::uint16_t type, std::uint32_t narrow) noexcept {
  const auto wide = netlink::find_attribute(options, type);
  return wide ? netlink::read_value<std::uint64_t>(*wide).value_or(narrow) : narrow;
}

std::optional<HtbClassInfo> read_class(const MessageView& message) {
  const auto header = netlink::read_value<tcmsg>(message.payload);
  if (message.type != RTM_NEWTCLASS || !header) {
    return std::nullopt;
  }
  const auto attributes = netlink::attributes_after(message.payload, sizeof(tcmsg));
  const auto options = attribute_or_empty(attributes, TCA_OPTIONS);
  const auto found = netlink::find_attribute(options, TCA_HTB_PARMS);
  const auto settings = found ? netlink::read_value<tc_htb_opt>(*found) : std::nullopt;
  if (netlink::as_text(attribute_or_empty(attributes, TCA_KIND)) != "htb" || !settings) {
    return std::nullopt;
  }
  HtbClassInfo info;
  info.link = {static_cast<std::uint32_t>(header->tcm_ifindex)};
  info.minor = static_cast<std::uint16_t>(header->tcm_handle);
  info.rate = wide_rate(options, TCA_HTB_RATE64, settings->rate.rate);
  info.ceil = wide_rate(options, TCA_HTB_CEIL64, settings->ceil.rate);
  info.quantum = settings->quantum;
  info.stats = read_stats(attribute_or_empty(attributes, TCA_STATS2));
  return info;
}

}  // namespace

void put_htb_root(Request& request, IfIndex link) {
  tc_htb_glob settings{};
  settings.version = TC_HTB_PROTOVER;
  settings.rate2quantum = 10;  // of no use: every class brings its quantum
  request.begin(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, "make htb the root" + on(link))
      .put_header(header_of(link, kRoot, TC_H_ROOT))
      .put_string(TCA_KIND, "htb")
      .nest(TCA_OPTIONS, [&] {
        request.put_value(TCA_HTB_INIT, settings).put_u32(TCA_HTB_DIRECT_QLEN, kDirectPackets);
      });
}

void put_delete_root(Request& request, IfIndex link) {
  request.begin(RTM_DELQDISC, 0, "remove the queueing discipline" + on(link))
      .put_header(header_of(link, kRoot, TC_H_ROOT));
}

void put_htb_class(Request& request, const HtbClassSpec& spec) {
  const std::uint64_t ceil = spec.ceil == 0 ? spec.rate : spec.ceil;
  const std::uint64_t burst = spec.burst == 0 ? spec.rate / 250 + kFrame : spec.burst;
  const std::uint64_t ceil_burst = spec.burst == 0 ? ceil / 250 + kFrame : spec.burst;
  tc_htb_opt settings{};
  settings.rate = rate_spec(spec.rate);
  settings.ceil = rate_spec(ceil);
  // A rate of zero is for the kernel to refuse.
  settings.buffer = spec.rate == 0 ? 0 : ticks(burst, spec.rate);
  settings.cbuffer = ceil == 0 ? 0 : ticks(ceil_burst, ceil);
  settings.quantum = spec.quantum != 0 ? spec.quantum
                                       : static_cast<std::uint32_t>(std::clamp<std::uint64_t>(
                                             spec.rate / 10, kFrame, kQuantumMax));
  request.begin(RTM_NEWTCLASS, NLM_F_CREATE, "make " + class_name(spec.minor) + on(spec.link))
      .put_header(header_of(spec.link, class_id(spec.minor), kRoot))
      .put_string(TCA_KIND, "htb")
      .nest(TCA_OPTIONS, [&] {
        request.put_value(TCA_HTB_PARMS, settings);
        if (spec.rate > settings.rate.rate) {
          request.put_u64(TCA_HTB_RATE64, spec.rate);
        }
        if (ceil > settings.ceil.rate) {
          request.put_u64(TCA_HTB_CEIL64, ceil);
        }
      });
}

void put_delete_htb_class(Request& request, IfIndex link, std::uint16_t minor) {
  request.begin(RTM_DELTCLASS, 0, "delete " + class_name(minor) + on(link))
      .put_header(header_of(link, class_id(minor), kRoot));
}

void put_pfifo_leaf(Request& request, IfIndex link, std::uint16_t minor, std::uint32_t limit) {
  tc_fifo_qopt settings{};
  settings.limit = limit;
  begin_leaf(request, link, minor, "pfifo").put_value(TCA_OPTIONS, settings);
}

void put_netem_leaf(Request& request, IfIndex link, std::uint16_t minor, const NetemSpec& spec) {
  begin_leaf(request, link, minor, "netem").nest(TCA_OPTIONS, [&] {
    put_netem_options(request, spec);
  });
}

std::vector<QdiscInfo> list_qdiscs(netlink::Socket& socket) {
  Request request;
  request.begin(RTM_GETQDISC, NLM_F_DUMP, "list queueing disciplines")
      .put_header(header_of({}, 0, 0));
  std::vector<QdiscInfo> qdiscs;
  socket.dump(request).for_each([&](const MessageView& message) {
    if (auto qdisc = read_qdisc(message)) {
      qdiscs.push_back(std::move(*qdisc));
    }
  });
  return qdiscs;
}

std::vector<QdiscInfo> list_qdiscs(netlink::Socket& socket, IfIndex link) {
  // The kernel lists those of all interfaces anyway.
  std::vector<QdiscInfo> qdiscs = list_qdiscs(socket);
  std::erase_if(qdiscs, [&](const QdiscInfo& qdisc) { return qdisc.link != link; });
  return qdiscs;
}

std::vector<HtbClassInfo> list_htb_classes(netlink::Socket& socket, IfIndex link) {
  Request request;
  request.begin(RTM_GETTCLASS, NLM_F_DUMP, "list classes" + on(link))
      .put_header(header_of(link, 0, 0));
  std::vector<HtbClassInfo> classes;
  socket.dump(request).for_each([&](const MessageView& message) {
    if (auto each = read_class(message)) {
      classes.push_back(*each);
    }
  });
  return classes;
}

}  // namespace tinet
