#pragma once
/// Partitions of every size, by tinet and by the usual tools.

#include <cstddef>

#include "tests/bench/figures.h"

namespace tinet::bench {

/// Cuts and heals halves, a ring and everything at so many endpoints, in turns with the usual tools
/// (usual_tools.h). Where a tool runs a process for every link, a ring and everything are left out
/// beyond 30 endpoints, and halves are cut by it once.
/// @param per_node also compares with tools that go to each node
void bench_shapes(Figures& figures, std::size_t endpoints, int rounds, bool per_node);

}  // namespace tinet::bench
