#pragma once
/// Which template names exist where; see template.h for the list.

#include <string>
#include <string_view>
#include <vector>

#include "src/topology/topology.h"

namespace tinet::detail {

/// Where a template or condition stands.
enum class NamePlace {
  Cluster,   ///< computed values: no instance yet
  Instance,  ///< arguments, files, checks
  Connect,   ///< connect lines: also {published.*}
};

/// All names that may stand there.
/// @param component whose instance it is about; ignored for NamePlace::Cluster
[[nodiscard]] std::vector<std::string> known_names(const Topology& topology,
                                                   const ComponentSpec* component, NamePlace where);

}  // namespace tinet::detail
