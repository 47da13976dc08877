#pragma once
/// What the fuzzer and the replay of its corpus do with one input.

#include <string>
#include <string_view>

#include "src/base/error.h"
#include "src/topology/overlay.h"
#include "src/topology/render.h"
#include "src/topology/topology.h"

namespace tinet::test {

/// A topology that parses must also render, or be refused with tinet::Error.
inline void try_as_topology(std::string_view input) {
  try {
    const auto topology = parse_topology(input, "fuzz.yaml");
    Environment environment;
    environment.subnet = parse_subnet("198.18.0.0/16", "fuzz");
    environment.data_dir = "/d";
    for (const auto& spec : topology.components) {
      environment.binaries.by_component[spec.name].path = "/bin/true";
    }
    const auto plan = render(topology, {}, environment);
    static_cast<void>(dry_run_text(topology, plan));
  } catch (const Error&) {
    return;
  }
}

/// What was accepted once is accepted again, and stays the same.
inline void try_as_config(ConfigFormat format, std::string_view input) {
  const UserConfig user{"fuzz.conf", std::string(input)};
  std::string once;
  try {
    once = render_config(format, {}, {"data-dir"}, &user, "--x.config");
  } catch (const Error&) {
    return;
  }
  const UserConfig again{"again.conf", once};
  TINET_ASSERT(render_config(format, {}, {"data-dir"}, &again, "--x.config") == once);
}

inline void try_topology_input(std::string_view input) {
  try_as_topology(input);
  try_as_config(ConfigFormat::Toml, input);
  try_as_config(ConfigFormat::Yaml, input);
}

}  // namespace tinet::test
