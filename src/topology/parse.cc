#include <algorithm>
#include <utility>

#include "src/base/text.h"
#include "src/topology/parse_component.h"
#include "src/topology/topology.h"
#include "src/topology/validate.h"
#include "src/topology/yaml_reader.h"

namespace tinet {
namespace {

using detail::YamlMap;
using detail::YamlValue;

constexpr std::size_t kMaxComponents = 64;

/// Words that selectors and paths use for something else.
void check_component_name(const std::string& name, const SourcePlace& place) {
  detail::check_name(name, place, "component");
  for (const char* reserved :
       {"all", "client", "host", "random", "minority", "majority", "zone", "role", "logs"}) {
    if (name == reserved) {
      detail::fail_at(place, "'" + name + "' cannot name a component", "the word is reserved");
    }
  }
  const auto dash = name.rfind('-');
  if (dash != std::string::npos &&
      name.find_first_not_of("0123456789", dash + 1) == std::string::npos) {
    detail::fail_at(place, "'" + name + "' cannot name a component",
                    "names that end in '-' and a number are names of instances");
  }
}

RoleSpec parse_role(const YamlValue& value) {
  RoleSpec role;
  role.place = value.place();
  YamlMap map(value);
  role.source.driver = map.require("driver").text();
  role.source.component = map.require("component").text();
  role.source.service = map.require("service").text();
  const auto prefix = map.get("prefix");
  role.source.prefix = prefix ? prefix->text() : role.source.component;
  if (const auto store = map.get("store")) {
    role.store = store->text();
    if (role.store != "real" && role.store != "reference") {
      store->fail("must be real or reference, but is '" + role.store + "'");
    }
  }
  map.finish();
  return role;
}

void parse_components(const YamlValue& value, Topology& topology) {
  value.each_pair([&](const std::string& name, const YamlValue& component) {
    check_component_name(name, component.place());
    if (topology.components.size() == kMaxComponents) {
      component.fail("is one component too many: at most " + std::to_string(kMaxComponents));
    }
    topology.components.push_back(detail::parse_component(name, component));
  });
  if (topology.components.empty()) {
    value.fail("needs at least one component");
  }
}

void parse_vars(const YamlValue& value, Topology& topology) {
  value.each_pair([&](const std::string& name, const YamlValue& var) {
    topology.vars.emplace_back(name, parse_var(var.text(), var.place()));
  });
}

}  // namespace

std::optional<std::uint16_t> ComponentSpec::port_of(std::string_view service) const {
  for (const auto& candidate : services) {
    if (candidate.name == service) {
      return candidate.port;
    }
  }
  return std::nullopt;
}

std::vector<std::string> ComponentSpec::binary_names() const {
  if (program.starts_with('/')) {
    return {};
  }
  std::vector<std::string> names = {program};
  names.insert(names.end(), binaries.begin(), binaries.end());
  return names;
}

const ComponentSpec* Topology::find(std::string_view component) const {
  const auto found = std::find_if(components.begin(), components.end(),
                                  [&](const auto& spec) { return spec.name == component; });
  return found == components.end() ? nullptr : &*found;
}

std::vector<std::string> Topology::component_names() const {
  std::vector<std::string> names;
  for (const auto& component : components) {
    names.push_back(component.name);
  }
  return names;
}

Topology parse_topology(std::string_view text, const std::string& file) {
  const auto root = detail::load_yaml(text, file);
  const YamlValue value(root, "", file);
  if (!root.IsMap()) {
    detail::fail_at({file, 1}, "is not a topology", "it begins with 'tinet: 1' and 'name: ...'");
  }
  Topology topology;
  topology.source = text;
  topology.file = file;
  YamlMap map(value);
  const auto version = map.require("tinet");
  if (version.text() != "1") {
    version.fail("must be 1, but is '" + version.text() + "'",
                 "this tinet reads version 1 of the format");
  }
  const auto name = map.require("name");
  topology.name = name.text();
  detail::check_name(topology.name, name.place(), "topology");
  if (const auto tiup = map.get("tiup")) {
    topology.tiup = tiup->boolean();
  }
  if (const auto hint = map.get("install_hint")) {
    topology.install_hint = hint->text();
  }
  if (const auto vars = map.get("vars")) {
    parse_vars(*vars, topology);
  }
  parse_components(map.require("components"), topology);
  if (const auto stop_order = map.get("stop_order")) {
    topology.stop_order = stop_order->texts();
  } else {
    topology.stop_order = detail::start_order(topology);
    std::reverse(topology.stop_order.begin(), topology.stop_order.end());
  }
  if (const auto roles = map.get("roles")) {
    roles->each_element([&](const YamlValue& role) { topology.roles.push_back(parse_role(role)); });
  }
  map.finish();
  detail::validate(topology);
  return topology;
}

}  // namespace tinet
