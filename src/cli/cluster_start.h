#pragma once
/// Starting a cluster from the command line, shared by `start` and `with`.

#include <functional>

#include <boost/json/value.hpp>

#include "src/cli/context.h"
#include "src/cli/start_plan.h"

namespace tinet::cli {

/// What --dry-run prints.
void print_plan(const StartPlan& start, Context& context);

/// Prints the banner, claims the data directory, starts the supervisor and shows its progress.
/// @param before_handover called with the status when the cluster is ready, and while the
/// supervisor still undoes the start if this process ends: who must stop the cluster on every path
/// prepares for it here
/// @return the status object of the ready cluster
/// @throws Error; the start is undone then
[[nodiscard]] boost::json::value start_cluster(
    const StartPlan& start, Context& context,
    const std::function<void(const boost::json::value& status)>& before_handover = {});

/// What a person sees at the end: status, how to connect, one hint.
[[nodiscard]] std::string started_text(const ClusterPlan& plan, const boost::json::value& status,
                                       const Context& context);

}  // namespace tinet::cli
