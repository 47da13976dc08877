#pragma once
/// `--verify`: shows with packets of its own that links are as the faults want them.

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "src/fabric/fabric.h"
#include "src/model/plan.h"
#include "src/supervisor/round_trips.h"

namespace tinet {

/// Datagrams over all links: none may arrive where everything is cut, held or lost, and some must
/// everywhere else. Where only ports are cut, the connections that this prevents are tried as well.
/// What probes cannot show (most packets are lost, the fault counts packets) is skipped.
/// Meanwhile, round trips are timed for the links of `trips`; a delay longer than the budget makes
/// this take longer, at most five seconds.
/// @param next_change when the effects change by themselves; probes have to be back before that
/// @param trips round trips as they were before
/// @return {"pairs":n,"as_intended":n,"wrong":[["a","b"],["a","b:2380"],..],"skipped":n}, and "rtt"
///         as round_trips_document() when there are `trips`
/// @throws Error Conflict when the effects change too often to be looked at
[[nodiscard]] boost::asio::awaitable<boost::json::object> verify_links(
    const ClusterPlan& plan, Fabric& fabric, std::vector<Link> links,
    std::chrono::milliseconds budget, std::function<std::optional<MonoTime>()> next_change,
    std::vector<RoundTrip> trips = {});

}  // namespace tinet
