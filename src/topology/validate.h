#pragma once
/// Checks of a topology that need all of it: names that refer to other parts, templates, cycles.

#include "src/topology/topology.h"

namespace tinet::detail {

/// @throws Error Usage "FILE:LINE: ..."
void validate(const Topology& topology);

/// Components in an order in which each comes after those in its `after`; ties keep the file's
/// order. Nothing when there is a cycle.
[[nodiscard]] std::vector<std::string> start_order(const Topology& topology);

}  // namespace tinet::detail
