#include "src/refstore/front_registry.h"

#include <algorithm>

namespace tinet::refstore {

void FrontRegistry::report(const Front& front, Time now) {
  std::erase_if(leases_, [&](const Lease& lease) { return now - lease.renewed > kFrontLease; });
  const auto known = std::find_if(leases_.begin(), leases_.end(),
                                  [&](const Lease& lease) { return lease.front.id == front.id; });
  if (known != leases_.end()) {
    *known = {front, now};
  } else {
    leases_.push_back({front, now});
  }
}

std::vector<Front> FrontRegistry::live(Time now) const {
  std::vector<Front> fronts;
  for (const Lease& lease : leases_) {
    if (now - lease.renewed <= kFrontLease) {
      fronts.push_back(lease.front);
    }
  }
  return fronts;
}

std::optional<Front> FrontRegistry::owner(Time now) const {
  const std::vector<Front> fronts = live(now);
  return fronts.empty() ? std::nullopt : std::optional(fronts.front());
}

}  // namespace tinet::refstore
