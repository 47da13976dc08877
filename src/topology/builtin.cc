#include "src/base/error.h"
#include "src/topology/builtin_text.h"
#include "src/topology/topology.h"
#include "src/topology/yaml_reader.h"

namespace tinet {

std::vector<std::string> builtin_topology_names() {
  std::vector<std::string> names;
  for (const auto& builtin : detail::builtin_texts()) {
    names.emplace_back(builtin.name);
  }
  return names;
}

std::optional<std::string_view> builtin_topology_text(std::string_view name) {
  const std::string_view wanted = name == "cluster" ? "tidb" : name;
  for (const auto& builtin : detail::builtin_texts()) {
    if (builtin.name == wanted) {
      return builtin.text;
    }
  }
  return std::nullopt;
}

Topology builtin_topology(std::string_view name) {
  const auto text = builtin_topology_text(name);
  if (!text) {
    auto known = builtin_topology_names();
    known.emplace_back("cluster");
    throw_usage("unknown topology '" + std::string(name) + "'",
                detail::suggestion(name, known) + " (a file's name ends in .yaml)");
  }
  const std::string file = std::string(name == "cluster" ? "tidb" : name) + ".yaml";
  return parse_topology(*text, file);
}

bool names_topology_file(std::string_view word) {
  return word.find('/') != std::string_view::npos || word.ends_with(".yaml") ||
         word.ends_with(".yml");
}

}  // namespace tinet
