#pragma once
/// A supervisor that was killed holds its lock until the kernel has ended all of its threads, some
/// milliseconds later. Whoever starts the same tag then waits for that instead of being refused.

#include <chrono>

#include "src/api/cluster_handle.h"

namespace tinet::cli {

/// Waits until a supervisor that is about to end has ended; one that lives is not waited for.
/// @return whether the cluster is dead now
[[nodiscard]] bool wait_if_ending(const ClusterHandle& cluster, std::chrono::milliseconds limit);

}  // namespace tinet::cli
