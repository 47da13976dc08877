#include "src/model/plan.h"

namespace tinet {

std::optional<std::uint16_t> InstancePlan::port_of(std::string_view service) const {
  for (const auto& candidate : services) {
    if (candidate.name == service) {
      return candidate.port;
    }
  }
  return std::nullopt;
}

const InstancePlan* ClusterPlan::find(std::string_view instance) const {
  for (const auto& candidate : instances) {
    if (candidate.name == instance) {
      return &candidate;
    }
  }
  return nullptr;
}

}  // namespace tinet
