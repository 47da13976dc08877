#pragma once
/// Plans of the built-in topologies for tests: fixed user, addresses and programs.

#include <map>
#include <string>

#include "src/base/error.h"
#include "src/topology/binaries.h"
#include "src/topology/render.h"
#include "src/topology/topology.h"

namespace tinet::test {

/// Every component's program is /opt/bin/PROGRAM.
inline Environment environment_for(const Topology& topology) {
  Environment environment;
  environment.user = {1000, 1000, {}, "ada", "/home/ada"};
  environment.variables = {{"PATH", "/usr/bin:/bin"}, {"LANG", "C.UTF-8"}, {"SECRET", "x"}};
  environment.subnet = parse_subnet("198.18.0.0/16", "test");
  environment.data_dir = "/d";
  for (const auto& spec : topology.components) {
    const auto slash = spec.program.rfind('/');
    environment.binaries.by_component[spec.name] = {
        "/opt/bin/" + spec.program.substr(slash == std::string::npos ? 0 : slash + 1), {}, "", ""};
  }
  return environment;
}

inline ClusterPlan plan_of(const Topology& topology, const StartOptions& options = {}) {
  return render(topology, options, environment_for(topology));
}

/// The plan of a built-in topology with these counts.
inline ClusterPlan builtin_plan(const std::string& name,
                                const std::map<std::string, int>& counts = {}) {
  StartOptions options;
  for (const auto& [component, count] : counts) {
    options.components[component].count = count;
  }
  return plan_of(builtin_topology(name), options);
}

/// The kind, message and hint of the Error that `action` throws; empty when it throws none.
struct Failure {
  bool thrown = false;
  ErrorKind kind = ErrorKind::Operation;
  std::string message;
  std::string hint;
};

template <typename Action>
Failure failure_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return {true, error.kind(), error.what(), error.hint()};
  }
  return {};
}

}  // namespace tinet::test
