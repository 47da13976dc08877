#include "src/topology/layout.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet::detail {
namespace {

void check_zone(const std::string& zone, const std::string& flag) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  if (zone.empty() || zone.size() > 63 || zone.find_first_not_of(kAllowed) != std::string::npos) {
    throw_usage(flag + ": '" + zone + "' is not the name of a zone",
                "write names separated by commas, e.g. " + flag + " a,b,c");
  }
}

/// Zones of a component, to be dealt out by index.
std::vector<std::string> zones_of(const std::string& component, const std::string& text) {
  auto zones = split(text, ',');
  for (const auto& zone : zones) {
    check_zone(zone, "--" + component + ".zone");
  }
  return zones;
}

void place_instances(Layout& layout, bool ipv6, bool relayed) {
  std::uint32_t number = 0;
  for (const auto& spec : layout.topology->components) {
    const auto zones = zones_of(spec.name, layout.zones[spec.name]);
    for (int index = 0; index < layout.counts.at(spec.name); ++index, ++number) {
      Place place;
      place.spec = &spec;
      place.name = spec.name + "-" + std::to_string(index);
      place.index = index;
      place.zone = zones.empty() ? "" : zones[static_cast<std::size_t>(index) % zones.size()];
      place.address = endpoint_address(layout.subnet, number);
      place.listen_address =
          relayed ? address_behind_relay(layout.subnet, place.address) : place.address;
      place.address6 = ipv6 ? to_string(endpoint_address6(number)) : "";
      place.directory = layout.data_dir + "/" + place.name;
      place.log = layout.log_dir + "/" + place.name + ".log";
      layout.places.push_back(std::move(place));
    }
  }
}

/// The part after "prefix."; empty when `name` begins otherwise.
std::string_view after_prefix(std::string_view name, std::string_view prefix) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : std::string_view{};
}

}  // namespace

Layout make_layout(const Topology& topology, const StartOptions& options,
                   const Environment& environment, const std::map<std::string, int>& counts,
                   const std::vector<PublishSpec>& publish) {
  Layout layout;
  layout.topology = &topology;
  layout.tag = options.tag;
  layout.store = environment.binaries.store;
  layout.subnet = options.subnet.value_or(environment.subnet);
  layout.data_dir = options.data_dir.empty() ? environment.data_dir : options.data_dir;
  layout.log_dir = options.log_dir.empty() ? layout.data_dir + "/logs" : options.log_dir;
  layout.counts = counts;
  for (const auto& [component, flags] : options.components) {
    layout.zones[component] = flags.zones;
  }
  for (const auto& spec : publish) {
    layout.published.insert(spec.instance + ":" + spec.service);
  }
  place_instances(layout, options.ipv6, options.backend == "proxy");
  for (const auto& [name, var] : topology.vars) {
    layout.vars[name] = evaluate(var, PlanScope(layout));
  }
  return layout;
}

std::string PlanScope::value(std::string_view name) const {
  return place_ == nullptr ? cluster_value(name) : instance_value(name);
}

void PlanScope::for_each(const std::string& component,
                         const std::function<void(const TemplateScope&)>& use) const {
  for (const auto& place : layout_.places) {
    if (place.spec->name == component) {
      use(PlanScope(layout_, &place));
    }
  }
}

std::string PlanScope::cluster_value(std::string_view name) const {
  if (name == "tag") {
    return layout_.tag;
  }
  if (name == "store") {
    return layout_.store;
  }
  if (name == "subnet") {
    return to_string(layout_.subnet);
  }
  if (const auto component = after_prefix(name, "count."); !component.empty()) {
    return std::to_string(layout_.counts.at(std::string(component)));
  }
  if (const auto component = after_prefix(name, "zones."); !component.empty()) {
    const auto found = layout_.zones.find(std::string(component));
    return found == layout_.zones.end() ? "" : found->second;
  }
  const auto var = layout_.vars.find(std::string(after_prefix(name, "var.")));
  // parse_topology() has refused every other name.
  TINET_ASSERT(var != layout_.vars.end());
  return var->second;
}

std::string PlanScope::instance_value(std::string_view name) const {
  const std::pair<std::string_view, std::string> plain[] = {
      {"name", place_->name},
      {"index", std::to_string(place_->index)},
      {"component", place_->spec->name},
      {"ip", to_string(place_->address)},
      {"ip6", place_->address6},
      {"listen_ip", to_string(place_->listen_address)},
      {"zone", place_->zone},
      {"dir", place_->directory},
      {"data_dir", place_->directory + "/data"},
      {"tmp_dir", place_->directory + "/tmp"},
      {"log_dir", layout_.log_dir},
      {"log", place_->log},
  };
  for (const auto& [known, text] : plain) {
    if (name == known) {
      return text;
    }
  }
  for (const std::string_view kind : {"port", "published", "published_host", "published_port"}) {
    if (const auto service = after_prefix(name, std::string(kind) + "."); !service.empty()) {
      return service_value(kind, service);
    }
  }
  return cluster_value(name);
}

std::string PlanScope::service_value(std::string_view kind, std::string_view service) const {
  const auto port = place_->spec->port_of(service);
  TINET_ASSERT(port.has_value());
  const std::string key = place_->name + ":" + std::string(service);
  const bool published = layout_.published.contains(key);
  // Which host port is free is known only at the start: fill_published() puts it in.
  if (kind == "published_host") {
    return published ? "127.0.0.1" : to_string(place_->address);
  }
  if (kind == "published_port" && published) {
    return "{published_port:" + key + "}";
  }
  if (kind == "published") {
    return published ? "{published:" + key + "}"
                     : to_string(place_->address) + ":" + std::to_string(*port);
  }
  return std::to_string(*port);
}

}  // namespace tinet::detail
