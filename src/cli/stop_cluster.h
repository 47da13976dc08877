#pragma once
/// Stopping one cluster and waiting until nothing of it is left.

#include <boost/json/value.hpp>

#include "src/api/requests.h"

namespace tinet {
class Client;
}

namespace tinet::cli {

/// Asks for the stop and returns when the supervisor's process has ended: only then are its
/// network, its state directory and its tag free again.
/// @return the last status object
/// @throws Error of the supervisor; Operation when its process does not end within 30 s after the
///         answer
boost::json::value stop_cluster(const Client& client, const api::StopRequest& request);

}  // namespace tinet::cli
