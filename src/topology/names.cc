#include "src/topology/names.h"

namespace tinet::detail {

std::vector<std::string> known_names(const Topology& topology, const ComponentSpec* component,
                                     NamePlace where) {
  std::vector<std::string> names = {"tag", "subnet", "store"};
  for (const auto& other : topology.components) {
    names.push_back("count." + other.name);
    names.push_back("zones." + other.name);
  }
  for (const auto& [name, spec] : topology.vars) {
    names.push_back("var." + name);
  }
  if (where == NamePlace::Cluster || component == nullptr) {
    return names;
  }
  for (const char* name : {"name", "index", "component", "ip", "ip6", "listen_ip", "zone", "dir",
                           "data_dir", "tmp_dir", "log_dir", "log"}) {
    names.emplace_back(name);
  }
  for (const auto& service : component->services) {
    names.push_back("port." + service.name);
    if (where == NamePlace::Connect) {
      names.push_back("published." + service.name);
      names.push_back("published_host." + service.name);
      names.push_back("published_port." + service.name);
    }
  }
  return names;
}

}  // namespace tinet::detail
