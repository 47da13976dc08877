#pragma once
/// Runs the checks of a plan against the live cluster: "is this instance ready", "has this
/// component settled". What an answer means is decided in src/topology/readiness.h.

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "src/fabric/fabric.h"
#include "src/model/plan.h"

namespace tinet {

/// Asks what `check` says, from inside the asked instance's own namespace.
/// @param self the instance the check belongs to; may be null when the check names a component
/// @return nullopt when it holds, else a short reason
[[nodiscard]] boost::asio::awaitable<std::optional<std::string>> check_http(
    Fabric& fabric, const ClusterPlan& plan, const InstancePlan* self, const HttpCheck& check);

/// @return nullopt when the service of `self` accepts a connection, else a short reason
[[nodiscard]] boost::asio::awaitable<std::optional<std::string>> check_tcp(
    Fabric& fabric, const ClusterPlan& plan, const InstancePlan& self, const std::string& service);

/// Endpoint number of an instance: its position in the plan.
[[nodiscard]] Endpoint endpoint_of(const ClusterPlan& plan, const InstancePlan& instance);

}  // namespace tinet
