#pragma once
/// The control socket's paths (src/api/README.md), bound to a cluster.

#include <functional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "src/api/requests.h"
#include "src/supervisor/cluster.h"
#include "src/supervisor/http_server.h"

namespace tinet {

/// What only the process can do.
struct SupervisorActions {
  /// Stops the cluster and returns its last status object; the process then ends.
  std::function<boost::asio::awaitable<boost::json::object>(api::StopRequest)> stop;
  /// POST /v1/exec and POST /v1/capture.
  Handler exec;
  Handler capture;
};

[[nodiscard]] Handler make_routes(Cluster& cluster, SupervisorActions actions);

}  // namespace tinet
