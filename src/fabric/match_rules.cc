#include "src/fabric/match_rules.h"

#include <limits>
#include <utility>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "src/fabric/treatment.h"

namespace tinet::fabric {

namespace {

constexpr std::uint32_t kTcpFlagsOffset = 13;

nft::Bytes host_order(std::uint32_t value) {
  return nft::KeyBuilder().u32(value).take();
}

/// IPv4 addresses and ports as a set of flows has them: four 4-byte fields.
Expressions flow_in_set(FaultId fault) {
  Expressions all = is_ether_type(ETH_P_IP);
  all << is_protocol(IPPROTO_TCP)
      << Expressions{nft::PayloadLoad{nft::Header::Network, 12, 4, nft::kR0},
                     nft::PayloadLoad{nft::Header::Transport, kSourcePort, 2, nft::kR1},
                     nft::PayloadLoad{nft::Header::Network, 16, 4, nft::kR2},
                     nft::PayloadLoad{nft::Header::Transport, kDestinationPort, 2, nft::kR3},
                     nft::SetMatch{flows_set_name(fault), nft::kR0}};
  return all;
}

Expressions flow_in_set6(FaultId fault) {
  Expressions all = is_ether_type(ETH_P_IPV6);
  all << is_protocol(IPPROTO_TCP)
      << Expressions{
             nft::PayloadLoad{nft::Header::Network, 8, 16, nft::kR0},
             nft::PayloadLoad{nft::Header::Transport, kSourcePort, 2, nft::kR4},
             nft::PayloadLoad{nft::Header::Network, 24, 16, nft::Register{5}},
             nft::PayloadLoad{nft::Header::Transport, kDestinationPort, 2, nft::Register{9}},
             nft::SetMatch{flows6_set_name(fault), nft::kR0}};
  return all;
}

std::vector<Expressions> protocol_conditions(const Match& match) {
  const bool has_ports = match.has_ports();
  switch (match.protocol) {
    case Protocol::Tcp:
      return {is_protocol(IPPROTO_TCP)};
    case Protocol::Udp:
      return {is_protocol(IPPROTO_UDP)};
    case Protocol::Icmp:
      return {is_protocol(IPPROTO_ICMP), is_protocol(IPPROTO_ICMPV6)};
    case Protocol::Any:
      break;
  }
  if (match.connections == Connections::New) {
    return {is_protocol(IPPROTO_TCP)};
  }
  if (has_ports) {
    return {is_protocol(IPPROTO_TCP), is_protocol(IPPROTO_UDP)};
  }
  return {{}};
}

/// Every combination of one of `first` with one of `second`.
std::vector<Expressions> each_with_each(const std::vector<Expressions>& first,
                                        const std::vector<Expressions>& second) {
  std::vector<Expressions> all;
  for (const Expressions& a : first) {
    for (const Expressions& b : second) {
      all.push_back(a);
      all.back() << b;
    }
  }
  return all;
}

std::vector<Expressions> port_conditions(const Match& match) {
  std::vector<Expressions> ports;
  for (const std::uint16_t port : match.to_ports) {
    ports.push_back(port_is(kDestinationPort, port));
  }
  for (const std::uint16_t port : match.from_ports) {
    ports.push_back(port_is(kSourcePort, port));
  }
  return ports.empty() ? std::vector<Expressions>{{}} : ports;
}

std::vector<Expressions> connection_conditions(const Match& match) {
  switch (match.connections) {
    case Connections::New:
      return {tcp_flags(kTcpSyn | kTcpAck, kTcpSyn)};
    case Connections::Established:
      return {flow_in_set(match.owner), flow_in_set6(match.owner)};
    case Connections::All:
      break;
  }
  return {{}};
}

}  // namespace

Expressions& operator<<(Expressions& to, Expressions more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  return to;
}

Expressions link_key_load() {
  return {nft::MetaLoad{nft::MetaKey::InIndex, nft::kR0},
          nft::MetaLoad{nft::MetaKey::OutIndex, nft::kR1}};
}

Expressions is_protocol(std::uint8_t protocol) {
  return {nft::MetaLoad{nft::MetaKey::L4Protocol, nft::kR0},
          nft::Compare{nft::CompareOp::Equal, nft::kR0, {protocol}}};
}

Expressions is_ether_type(std::uint16_t type) {
  return {nft::MetaLoad{nft::MetaKey::Protocol, nft::kR0},
          nft::Compare{nft::CompareOp::Equal,
                       nft::kR0,
                       {static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type)}}};
}

Expressions tcp_flags(std::uint8_t mask, std::uint8_t flags) {
  Expressions all = is_protocol(IPPROTO_TCP);
  all << Expressions{nft::PayloadLoad{nft::Header::Transport, kTcpFlagsOffset, 1, nft::kR0},
                     nft::Bitwise{nft::kR0, nft::kR0, {mask}, {0}},
                     nft::Compare{nft::CompareOp::Equal, nft::kR0, {flags}}};
  return all;
}

Expressions port_is(std::uint32_t offset, std::uint16_t port) {
  return {nft::PayloadLoad{nft::Header::Transport, offset, 2, nft::kR0},
          nft::Compare{nft::CompareOp::Equal,
                       nft::kR0,
                       {static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port)}}};
}

Expressions mark_is(std::uint32_t mask, std::uint32_t value) {
  return {nft::MetaLoad{nft::MetaKey::Mark, nft::kR0},
          nft::Bitwise{nft::kR0, nft::kR0, host_order(mask), host_order(0)},
          nft::Compare{nft::CompareOp::Equal, nft::kR0, host_order(value)}};
}

Expressions mark_has(std::uint32_t mask) {
  return {nft::MetaLoad{nft::MetaKey::Mark, nft::kR0},
          nft::Bitwise{nft::kR0, nft::kR0, host_order(mask), host_order(0)},
          nft::Compare{nft::CompareOp::NotEqual, nft::kR0, host_order(0)}};
}

Expressions mark_set(std::uint32_t mask, std::uint32_t value) {
  return {nft::MetaLoad{nft::MetaKey::Mark, nft::kR0},
          nft::Bitwise{nft::kR0, nft::kR0, host_order(~mask), host_order(value)},
          nft::MetaSet{nft::MetaKey::Mark, nft::kR0}};
}

Expressions by_chance(Ppm probability, std::uint32_t seed) {
  constexpr bool kRandom = false;
  Expressions all = {
      nft::Numgen{nft::kR0, std::numeric_limits<std::uint32_t>::max(), kRandom},
      nft::Hash{
          .from = nft::kR0, .length = 4, .to = nft::kR0, .modulus = kAlways.value, .seed = seed}};
  all << is_below(nft::kR0, probability);
  return all;
}

Expressions is_below(nft::Register from, Ppm probability) {
  // Bytes are compared, so the number is brought into network order first.
  return {nft::Byteorder{from, from, true, 4, 4},
          nft::Compare{nft::CompareOp::Less, from,
                       nft::KeyBuilder().u32_network(probability.value).take()}};
}

std::vector<Expressions> conditions_of(const Match& match) {
  auto all = each_with_each(protocol_conditions(match), port_conditions(match));
  all = each_with_each(all, connection_conditions(match));
  for (Expressions& one : all) {
    if (match.after_bytes) {
      one << link_key_load() << Expressions{nft::ObjectMap{after_map_name(match.owner), nft::kR0}};
    }
    if (match.first) {
      one << link_key_load() << Expressions{nft::ObjectMap{first_map_name(match.owner), nft::kR0}};
    }
  }
  return all;
}

}  // namespace tinet::fabric
