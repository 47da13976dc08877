#include "src/fabric/encode.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "src/base/units.h"

namespace tinet::fabric {

namespace {

/// Elements to be removed are added once more first, in case they have just expired; this keeps
/// them from expiring again before the batch gets to the removal.
constexpr nft::Milliseconds kRemovalTimeout{60'000};

nft::Milliseconds timeout_at(MonoTime end, MonoTime now) {
  const auto left = std::chrono::ceil<nft::Milliseconds>(end - now);
  return std::max(left, nft::Milliseconds{1});
}

std::vector<nft::Element> encode_all(const std::vector<Element>& elements, MonoTime now) {
  std::vector<nft::Element> encoded;
  encoded.reserve(elements.size());
  for (const Element& element : elements) {
    encoded.push_back(encode(element, now));
  }
  return encoded;
}

/// Counters by slot, ascending, so that each map is written once.
template <typename Item, typename Id>
std::map<Slot, std::vector<nft::Element>> by_slot(const std::vector<Item>& items, Id&& id) {
  std::map<Slot, std::vector<nft::Element>> slots;
  for (const Item& item : items) {
    slots[id(item).slot].push_back(encode(id(item)));
  }
  return slots;
}

std::string quoted_link(Link link, const std::vector<std::string>& ports) {
  return "\"" + ports.at(link.from) + "\" . \"" + ports.at(link.to) + "\"";
}

/// Every target that can be in a map with this slot.
std::vector<Target> targets_of(Slot slot) {
  std::vector<Target> targets;
  for (const CutMode mode : {CutMode::Drop, CutMode::Reset, CutMode::Reject}) {
    targets.push_back({Effect{mode}, slot});
  }
  return targets;
}

std::optional<Target> target_of_mark(const nft::Bytes& value) {
  for (const Stack stack : {Stack::A, Stack::B}) {
    std::vector<Target> targets = targets_of({stack, 0});
    targets.push_back({std::nullopt, {stack, 0}});
    for (const Target& target : targets) {
      if (nft::KeyBuilder().u32(mark_of(target)).take() == value) {
        return target;
      }
    }
  }
  return std::nullopt;
}

std::optional<Target> target_of_verdict(Slot slot, const std::optional<nft::Verdict>& verdict) {
  if (verdict && verdict->kind == nft::Verdict::Kind::Goto) {
    for (const Target& target : targets_of(slot)) {
      if (chain_name(target) == verdict->chain) {
        return target;
      }
    }
  }
  return std::nullopt;
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
  for (const nft::Rule& rule : skeleton.rules) {
    batch.add_rule(rule);
  }
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

nft::Element encode(const CounterId& counter) {
  nft::Element encoded;
  encoded.key = nft::link_key(port_index(counter.link.from), port_index(counter.link.to));
  encoded.object = counter_name(counter);
  return encoded;
}

void put_counters(nft::Batch& batch, const CounterChange& change) {
  if (change.created.empty()) {
    return;
  }
  std::vector<nft::Counter> counters;
  counters.reserve(change.created.size());
  for (const CounterAssignment& use : change.created) {
    counters.push_back({table_id(), counter_name(use.counter), 0, 0});
  }
  batch.add_counters(counters);
  const auto id = [](const CounterAssignment& use) -> const CounterId& { return use.counter; };
  for (const auto& [slot, elements] : by_slot(change.created, id)) {
    batch.add_elements(map_spec({MapId::Kind::Counters, slot}), elements);
  }
}

void put_removed_counters(nft::Batch& batch, const CounterChange& change) {
  const auto id = [](const CounterId& counter) -> const CounterId& { return counter; };
  for (const auto& [slot, elements] : by_slot(change.removed, id)) {
    batch.delete_elements(map_spec({MapId::Kind::Counters, slot}), elements);
  }
  for (const CounterId& counter : change.removed) {
    batch.delete_counter(table_id(), counter_name(counter));
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

void put_difference(nft::Batch& batch, const Difference& difference, MonoTime now) {
  put_counters(batch, difference.counters);
  for (const MapChange& change : difference.maps) {
    put_map_change(batch, change, now);
  }
  put_removed_counters(batch, difference.counters);
}

std::optional<Element> decode(const MapId& map, const nft::Element& element) {
  const auto link = link_of_key(element.key);
  const auto target = map.kind == MapId::Kind::Decide
                          ? target_of_mark(element.value)
                          : target_of_verdict(map.slot, element.verdict);
  if (!link || !target) {
    return std::nullopt;
  }
  return Element{map, *link, *target, std::nullopt};
}

std::string describe(const Element& element, const std::vector<std::string>& ports, MonoTime now) {
  std::string text = quoted_link(element.link, ports);
  if (element.end) {
    text += " timeout " + format_duration(timeout_at(*element.end, now));
  }
  return text + " : goto " + chain_name(element.target);
}

std::vector<std::string> describe(const Difference& difference,
                                  const std::vector<std::string>& ports, MonoTime now) {
  std::vector<std::string> lines;
  for (const CounterAssignment& use : difference.counters.created) {
    const std::string name = counter_name(use.counter);
    lines.push_back("add counter bridge tinet " + name);
    lines.push_back("add element bridge tinet " +
                    map_name({MapId::Kind::Counters, use.counter.slot}) + " { " +
                    quoted_link(use.counter.link, ports) + " : \"" + name + "\" }");
  }
  for (const MapChange& change : difference.maps) {
    const std::string map = " element bridge tinet " + map_name(change.map) + " { ";
    for (const auto* removed : {&change.remove, &change.remove_timed}) {
      for (const Element& element : *removed) {
        lines.push_back("delete" + map + quoted_link(element.link, ports) + " }");
      }
    }
    for (const Element& element : change.add) {
      lines.push_back("add" + map + describe(element, ports, now) + " }");
    }
  }
  for (const CounterId& counter : difference.counters.removed) {
    lines.push_back("delete element bridge tinet " +
                    map_name({MapId::Kind::Counters, counter.slot}) + " { " +
                    quoted_link(counter.link, ports) + " }");
    lines.push_back("delete counter bridge tinet " + counter_name(counter));
  }
  return lines;
}

}  // namespace tinet::fabric
