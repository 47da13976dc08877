#pragma once
/// Talking to the supervisor of the cluster that --tag means.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "src/api/cluster_handle.h"
#include "src/cli/context.h"

namespace tinet::cli {

/// The user's living cluster of the tag; nullopt when there is none.
[[nodiscard]] std::optional<ClusterHandle> running_cluster(const Context& context);

/// @throws Error Conflict when there is none; the hint lists the user's clusters
[[nodiscard]] ClusterHandle require_cluster(const Context& context);

/// One request to the tag's cluster; blocks until the answer is complete.
/// @param path with query, e.g. "/v1/faults?all=1"
/// @throws Error as the supervisor says; Conflict when there is no cluster
[[nodiscard]] boost::json::value get(const Context& context, const std::string& path);
[[nodiscard]] boost::json::value post(const Context& context, const std::string& path,
                                      const boost::json::value& body);

/// How a stream came to its end. ^C is how people end one, so it is no error here.
enum class StreamEnd { Ended, Interrupted };

/// Calls `line` with every JSON line of a stream until it returns false or the stream ends.
/// @throws Error as get(), but never Interrupted
StreamEnd stream(const Context& context, const std::string& path,
                 const std::function<bool(std::string_view line)>& line);

/// Exit status of a command that only showed a stream: 0, or 130 after ^C.
[[nodiscard]] int stream_status(StreamEnd end) noexcept;

/// The instance of a status document.
/// @throws Error Usage with the nearest name when it has none of that name
[[nodiscard]] const boost::json::value& require_instance(const boost::json::value& status,
                                                         const std::string& name);

/// Percent-encodes a query value.
[[nodiscard]] std::string url_encode(std::string_view text);

}  // namespace tinet::cli
