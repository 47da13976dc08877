#include "src/fabric/encode.h"

#include <algorithm>
#include <cstring>

#include "netns/qdisc.h"

namespace tinet::fabric {

namespace {

/// Elements to be removed are added once more first, in case they have just expired; this keeps
/// them from expiring again before the batch gets to the removal.
constexpr nft::Milliseconds kRemovalTimeout{60'000};

std::vector<nft::Element> encode_all(const std::vector<Element>& elements, MonoTime now) {
  std::vector<nft::Element> encoded;
  encoded.reserve(elements.size());
  for (const Element& element : elements) {
    encoded.push_back(encode(element, now));
  }
  return encoded;
}

std::vector<nft::Element> encode_all(const std::map<ClassKey, PortClass>& classes) {
  std::vector<nft::Element> encoded;
  for (const auto& [key, port_class] : classes) {
    encoded.push_back(encode(key, port_class));
  }
  return encoded;
}

}  // namespace

void put_skeleton(nft::Batch& batch, const Skeleton& skeleton) {
  batch.add_table(skeleton.table);
  for (const nft::SetSpec& map : skeleton.maps) {
    batch.add_set(map);
  }
  for (const FixedMap& map : skeleton.fixed) {
    batch.add_set(map.spec);
  }
  for (const nft::Chain& chain : skeleton.chains) {
    batch.add_chain(chain);
  }
  for (const FixedMap& map : skeleton.fixed) {
    if (!map.elements.empty()) {
      batch.add_elements(map.spec, map.elements);
    }
  }
  const std::vector<nft::Element> layers = {target_element({std::nullopt, Stack::A}),
                                            target_element({std::nullopt, Stack::B})};
  batch.add_elements(targets_spec(), layers);
  for (const nft::Rule& rule : skeleton.rules) {
    batch.add_rule(rule);
  }
}

nft::Milliseconds timeout_at(MonoTime end, MonoTime now) {
  const auto left = std::chrono::ceil<nft::Milliseconds>(end - now);
  return std::max(left, nft::Milliseconds{1});
}

nft::Element encode(const Element& element, MonoTime now) {
  nft::Element encoded;
  encoded.key = nft::link_key(port_index(element.link.from), port_index(element.link.to));
  if (element.map.kind == MapId::Kind::Decide) {
    encoded.value = nft::KeyBuilder().u32(mark_of(element.target)).take();
  } else {
    encoded.verdict = nft::Verdict{nft::Verdict::Kind::Goto, chain_name(element.target)};
  }
  if (element.end) {
    encoded.timeout = timeout_at(*element.end, now);
  }
  return encoded;
}

nft::Element encode(const ClassKey& key, const PortClass& port_class) {
  nft::Element encoded;
  encoded.key = nft::KeyBuilder()
                    .index(port_index(key.link.from))
                    .index(port_index(key.link.to))
                    .u32(key.shape.value)
                    .take();
  encoded.value = nft::KeyBuilder().u32(class_id(port_class.minor)).take();
  return encoded;
}

void put_treatment(nft::Batch& batch, const Treatment& treatment) {
  const Target target{treatment.id, Stack::A};
  nft::Chain chain;
  chain.table = table_id();
  chain.name = chain_name(target);
  batch.add_chain(chain);
  for (const nft::Rule& rule : treatment.rules) {
    batch.add_rule(rule);
  }
  const std::vector<nft::Element> elements = {target_element(target)};
  batch.add_elements(targets_spec(), elements);
}

void put_new_objects(nft::Batch& batch, const Difference& difference) {
  for (const auto& [fault, memory] : difference.new_memories) {
    put_memory(batch, fault, memory);
  }
  for (const Treatment& treatment : difference.new_treatments) {
    put_treatment(batch, treatment);
  }
  if (!difference.new_classes.empty()) {
    batch.add_elements(classes_spec(), encode_all(difference.new_classes));
  }
}

void put_map_change(nft::Batch& batch, const MapChange& change, MonoTime now) {
  const nft::SetSpec spec = map_spec(change.map);
  if (!change.remove.empty()) {
    batch.delete_elements(spec, encode_all(change.remove, now));
  }
  const auto added = encode_all(change.add, now);
  if (!change.remove_timed.empty()) {
    auto removed = encode_all(change.remove_timed, now);
    for (nft::Element& element : removed) {
      element.timeout = kRemovalTimeout;
    }
    batch.replace_elements(spec, removed, added);
  } else if (!added.empty()) {
    batch.add_elements(spec, added);
  }
}

void put_old_objects(nft::Batch& batch, const Difference& difference) {
  if (!difference.old_classes.empty()) {
    batch.delete_elements(classes_spec(), encode_all(difference.old_classes));
  }
  for (const TreatmentId id : difference.old_treatments) {
    const Target target{id, Stack::A};
    const std::vector<nft::Element> elements = {target_element(target)};
    batch.delete_elements(targets_spec(), elements);
    batch.flush_chain(table_id(), chain_name(target));
    batch.delete_chain(table_id(), chain_name(target));
  }
  for (const auto& [fault, memory] : difference.old_memories) {
    remove_memory(batch, fault, memory);
  }
}

void put_difference(nft::Batch& batch, const Difference& difference, MonoTime now) {
  put_new_objects(batch, difference);
  for (const MapChange& change : difference.maps) {
    put_map_change(batch, change, now);
  }
  put_old_objects(batch, difference);
}

std::optional<Element> decode(const MapId& map, const nft::Element& element) {
  const auto link = link_of_key(element.key);
  if (!link) {
    return std::nullopt;
  }
  if (map.kind == MapId::Kind::Decide) {
    std::uint32_t mark = 0;
    if (element.value.size() != sizeof mark) {
      return std::nullopt;
    }
    std::memcpy(&mark, element.value.data(), sizeof mark);
    return Element{map, *link, target_of(mark), std::nullopt};
  }
  if (!element.verdict || element.verdict->kind != nft::Verdict::Kind::Goto) {
    return std::nullopt;
  }
  const auto treatment = treatment_of_chain(element.verdict->chain);
  return treatment ? std::optional(Element{map, *link, {treatment, Stack::A}, std::nullopt})
                   : std::nullopt;
}

}  // namespace tinet::fabric
