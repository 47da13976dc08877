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
#include "src/supervisor/probe_ledger.h"
#include "src/supervisor/round_trips.h"

namespace tinet {

/// Books what timing round trips has sent.
void add_trips(SentProbes& sent, const TimedTrips& trips);

struct VerifyReport {
  boost::json::object document;
  SentProbes sent;
};

/// Datagrams over all links of a fault: none may arrive where everything is cut, held or lost. They
/// must elsewhere, and show what the fault does: losses, corruption and copies by chance (so many
/// are sent that they must be seen), all of them at 100 %, a delay by the kernel's time of arrival.
/// Where only some packets are cut, the connections that this prevents are tried as well. What
/// probes cannot show is skipped, with the reason. After that, round trips are timed for the links
/// of `trips`; a delay longer than the budget makes this take longer, at most five seconds.
/// @param next_change when the effects change by themselves; probes have to be back before that
/// @param trips round trips as they were before
/// @return {"pairs":n,"as_intended":n,"wrong":[["a","b"],["a","b:2380"],..],"skipped":n,
///         "skipped_because":[{"reason":"..","pairs":n},..]}, and "rtt" as round_trips_document()
///         when there are `trips`
/// @throws Error Conflict when the effects change too often to be looked at; Operation
[[nodiscard]] boost::asio::awaitable<VerifyReport> verify_links(
    const ClusterPlan& plan, Fabric& fabric, FaultId fault, std::vector<Link> links,
    std::chrono::milliseconds budget, std::function<std::optional<MonoTime>()> next_change,
    std::vector<RoundTrip> trips = {});

}  // namespace tinet
