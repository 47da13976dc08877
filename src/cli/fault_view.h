#pragma once
/// Faults, links, explanations and events as text for people. Pure.

#include <string>

#include <boost/json/fwd.hpp>

namespace tinet::cli {

/// "f1: partition tikv-0 from pd-0, tidb-0 (4 links), ends in 2s, 17 packets dropped";
/// "f2: delay 50ms between tikv-0 and pd-0 (2 links), 3 packets delayed".
[[nodiscard]] std::string fault_line(const boost::json::value& fault);

/// What a fault verb prints: notes, the fault, how it is undone, and the verdict of --verify.
/// @param tinet how the user calls tinet for this cluster, "tinet -T TAG"
[[nodiscard]] std::string applied_text(const boost::json::value& answer, const std::string& tinet,
                                       bool color);

/// What a fault verb with --dry-run prints: the fault and the transaction, a message per line.
[[nodiscard]] std::string dry_run_fault_text(const boost::json::value& answer);

/// What would be sent to the kernel, a message per line.
[[nodiscard]] std::string transaction_text(const boost::json::value& answer);

/// The links of a fault, one "a > b" per line, for --explain.
[[nodiscard]] std::string links_of_fault_text(const boost::json::value& fault);

/// What `tinet heal` prints: the faults, then what is left to say, e.g. of connections that wait.
[[nodiscard]] std::string healed_text(const boost::json::value& answer);

/// What `tinet release` prints.
[[nodiscard]] std::string released_text(const boost::json::value& answer);

/// What `tinet apply` prints, and with `only_shown` what `tinet diff` does: a line per fault that
/// is kept, healed or made.
[[nodiscard]] std::string converged_text(const boost::json::value& answer, bool only_shown,
                                         bool color);

/// What `tinet faults` prints; empty when there are none.
[[nodiscard]] std::string faults_text(const boost::json::value& faults, bool color);

/// What `tinet links` prints: a matrix of who reaches whom (up to 20 endpoints), then every link
/// that has an effect or has counted packets.
[[nodiscard]] std::string links_text(const boost::json::value& links, bool color);

/// What `tinet why` prints.
[[nodiscard]] std::string why_text(const boost::json::value& answer, bool color);

/// "12:01:02.345  fault-applied  tikv-0  partition tikv-0 ...".
[[nodiscard]] std::string event_line(const boost::json::value& event, bool color);

}  // namespace tinet::cli
