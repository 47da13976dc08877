#include "src/fabric/ruleset.h"

#include <charconv>

#include "src/base/error.h"

namespace tinet::fabric {

namespace {

/// Marks of the layers; treatments' numbers stay below.
constexpr std::uint32_t kLayersMark = 0xffff0000;

char letter(Stack stack) {
  return stack == Stack::A ? 'a' : 'b';
}

}  // namespace

std::string map_name(const MapId& map) {
  if (map.kind == MapId::Kind::Decide) {
    return "decide";
  }
  return std::string("layer_") + letter(map.stack) + std::to_string(map.layer);
}

std::vector<MapId> all_maps() {
  std::vector<MapId> maps;
  for (const Stack stack : {Stack::A, Stack::B}) {
    for (std::size_t layer = 1; layer <= kLayersMax; ++layer) {
      maps.push_back({MapId::Kind::Layer, stack, static_cast<std::uint8_t>(layer)});
    }
  }
  maps.push_back({});
  return maps;
}

std::string chain_name(const Target& target) {
  return target.treatment ? "t" + std::to_string(target.treatment->value)
                          : std::string("layers_") + letter(target.stack);
}

std::optional<TreatmentId> treatment_of_chain(std::string_view chain) {
  TreatmentId id;
  const char* const end = chain.data() + chain.size();
  if (chain.size() < 2 || chain[0] != 't') {
    return std::nullopt;
  }
  const auto [stop, error] = std::from_chars(chain.data() + 1, end, id.value);
  return error == std::errc{} && stop == end ? std::optional(id) : std::nullopt;
}

std::uint32_t mark_of(const Target& target) {
  if (target.treatment) {
    return target.treatment->value;
  }
  return kLayersMark | (target.stack == Stack::A ? 0xaU : 0xbU);
}

Target target_of(std::uint32_t mark) {
  if (mark < kLayersMark) {
    return {TreatmentId{mark}, Stack::A};
  }
  return {std::nullopt, mark == (kLayersMark | 0xaU) ? Stack::A : Stack::B};
}

std::vector<Element> elements_of(Link link, const LinkRules& rules) {
  const LinkPlan& plan = *rules.plan;
  TINET_ASSERT(!plan.schedule.empty() && plan.schedule.size() <= kLayersMax);
  TINET_ASSERT(plan.treatments.size() == plan.schedule.size());
  if (plan.schedule.size() == 1) {
    return {{{}, link, {plan.treatments.front(), Stack::A}, plan.schedule.front().end}};
  }
  std::vector<Element> elements;
  elements.push_back({{}, link, {std::nullopt, rules.stack}, plan.schedule.back().end});
  for (std::size_t i = 0; i < plan.schedule.size(); ++i) {
    const MapId map{MapId::Kind::Layer, rules.stack, static_cast<std::uint8_t>(i + 1)};
    elements.push_back({map, link, {plan.treatments[i], Stack::A}, plan.schedule[i].end});
  }
  return elements;
}

}  // namespace tinet::fabric
