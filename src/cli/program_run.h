#pragma once
/// Running the user's program beside a cluster (`with`), and stopping the cluster afterwards on
/// every path.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

#include <boost/json/fwd.hpp>

#include "src/base/unique_fd.h"
#include "src/cli/context.h"

namespace tinet::cli {

/// The caller's environment with TINET_TAG and TINET_<INSTANCE>_<SERVICE>: "PD_0_CLIENT" is pd-0's
/// service client. Pure.
[[nodiscard]] std::map<std::string, std::string> program_environment(
    const Context& context, const std::string& tag, const boost::json::value& status);

/// Runs the program (looked up in PATH) in the foreground and waits for it. SIGINT and SIGQUIT
/// reach it from the terminal; SIGTERM and SIGHUP are passed on. It dies with this process.
/// @return its status, 128 + the signal that killed it, 127 when it was not found, 126 when it
/// could not be executed
[[nodiscard]] int run_program(const std::vector<std::string>& command,
                              const std::map<std::string, std::string>& environment);

/// Stops a cluster when stop_now() is called, and also when this process ends without that, however
/// it ends: a helper process waits for the end of a pipe. A later cluster of the same tag is left
/// alone.
class StopGuard {
 public:
  /// Call it while the process has one thread.
  /// @param status of the cluster, which has the context's tag
  /// @throws Error
  StopGuard(Context& context, const boost::json::value& status);
  StopGuard(const StopGuard&) = delete;
  StopGuard& operator=(const StopGuard&) = delete;
  StopGuard(StopGuard&&) = delete;
  StopGuard& operator=(StopGuard&&) = delete;
  ~StopGuard();

  /// Returns when the cluster is gone. Call it at most once.
  void stop_now();

 private:
  /// The helper's whole life.
  [[noreturn]] static void wait_and_stop(UniqueFd reader, const Context& context,
                                         std::int64_t supervisor);

  UniqueFd alive_;  ///< the helper reads the other end
  pid_t helper_ = -1;
};

}  // namespace tinet::cli
