#pragma once
/// How this machine would do each kind of fault, as the code that does it decides: for
/// `tinet doctor`.

#include <string>
#include <vector>

#include "netns/probe.h"

namespace tinet::cli {

struct FaultMechanism {
  std::string fault;      ///< verb, with the option that makes a difference
  std::string mechanism;  ///< as a fault's "mechanism"; empty when the backend cannot do it
  bool usable = false;
  std::string why;  ///< the reason that a user would be told, or what the kernel lacks
};

/// One for each verb that makes faults, with its first example as the sample.
/// @param backend "netns", "rootless" or "proxy"
/// @param probed what the kernel can do
[[nodiscard]] std::vector<FaultMechanism> fault_mechanisms(const std::string& backend,
                                                           const FeatureReport& probed);

}  // namespace tinet::cli
