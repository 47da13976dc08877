#pragma once
/// Bodies of the control socket's requests, shared by the command line and the supervisor. The
/// protocol around them is in src/api/README.md. Values only.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "src/base/error.h"
#include "src/model/scope.h"

namespace tinet::api {

/// POST /v1/faults
struct FaultRequest {
  std::string kind = "partition";
  std::string selector;              ///< or groups "a,b / c"
  std::optional<std::string> peers;  ///< --from/--to
  std::string direction = "both";    ///< both, in, out
  bool each = false;
  bool between_zones = false;
  std::optional<std::int64_t> for_ms;  ///< end in the kernel after this long, 1..
  std::optional<std::uint64_t> seed;   ///< chosen and reported when absent
  std::string summary;                 ///< the words the user typed, for `faults` and `events`
  bool dry_run = false;
  std::optional<std::int64_t> verify_ms;  ///< probe every affected pair for at most this long
};

/// POST /v1/heal; both lists empty: everything
struct HealRequest {
  std::vector<std::string> ids;        ///< "f1"
  std::vector<std::string> selectors;  ///< faults whose target or peers touch these
  bool require_effect = false;         ///< error 5 when a healed fault matched no packet
};

/// POST /v1/instances/{restart,kill,stop,start,pause,resume}
struct InstanceRequest {
  std::string selector;
  std::string signal;                    ///< "TERM"; empty: the topology's
  std::optional<std::int64_t> after_ms;  ///< restart: time between stop and start
  std::optional<std::int64_t> for_ms;    ///< pause: resumes by itself
  std::string wait = "auto";             ///< auto, running, ready, no
  std::optional<std::uint64_t> seed;
};

/// POST /v1/wait; exactly one of the conditions (default: ready)
struct WaitRequest {
  std::string selector = "all";
  bool ready = false;
  std::string role;         ///< until somebody in the selector holds it
  std::string changed;      ///< until another instance holds this role than at the time of the call
  std::string fault_ended;  ///< fault id
  std::int64_t timeout_ms = 60'000;
};

/// POST /v1/stop
struct StopRequest {
  bool keep_data = false;
  bool force = false;  ///< no graces: SIGKILL at once
};

/// POST /v1/exec, with descriptors: [stdin, stdout, stderr], or [pty slave] when tty is set
struct ExecRequest {
  std::string target;  ///< an instance or "client"
  std::vector<std::string> argv;
  std::vector<std::string> env;  ///< K=V, the caller's environment; used as it is for the client
  std::string cwd;               ///< the caller's; used for the client
  bool tty = false;
};

/// POST /v1/capture, with one descriptor: a Unix socket on which the packet socket is sent back
struct CaptureRequest {
  std::string target;
};

[[nodiscard]] boost::json::value to_json(const FaultRequest& request);
[[nodiscard]] boost::json::value to_json(const HealRequest& request);
[[nodiscard]] boost::json::value to_json(const InstanceRequest& request);
[[nodiscard]] boost::json::value to_json(const WaitRequest& request);
[[nodiscard]] boost::json::value to_json(const StopRequest& request);
[[nodiscard]] boost::json::value to_json(const ExecRequest& request);
[[nodiscard]] boost::json::value to_json(const CaptureRequest& request);

/// Parses a request body; members may be missing (their defaults hold), unknown ones are refused so
/// that a typing error is never a silent no-op.
/// @throws Error Usage naming the member
template <typename Request>
[[nodiscard]] Request parse_request(const boost::json::value& body);
extern template FaultRequest parse_request<FaultRequest>(const boost::json::value&);
extern template HealRequest parse_request<HealRequest>(const boost::json::value&);
extern template InstanceRequest parse_request<InstanceRequest>(const boost::json::value&);
extern template WaitRequest parse_request<WaitRequest>(const boost::json::value&);
extern template StopRequest parse_request<StopRequest>(const boost::json::value&);
extern template ExecRequest parse_request<ExecRequest>(const boost::json::value&);
extern template CaptureRequest parse_request<CaptureRequest>(const boost::json::value&);

/// {"error":{"kind","message","hint","instance","log_tail"}}
[[nodiscard]] boost::json::value to_json(const Error& error);
/// Inverse; anything that is no error document becomes an Operation error with the text in it.
[[nodiscard]] Error error_from_json(const boost::json::value& document);

}  // namespace tinet::api
