#pragma once
/// The JSON objects that users see (design: "JSON, normative minimum"), made from plain values.
/// Pure.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "src/fabric/fabric.h"
#include "src/model/fault.h"
#include "src/model/plan.h"

namespace tinet {

/// "tikv-0", or "client" for the number after the last instance.
[[nodiscard]] std::string endpoint_name(const ClusterPlan& plan, Endpoint endpoint);
/// Inverse of endpoint_name().
/// @throws Error Usage with the nearest name as hint
[[nodiscard]] Endpoint endpoint_named(const ClusterPlan& plan, std::string_view name);

/// What belongs to a fault besides itself.
struct FaultFacts {
  PacketCounts packets;
  bool shared = false;  ///< another active fault decides on one of its links too
  bool atomic = true;
  /// Two seconds of the cluster's traffic went by, and no packet was meant.
  bool matched_nothing = false;
  std::string mechanism = "nftables";
  std::optional<MonoTime> since{};  ///< when it was applied
};

/// "params" is what the fault does, as action_document() with "mode" for the cut, and "flap",
/// "seed" and "flows" where it has them. A fault of some packets only has "match" in it; when links
/// differ, there is "clauses":[{"links":[..],"match":{..},..}] instead of what differs.
[[nodiscard]] boost::json::object fault_document(const ClusterPlan& plan, const Fault& fault,
                                                 const FaultFacts& facts, MonoTime now);

/// @param seen whether faults can reach what goes over the link, see Fabric::sees()
[[nodiscard]] boost::json::object link_document(const ClusterPlan& plan, const LinkState& link,
                                                bool seen);

/// Up to this many instances, every link between two of them is in links_document().
inline constexpr std::size_t kMatrixInstances = 100;

/// The links of the cluster in the order of its instances: all ordered pairs of them, also those
/// that no fault ever touched, and whatever else is in `links`. In a larger cluster only `links`,
/// because the rest would be a million lines that all say "yes".
/// @param links those that the fabric knows something of
/// @param drift links that it concerns have "drift":[texts]
[[nodiscard]] boost::json::array links_document(const ClusterPlan& plan,
                                                const std::vector<LinkState>& links,
                                                const std::function<bool(Link)>& sees,
                                                const std::vector<Drift>& drift = {});

/// Drift that concerns a link: that of either end, and what may concern everybody.
[[nodiscard]] std::vector<std::string> drift_of(const std::vector<Drift>& drift, Link link);

/// "ok", "cut" (no packet passes in at least one direction to or from every other instance) or
/// "impaired" (by a fault, or by drift that could not be repaired), per instance.
[[nodiscard]] std::map<Endpoint, std::string> network_states(const ClusterPlan& plan,
                                                             const std::vector<LinkState>& links,
                                                             const std::vector<Drift>& drift = {});

}  // namespace tinet
