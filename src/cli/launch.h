#pragma once
/// Starting a supervisor and listening to it until the cluster is ready (src/api/README.md,
/// "Start").

#include <functional>
#include <string>

#include <sys/types.h>

#include <boost/json/fwd.hpp>

#include "src/base/unique_fd.h"
#include "src/client/signal_pipe.h"

namespace tinet::cli {

/// The option of `tinet supervise` by which it stands under a guard (src/process/guard.h).
inline constexpr const char* kWithoutNamespaces = "--without-namespaces";

enum class Guarded { No, Yes };

/// A supervisor that is bringing a cluster up. Destroying it before ready makes the supervisor undo
/// the start.
class Launch {
 public:
  /// Starts `tinet supervise` in a session of its own, its output on `log`, with no other
  /// descriptor than its end of the control channel, and sends the document.
  /// @param document {"plan":..,"faults":[..]}
  /// @param guarded Yes for a backend without namespaces. The process started here is then the
  ///        guard: it ends after the supervisor and everything of it, in the same way
  /// @param log_path of `log`, for the hint when the supervisor dies
  /// @throws Error when no process can be made
  Launch(const boost::json::value& document, Guarded guarded, const UniqueFd& log,
         std::string log_path);
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;
  Launch(Launch&&) = delete;
  Launch& operator=(Launch&&) = delete;
  ~Launch() = default;

  /// Calls `on_progress` with each {"instance","state","waiting_for","text"} and returns the status
  /// of the ready cluster, which is the user's only after accept(). When the user wants out, asks
  /// the supervisor to undo the start, waits for the end of that (a second signal or `kUnwindMax`
  /// ends the wait) and throws Interrupted.
  /// @throws Error of the supervisor; Operation when it died, with its log as hint
  [[nodiscard]] boost::json::value wait_ready(
      const Interrupt& interrupt,
      const std::function<void(const boost::json::value& progress)>& on_progress);

  /// Takes the ready cluster over: from here on it stays when this process ends.
  void accept();

 private:
  enum class Line { Some, End, Interrupted };
  Line next_line(const Interrupt* interrupt, int timeout_ms, std::string& line);
  /// @return what the supervisor says about the logs of the start
  std::string unwind();
  [[nodiscard]] std::string how_it_ended() const;

  UniqueFd channel_;
  pid_t pid_ = -1;
  std::string log_path_;
  std::string pending_;
};

}  // namespace tinet::cli
