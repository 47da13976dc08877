#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/topology/render.h"
#include "src/topology/yaml_reader.h"

namespace tinet {
namespace {

/// Components that one needs before it can work: `needs`, and those that its checks ask.
std::vector<std::string> needed_by(const ComponentSpec& spec) {
  auto needed = spec.needs;
  for (const auto* checks : {&spec.ready.http, &spec.settled}) {
    for (const auto& check : *checks) {
      if (!check.component.empty()) {
        needed.push_back(check.component);
      }
    }
  }
  return needed;
}

void check_needs(const Topology& topology, const std::map<std::string, int>& counts) {
  for (const auto& spec : topology.components) {
    if (counts.at(spec.name) == 0) {
      continue;
    }
    for (const auto& needed : needed_by(spec)) {
      if (counts.at(needed) == 0) {
        throw_usage("'" + spec.name + "' needs at least one '" + needed + "'",
                    "add --" + needed + " 1, or --" + spec.name + " 0");
      }
    }
  }
}

}  // namespace

std::map<std::string, int> instance_counts(const Topology& topology, const StartOptions& options) {
  for (const auto& [name, flags] : options.components) {
    if (topology.find(name) == nullptr) {
      throw_usage("topology '" + topology.name + "' has no component '" + name + "'",
                  detail::suggestion(name, topology.component_names()));
    }
  }
  std::map<std::string, int> counts;
  int total = 0;
  for (const auto& spec : topology.components) {
    const auto flags = options.components.find(spec.name);
    const bool given = flags != options.components.end() && flags->second.count.has_value();
    const int count = given ? *flags->second.count : spec.count;
    if (count < 0 || count > kMaxInstances) {
      throw_usage("--" + spec.name + ": " + std::to_string(count) + " is not from 0 to " +
                  std::to_string(kMaxInstances));
    }
    counts[spec.name] = count;
    total += count;
  }
  if (total < 1 || total > kMaxInstances) {
    throw_usage("a cluster has 1 to " + std::to_string(kMaxInstances) + " instances, but " +
                    std::to_string(total) + " are asked for",
                "change the counts, e.g. --" + topology.components.front().name + " 1");
  }
  check_needs(topology, counts);
  return counts;
}

}  // namespace tinet
