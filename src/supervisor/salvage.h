#pragma once
/// What stays of a start that failed: the logs and the rendered files, for a look.

#include <string>

#include "src/model/plan.h"
#include "src/process/run_as.h"

namespace tinet {

/// Copies the instances' logs and rendered files out of a data directory that is about to go, to a
/// new one next to it (`.failed/TAG/<unix milliseconds>`), with the user's own rights, and removes
/// all but the newest three of this tag. Data that stays has them already: nothing is copied.
/// @return where they are; empty when there are none
/// @throws Error Operation (ENOSPC)
[[nodiscard]] std::string salvage_logs(const ClusterPlan& plan, const RunAs& as);

}  // namespace tinet
