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
/// @return the last status object; a member "not_removed" says what had to stay, see
///         require_all_removed()
/// @throws Error of the supervisor; Operation when its process does not end within 30 s after the
///         answer
boost::json::value stop_cluster(const Client& client, const api::StopRequest& request);

/// @param last what stop_cluster() returned
/// @throws Error Operation when something that the stop should have removed is still there
void require_all_removed(const boost::json::value& last);

}  // namespace tinet::cli
