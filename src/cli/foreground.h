#pragma once
/// `start --foreground`: stays, shows the events, and stops the cluster at the end.

#include "src/cli/context.h"

namespace tinet::cli {

/// Returns when the cluster has ended: after ^C or SIGTERM it is stopped; it may also be stopped
/// from elsewhere.
/// @return 130 after ^C, 0 otherwise
int stay_in_foreground(Context& context);

}  // namespace tinet::cli
