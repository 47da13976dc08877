#pragma once
/// The status and list documents as text for people. Pure.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "src/cli/output.h"

namespace tinet::cli {

/// What `tinet status` prints: a line about the cluster, the table of instances, and one line per
/// unrepaired drift and active fault.
[[nodiscard]] std::string status_text(const boost::json::value& status, bool color);

/// What `tinet list` prints.
[[nodiscard]] std::string list_text(const boost::json::value& clusters, bool color);

/// How an instance's or a cluster's state is coloured.
[[nodiscard]] Color state_color(std::string_view state);

/// The published host ports of all instances, as "INSTANCE:SERVICE" -> port.
[[nodiscard]] std::map<std::string, std::uint16_t> published_ports(
    const boost::json::value& status);

/// "2026-01-31 23:59:58" in local time.
[[nodiscard]] std::string local_time(std::int64_t unix_ms);

}  // namespace tinet::cli
