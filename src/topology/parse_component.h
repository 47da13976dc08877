#pragma once
/// The part of the parser that reads one component; see parse_topology().

#include "src/topology/topology.h"
#include "src/topology/yaml_reader.h"

namespace tinet::detail {

[[nodiscard]] ComponentSpec parse_component(const std::string& name, const YamlValue& value);

/// A name of a component, service or topology.
/// @throws Error Usage unless it is [a-z][a-z0-9-]* of at most 32 characters
void check_name(const std::string& name, const SourcePlace& place, const std::string& what);

[[nodiscard]] ConfigSpec parse_config(const YamlValue& value);
[[nodiscard]] ReadySpec parse_ready(const YamlValue& value);
/// One check or a list of them.
[[nodiscard]] std::vector<HttpCheckSpec> parse_http_checks(const YamlValue& value);

}  // namespace tinet::detail
