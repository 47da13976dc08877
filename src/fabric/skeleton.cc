#include "src/fabric/skeleton.h"

#include <array>
#include <cstring>

#include <linux/if_ether.h>
#include <linux/netfilter_bridge.h>

#include "src/fabric/match_rules.h"
#include "src/fabric/treatment.h"

namespace tinet::fabric {

namespace {

/// 1 is the loopback, 2 the bridge; the numbers up to here are left to later uses.
constexpr std::uint32_t kFirstPort = 16;
constexpr std::uint32_t kMacSize = 6;
/// Before everything else that could look at the destination, like nft(8)'s "dstnat".
constexpr std::int32_t kRewritePriority = -300;
/// Before bridge netfilter hands packets to the hooks of IP, where the wire takes them.
constexpr std::int32_t kDecisionPriority = NF_BR_PRI_FILTER_BRIDGED;
/// Elements of "counts": one for each link and kind of thing that happened on it.
constexpr std::uint32_t kCountsMax = 1U << 22U;

nft::Bytes bytes_of(const Mac& mac) {
  return {mac.bytes.begin(), mac.bytes.end()};
}

nft::Bytes ether_type(std::uint16_t type) {
  return {static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type & 0xff)};
}

/// Collects chains and rules.
class Builder {
 public:
  explicit Builder(Skeleton& skeleton) : skeleton_(skeleton) {}

  void chain(const std::string& name, std::optional<nft::Hook> hook = std::nullopt) {
    skeleton_.chains.push_back({table_id(), name, std::move(hook)});
    chain_ = name;
  }
  void rule(std::vector<nft::Expression> expressions) {
    nft::Rule rule;
    rule.table = table_id();
    rule.chain = chain_;
    rule.expressions = std::move(expressions);
    skeleton_.rules.push_back(std::move(rule));
  }
  /// A rule on `iif . oif`, which is in registers 0 and 1.
  void link_rule(std::vector<nft::Expression> rest) {
    std::vector<nft::Expression> expressions = {nft::MetaLoad{nft::MetaKey::InIndex, nft::kR0},
                                                nft::MetaLoad{nft::MetaKey::OutIndex, nft::kR1}};
    expressions.insert(expressions.end(), rest.begin(), rest.end());
    rule(std::move(expressions));
  }

 private:
  Skeleton& skeleton_;
  std::string chain_;
};

/// One rule that replaces the gateway's MAC by the one that `map` knows for the destination.
void put_rewrite(Builder& builder, std::uint16_t type, std::uint32_t offset, std::uint32_t size,
                 const std::string& map) {
  builder.rule({nft::PayloadLoad{nft::Header::Link, 0, kMacSize, nft::kR0},
                nft::Compare{nft::CompareOp::Equal, nft::kR0, bytes_of(gateway_mac())},
                nft::MetaLoad{nft::MetaKey::Protocol, nft::kR0},
                nft::Compare{nft::CompareOp::Equal, nft::kR0, ether_type(type)},
                nft::PayloadLoad{nft::Header::Network, offset, size, nft::kR0},
                nft::MapLoad{map, nft::kR0, nft::kR4},
                nft::PayloadWrite{nft::Header::Link, 0, kMacSize, nft::kR4}});
}

nft::SetSpec fixed_spec(const std::string& name, nft::Datatype key, nft::MapKind kind,
                        std::vector<nft::Datatype> values) {
  nft::SetSpec spec;
  spec.table = table_id();
  spec.name = name;
  spec.key = {key};
  spec.map = kind;
  spec.values = std::move(values);
  return spec;
}

nft::Element host_element(nft::Bytes address, std::size_t endpoint) {
  nft::Element element;
  element.key = std::move(address);
  element.value = bytes_of(endpoint_mac(static_cast<std::uint32_t>(endpoint)));
  return element;
}

void put_hosts(Skeleton& skeleton, Builder& builder, const FabricPlan& plan) {
  FixedMap hosts{fixed_spec("hosts", nft::Datatype::Ipv4Address, nft::MapKind::Values,
                            {nft::Datatype::EtherAddress}),
                 {}};
  FixedMap hosts6{fixed_spec("hosts6", nft::Datatype::Ipv6Address, nft::MapKind::Values,
                             {nft::Datatype::EtherAddress}),
                  {}};
  for (std::size_t i = 0; i < plan.endpoints.size(); ++i) {
    const FabricEndpoint& endpoint = plan.endpoints[i];
    hosts.elements.push_back(
        host_element(nft::KeyBuilder().ipv4(endpoint.address.value).take(), i));
    if (endpoint.address6) {
      hosts6.elements.push_back(
          host_element(nft::KeyBuilder().ipv6(endpoint.address6->bytes).take(), i));
    }
  }
  builder.chain("prerouting",
                nft::Hook{NF_BR_PRE_ROUTING, kRewritePriority, nft::Policy::Accept, {}});
  constexpr std::uint32_t kIpDestination = 16;
  constexpr std::uint32_t kIp6Destination = 24;
  put_rewrite(builder, ETH_P_IP, kIpDestination, 4, "hosts");
  if (!hosts6.elements.empty()) {
    put_rewrite(builder, ETH_P_IPV6, kIp6Destination, 16, "hosts6");
    skeleton.fixed.push_back(std::move(hosts6));
  }
  builder.rule({nft::PayloadLoad{nft::Header::Link, 0, kMacSize, nft::kR0},
                nft::Compare{nft::CompareOp::Equal, nft::kR0, bytes_of(gateway_mac())},
                nft::GiveVerdict{{nft::Verdict::Kind::Drop, {}}}});
  skeleton.fixed.push_back(std::move(hosts));
}

void put_decision(Builder& builder) {
  for (const Stack stack : {Stack::A, Stack::B}) {
    builder.chain(chain_name({std::nullopt, stack}));
    for (std::uint8_t layer = 1; layer <= kLayersMax; ++layer) {
      builder.link_rule({nft::VerdictMap{map_name({MapId::Kind::Layer, stack, layer}), nft::kR0}});
    }
    // Nothing is left of the link's schedule: its mark must not choose a class of the wire.
    builder.rule(mark_set(0xffffffff, 0));
  }
  builder.chain("forward", nft::Hook{NF_BR_FORWARD, kDecisionPriority, nft::Policy::Accept, {}});
  // An endpoint can't set marks: crossing a veth pair clears them.
  builder.link_rule(
      {nft::MapLoad{map_name({}), nft::kR0, nft::kR2}, nft::MetaSet{nft::MetaKey::Mark, nft::kR2}});
  builder.rule({nft::MetaLoad{nft::MetaKey::Mark, nft::kR0}, nft::VerdictMap{"targets", nft::kR0}});
}

nft::SetSpec link_map(const std::string& name, nft::MapKind kind) {
  nft::SetSpec spec;
  spec.table = table_id();
  spec.name = name;
  spec.key = {nft::Datatype::IfIndex, nft::Datatype::IfIndex};
  spec.map = kind;
  return spec;
}

}  // namespace

