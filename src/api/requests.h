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

/// What a fault does to packets; members that are not set do nothing.
struct ActionWords {
  std::uint32_t loss_ppm = 0;
  std::uint32_t lost_replies_ppm = 0;
  std::uint32_t burst_begin_ppm = 0;  ///< both or none
  std::uint32_t burst_end_ppm = 0;
  std::int64_t delay_ns = 0;
  std::int64_t jitter_ns = 0;
  std::string distribution = "uniform";  ///< uniform, normal, pareto, table
  std::vector<std::int16_t> table;       ///< deviations in 1/8192 of the jitter
  std::uint32_t correlation_ppm = 0;
  std::uint32_t duplicate_ppm = 0;
  std::uint32_t corrupt_ppm = 0;
  bool silent = false;  ///< corruption that the receiver's checksum does not notice
  std::uint32_t reorder_ppm = 0;
  std::uint64_t rate_bits = 0;  ///< per second
  std::uint32_t rate_burst_bytes = 0;
  std::uint32_t rate_queue_packets = 0;
};

/// One cell of a matrix: what happens on the links from one selector to another.
struct MatrixCell {
  std::string from;
  std::string to;
  ActionWords action;
};

/// POST /v1/faults
struct FaultRequest {
  std::string kind =
      "partition";       ///< partition loss delay duplicate corrupt reorder rate flap hold
  std::string selector;  ///< or groups "a,b / c"
  std::optional<std::string> peers;  ///< --from/--to
  std::string direction = "both";    ///< both, in, out
  bool each = false;
  bool between_zones = false;
  std::string shape;               ///< partition: halves majority minority ring bridge zones random
  std::vector<MatrixCell> matrix;  ///< instead of a selector

  std::string service;               ///< named port of the listening side; empty: any
  std::vector<std::uint16_t> ports;  ///< of the listening side; empty: any
  std::string protocol = "any";      ///< any tcp udp icmp
  bool packets = false;  ///< direction speaks of packets, although a service or port is given
  std::string connections = "all";  ///< all new established
  std::optional<std::uint32_t> first;
  std::optional<std::uint64_t> after_bytes;

  std::string mode = "drop";  ///< of a partition or flap: drop reject reset
  ActionWords action;
  bool rtt = false;  ///< delay and jitter are those of a round trip
  std::optional<std::int64_t> flap_down_ms;
  std::optional<std::int64_t> flap_up_ms;
  std::uint32_t flap_times = 0;  ///< 0: until it is healed

  std::optional<std::int64_t> for_ms;  ///< end in the kernel after this long, 1..
  std::optional<std::uint64_t> seed;   ///< chosen and reported when absent
  std::string summary;                 ///< the words the user typed, for `faults` and `events`
  std::string place;                   ///< "b.yaml:1" when they are in a file, for errors
  bool dry_run = false;
  std::optional<std::int64_t> verify_ms;  ///< probe every affected pair for at most this long
};

/// POST /v1/faults/apply: the active network faults shall be exactly these
struct ApplyRequest {
  std::vector<FaultRequest> faults;
  bool dry_run = false;  ///< only say what would change
};

/// POST /v1/faults/release
struct ReleaseRequest {
  std::string id;
  bool drop = false;  ///< what was held is dropped, not delivered
};

/// POST /v1/heal; both lists empty: everything
struct HealRequest {
  std::vector<std::string> ids;        ///< "f1"
  std::vector<std::string> selectors;  ///< faults whose target or peers touch these
  bool require_effect = false;         ///< error 5 when a healed fault matched no packet
  bool kick = false;  ///< end TCP connections of the healed links that wait to send again
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
[[nodiscard]] boost::json::value to_json(const ApplyRequest& request);
[[nodiscard]] boost::json::value to_json(const ReleaseRequest& request);
[[nodiscard]] boost::json::value to_json(const HealRequest& request);
[[nodiscard]] boost::json::value to_json(const InstanceRequest& request);
[[nodiscard]] boost::json::value to_json(const WaitRequest& request);
[[nodiscard]] boost::json::value to_json(const StopRequest& request);
[[nodiscard]] boost::json::value to_json(const ExecRequest& request);
[[nodiscard]] boost::json::value to_json(const CaptureRequest& request);

/// Parses a request body; members may be missing (their defaults hold), also in objects inside it;
/// unknown ones are refused so that a typing error is never a silent no-op.
/// @throws Error Usage naming the member with its path, e.g. "request.action.loss_ppm"
template <typename Request>
[[nodiscard]] Request parse_request(const boost::json::value& body);
extern template FaultRequest parse_request<FaultRequest>(const boost::json::value&);
extern template ApplyRequest parse_request<ApplyRequest>(const boost::json::value&);
extern template ReleaseRequest parse_request<ReleaseRequest>(const boost::json::value&);
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
