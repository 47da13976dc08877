#pragma once
/// The supervisor process: executes one plan, serves the control socket, and takes everything down
/// at the end. One thread, one event loop.

#include <functional>
#include <memory>
#include <string>

#include "src/base/unique_fd.h"
#include "src/fabric/fabric.h"
#include "src/model/plan.h"

namespace tinet {

/// Makes the fabric of the cluster's backend. Called once, early, while the process has one thread:
/// a rootless one enters its user namespace here.
using FabricFactory =
    std::function<std::unique_ptr<Fabric>(const ClusterPlan& cluster, const FabricPlan& plan)>;

/// Runs until the cluster is stopped. Expects to be a process of its own (session leader, stdio on
/// a log, no foreign descriptors).
/// @param control socket to the `tinet start` that waits for it; protocol in src/api/README.md
/// @return exit status: 0 after a stop, 1 after a failed start
[[nodiscard]] int supervise(UniqueFd control, const FabricFactory& factory);

}  // namespace tinet
