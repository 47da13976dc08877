#pragma once
/// What stays of a start that failed: the logs and the rendered files, for a look.

#include <string>

#include "src/model/plan.h"
#include "src/process/run_as.h"

namespace tinet {

/// Copies the instances' logs and rendered files to a new directory next to the data directory
/// (`.failed/TAG-<unix seconds>`), with the user's own rights, and removes all but the newest three
/// of this tag.
/// @return its path; empty when there was nothing to copy
/// @throws Error Operation (ENOSPC)
[[nodiscard]] std::string salvage_logs(const ClusterPlan& plan, const RunAs& as);

}  // namespace tinet