const nft::TableId& table_id() {
  static const nft::TableId id{nft::Family::Bridge, "tinet"};
  return id;
}

IfIndex port_index(Endpoint endpoint) noexcept {
  return IfIndex{kFirstPort + endpoint};
}

std::optional<Link> link_of_key(const nft::Bytes& key) {
  std::array<std::uint32_t, 2> indexes{};
  if (key.size() != sizeof indexes) {
    return std::nullopt;
  }
  std::memcpy(indexes.data(), key.data(), sizeof indexes);
  return link_of_ports(IfIndex{indexes[0]}, IfIndex{indexes[1]});
}

std::optional<Link> link_of_ports(IfIndex from, IfIndex to) noexcept {
  for (const std::uint32_t index : {from.value, to.value}) {
    if (index < kFirstPort || index > kFirstPort + 0xffffU) {
      return std::nullopt;
    }
  }
  return Link{static_cast<Endpoint>(from.value - kFirstPort),
              static_cast<Endpoint>(to.value - kFirstPort)};
}

nft::SetSpec map_spec(const MapId& map) {
  const bool decides = map.kind == MapId::Kind::Decide;
  nft::SetSpec spec =
      link_map(map_name(map), decides ? nft::MapKind::Values : nft::MapKind::Verdicts);
  if (decides) {
    spec.values = {nft::Datatype::Mark};
  }
  spec.timeouts = true;
  return spec;
}

const nft::SetSpec& counts_spec() {
  static const nft::SetSpec spec = [] {
    nft::SetSpec counts = link_map(kCountsSet, nft::MapKind::None);
    counts.key.push_back(nft::Datatype::Mark);
    counts.size_max = kCountsMax;
    counts.dynamic = true;
    counts.counters = true;
    return counts;
  }();
  return spec;
}

const nft::SetSpec& classes_spec() {
  static const nft::SetSpec spec = [] {
    nft::SetSpec classes = link_map(kClassesMap, nft::MapKind::Values);
    classes.key.push_back(nft::Datatype::Mark);
    classes.values = {nft::Datatype::ClassId};
    return classes;
  }();
  return spec;
}

const nft::SetSpec& targets_spec() {
  static const nft::SetSpec spec =
      fixed_spec("targets", nft::Datatype::Mark, nft::MapKind::Verdicts, {});
  return spec;
}

nft::Element target_element(const Target& target) {
  nft::Element element;
  element.key = nft::KeyBuilder().u32(mark_of(target)).take();
  element.verdict = nft::Verdict{nft::Verdict::Kind::Goto, chain_name(target)};
  return element;
}

Skeleton make_skeleton(const FabricPlan& plan) {
  Skeleton skeleton;
  skeleton.table = {table_id(), true, 0};
  for (const MapId& map : all_maps()) {
    skeleton.maps.push_back(map_spec(map));
  }
  skeleton.maps.push_back(counts_spec());
  skeleton.maps.push_back(classes_spec());
  skeleton.maps.push_back(targets_spec());
  Builder builder(skeleton);
  put_hosts(skeleton, builder, plan);
  put_decision(builder);
  return skeleton;
}

}  // namespace tinet::fabric
