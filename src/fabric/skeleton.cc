#include "src/fabric/skeleton.h"

#include <array>
#include <cstring>

#include <linux/if_ether.h>
#include <linux/netfilter_bridge.h>

namespace tinet::fabric {

namespace {

/// 1 is the loopback, 2 the bridge; the numbers up to here are left to later uses.
constexpr std::uint32_t kFirstPort = 16;
constexpr std::uint32_t kMacSize = 6;
/// Before everything else that could look at the destination, like nft(8)'s "dstnat".
constexpr std::int32_t kRewritePriority = -300;

nft::Bytes bytes_of(const Mac& mac) {
  return {mac.bytes.begin(), mac.bytes.end()};
}

nft::Bytes ether_type(std::uint16_t type) {
  return {static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type & 0xff)};
}

/// The effects that this ruleset has chains for.
std::vector<Effect> supported_effects() {
  return {Effect{CutMode::Drop}};
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
                nft::Hook{NF_BR_PRE_ROUTING, kRewritePriority, nft::Policy::Accept, std::string()});
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

void put_effect_chain(Builder& builder, const Target& target) {
  builder.chain(chain_name(target));
  builder.link_rule({nft::ObjectMap{map_name({MapId::Kind::Counters, target.slot}), nft::kR0}});
  builder.rule({nft::GiveVerdict{{nft::Verdict::Kind::Drop, {}}}});
}

nft::Element target_element(const Target& target) {
  nft::Element element;
  element.key = nft::KeyBuilder().u32(mark_of(target)).take();
  element.verdict = nft::Verdict{nft::Verdict::Kind::Goto, chain_name(target)};
  return element;
}

void put_decision(Skeleton& skeleton, Builder& builder) {
  FixedMap targets{fixed_spec("targets", nft::Datatype::Mark, nft::MapKind::Verdicts, {}), {}};
  for (const Effect& effect : supported_effects()) {
    for (const Slot slot : all_slots()) {
      put_effect_chain(builder, {effect, slot});
      if (slot.layer == 0) {
        targets.elements.push_back(target_element({effect, slot}));
      }
    }
  }
  for (const Stack stack : {Stack::A, Stack::B}) {
    const Target layers{std::nullopt, {stack, 0}};
    targets.elements.push_back(target_element(layers));
    builder.chain(chain_name(layers));
    for (std::uint8_t layer = 1; layer <= kLayersMax; ++layer) {
      builder.link_rule(
          {nft::VerdictMap{map_name({MapId::Kind::Layer, {stack, layer}}), nft::kR0}});
    }
  }
  builder.chain("forward", nft::Hook{NF_BR_FORWARD, 0, nft::Policy::Accept, std::string()});
  // An endpoint can't set marks: crossing a veth pair clears them.
  builder.link_rule({nft::MapLoad{map_name({MapId::Kind::Decide, {}}), nft::kR0, nft::kR2},
                     nft::MetaSet{nft::MetaKey::Mark, nft::kR2}});
  builder.rule({nft::MetaLoad{nft::MetaKey::Mark, nft::kR0}, nft::VerdictMap{"targets", nft::kR0}});
  skeleton.fixed.push_back(std::move(targets));
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
  for (const std::uint32_t index : indexes) {
    if (index < kFirstPort || index > kFirstPort + 0xffffU) {
      return std::nullopt;
    }
  }
  return Link{static_cast<Endpoint>(indexes[0] - kFirstPort),
              static_cast<Endpoint>(indexes[1] - kFirstPort)};
}

nft::SetSpec map_spec(const MapId& map) {
  nft::SetSpec spec;
  spec.table = table_id();
  spec.name = map_name(map);
  spec.key = {nft::Datatype::IfIndex, nft::Datatype::IfIndex};
  switch (map.kind) {
    case MapId::Kind::Counters:
      spec.map = nft::MapKind::Counters;
      break;
    case MapId::Kind::Layer:
      spec.map = nft::MapKind::Verdicts;
      spec.timeouts = true;
      break;
    case MapId::Kind::Decide:
      spec.map = nft::MapKind::Values;
      spec.values = {nft::Datatype::Mark};
      spec.timeouts = true;
      break;
  }
  return spec;
}

Skeleton make_skeleton(const FabricPlan& plan) {
  Skeleton skeleton;
  skeleton.table = {table_id(), true, 0};
  for (const MapId& map : all_maps()) {
    skeleton.maps.push_back(map_spec(map));
  }
  Builder builder(skeleton);
  put_hosts(skeleton, builder, plan);
  put_decision(skeleton, builder);
  return skeleton;
}

}  // namespace tinet::fabric
