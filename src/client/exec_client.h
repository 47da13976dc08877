#pragma once
/// `tinet exec` and `tinet shell`: runs a command in an instance's place on this process's own
/// descriptors, or on a pty that is relayed to the user's terminal.

#include <optional>
#include <string>

#include "src/api/cluster_handle.h"
#include "src/api/requests.h"
#include "src/base/error.h"
#include "src/client/signal_pipe.h"

namespace tinet {

struct ExecOutcome {
  /// The command's (128+n when signal n killed it); 125, 126 or 127 when `failure` is set.
  int exit_code = 0;
  /// Why the command could not be run.
  std::optional<Error> failure;
};

/// Runs the command to its end. With `request.tty` the user's terminal (descriptor 0) is raw
/// meanwhile and is restored on every way out; the window's size is carried over. Leaving kills the
/// command.
/// @param interrupt borrowed, may be null
/// @throws Error Interrupted when the user wants out; every other failure is an outcome
[[nodiscard]] ExecOutcome run_exec(const ClusterHandle& cluster, const api::ExecRequest& request,
                                   const Interrupt* interrupt);

}  // namespace tinet
