#include "src/fabric/ruleset.h"

#include <charconv>

#include "src/base/error.h"

namespace tinet::fabric {

namespace {

char letter(Stack stack) {
  return stack == Stack::A ? 'a' : 'b';
}

template <typename Number>
bool take_number(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) {
    return false;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take_dot(std::string_view& text) {
  if (!text.starts_with('.')) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::vector<Slot> all_slots() {
  std::vector<Slot> slots;
  for (const Stack stack : {Stack::A, Stack::B}) {
    for (std::size_t layer = 0; layer <= kLayersMax; ++layer) {
      slots.push_back({stack, static_cast<std::uint8_t>(layer)});
    }
  }
  return slots;
}

std::string to_string(Slot slot) {
  return letter(slot.stack) + std::to_string(slot.layer);
}

std::string map_name(const MapId& map) {
  switch (map.kind) {
    case MapId::Kind::Counters:
      return "count_" + to_string(map.slot);
    case MapId::Kind::Layer:
      return "layer_" + to_string(map.slot);
    case MapId::Kind::Decide:
      break;
  }
  return "decide";
}

std::vector<MapId> all_maps() {
  std::vector<MapId> maps;
  for (const Slot slot : all_slots()) {
    maps.push_back({MapId::Kind::Counters, slot});
    if (slot.layer > 0) {
      maps.push_back({MapId::Kind::Layer, slot});
    }
  }
  maps.push_back({MapId::Kind::Decide, {}});
  return maps;
}

std::string chain_name(const Target& target) {
  if (!target.effect) {
    return std::string("layers_") + letter(target.slot.stack);
  }
  TINET_ASSERT(target.effect->cut);
  return std::string(to_string(*target.effect->cut)) + "_" + to_string(target.slot);
}

std::uint32_t mark_of(const Target& target) {
  TINET_ASSERT(target.slot.layer == 0);
  const std::uint32_t stack = target.slot.stack == Stack::A ? 0xa : 0xb;
  if (!target.effect) {
    return stack;
  }
  TINET_ASSERT(target.effect->cut);
  switch (*target.effect->cut) {
    case CutMode::Drop:
      return 0xd00 | (stack << 4);
    case CutMode::Reset:
      return 0xe00 | (stack << 4);
    case CutMode::Reject:
      break;
  }
  return 0xf00 | (stack << 4);
}

std::string counter_name(const CounterId& counter) {
  return to_string(counter.slot) + "." + std::to_string(counter.link.from) + "." +
         std::to_string(counter.link.to);
}

std::optional<CounterId> parse_counter_name(std::string_view name) {
  if (name.empty() || (name[0] != 'a' && name[0] != 'b')) {
    return std::nullopt;
  }
  CounterId id;
  id.slot.stack = name[0] == 'a' ? Stack::A : Stack::B;
  name.remove_prefix(1);
  const bool well_formed = take_number(name, id.slot.layer) && take_dot(name) &&
                           take_number(name, id.link.from) && take_dot(name) &&
                           take_number(name, id.link.to) && name.empty() &&
                           id.slot.layer <= kLayersMax;
  return well_formed ? std::optional(id) : std::nullopt;
}

Slot slot_of(const LinkRules& rules, std::size_t index) {
  return {rules.stack, static_cast<std::uint8_t>(rules.schedule.size() == 1 ? 0 : index + 1)};
}

std::vector<Element> elements_of(Link link, const LinkRules& rules) {
  TINET_ASSERT(!rules.schedule.empty() && rules.schedule.size() <= kLayersMax);
  const MapId decide{MapId::Kind::Decide, {}};
  if (rules.schedule.size() == 1) {
    const TimedEffect& only = rules.schedule.front();
    return {{decide, link, {only.effect, slot_of(rules, 0)}, only.end}};
  }
  std::vector<Element> elements;
  elements.push_back({decide, link, {std::nullopt, {rules.stack, 0}}, rules.schedule.back().end});
  for (std::size_t i = 0; i < rules.schedule.size(); ++i) {
    const Slot slot = slot_of(rules, i);
    elements.push_back({{MapId::Kind::Layer, slot},
                        link,
                        {rules.schedule[i].effect, slot},
                        rules.schedule[i].end});
  }
  return elements;
}

}  // namespace tinet::fabric
