#pragma once
/// What the tests of the netns fabric share: plans, faults and probes.

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "src/fabric/netns_fabric.h"
#include "tests/kernel/probe_pairs.h"

namespace tinet::testing {

/// `instances` called n-0, n-1, ... and the client.
inline FabricPlan plan_of(std::size_t instances, bool ipv6 = false) {
  FabricPlan plan;
  plan.subnet = default_subnets().front();
  plan.gateway = gateway_address(plan.subnet);
  for (std::uint32_t i = 0; i <= instances; ++i) {
    FabricEndpoint endpoint;
    endpoint.name = i < instances ? "n-" + std::to_string(i) : "client";
    endpoint.address = endpoint_address(plan.subnet, i);
    if (ipv6) {
      endpoint.address6 = endpoint_address6(i);
    }
    plan.endpoints.push_back(endpoint);
  }
  return plan;
}

inline MonoTime now() {
  return std::chrono::steady_clock::now();
}

/// Every ordered pair of different endpoints.
inline std::vector<Link> all_links(const FabricPlan& plan) {
  std::vector<Link> links;
  for (std::size_t from = 0; from < plan.endpoints.size(); ++from) {
    for (std::size_t to = 0; to < plan.endpoints.size(); ++to) {
      if (from != to) {
        links.push_back({static_cast<Endpoint>(from), static_cast<Endpoint>(to)});
      }
    }
  }
  return links;
}

inline Fault cut(std::uint32_t id, std::vector<Link> links,
                 std::optional<MonoTime> end = std::nullopt) {
  Fault fault;
  fault.id = {id};
  fault.links = std::move(links);
  LinkAction action;
  action.cut = CutMode::Drop;
  fault.clauses = {{{}, action}};
  fault.end = end;
  return fault;
}

/// With the test's own program as the wire.
inline NetnsOptions test_options() {
  NetnsOptions options;
#ifdef TINET_WIRE_PROGRAM
  options.wire_program = TINET_WIRE_PROGRAM;
  options.wire_words = {"wire_process"};
#endif
  return options;
}

/// A network and questions to it.
struct World {
  explicit World(std::size_t instances, bool ipv6 = false,
                 const NetnsOptions& options = test_options())
      : plan(plan_of(instances, ipv6)), fabric(make_netns_fabric(plan, options)) {}

  /// Links on which nothing arrives.
  [[nodiscard]] std::set<Link> cut_links() const {
    std::set<Link> cut;
    for (const PairVerdict& verdict :
         probe_pairs(*fabric, plan.endpoints, all_links(plan), {.attempts = 1})) {
      if (!verdict.arrived) {
        cut.insert(verdict.link);
      }
    }
    return cut;
  }
  [[nodiscard]] bool reaches(Endpoint from, Endpoint to) const {
    return probe_pairs(*fabric, plan.endpoints, {{from, to}}, {.attempts = 1}).front().arrived;
  }

  FabricPlan plan;
  std::unique_ptr<Fabric> fabric;
};

}  // namespace tinet::testing
