#include "src/supervisor/fault_request.h"

#include <algorithm>
#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "src/api/fault_meaning.h"
#include "src/base/error.h"
#include "src/model/fault_build.h"
#include "src/model/matrix.h"
#include "src/model/scope.h"
#include "src/model/traffic.h"

namespace tinet {

namespace {

LinkWords link_words(const api::FaultRequest& request) {
  LinkWords words;
  words.selector = request.selector;
  words.peers = request.peers;
  words.direction = parse_direction(request.direction);
  words.each = request.each;
  words.between_zones = request.between_zones;
  words.shape = request.shape;
  return words;
}

std::vector<MatrixWords> matrix_words(const api::FaultRequest& request) {
  std::vector<MatrixWords> cells;
  for (std::size_t i = 0; i < request.matrix.size(); ++i) {
    cells.push_back({request.matrix[i].from, request.matrix[i].to, api::cell_action(request, i)});
  }
  return cells;
}

/// What only the links tell of --rtt.
void check_round_trip(const Fault& fault) {
  const bool delays = std::any_of(fault.clauses.begin(), fault.clauses.end(),
                                  [](const FaultClause& clause) { return clause.action.delay; });
  if (!delays) {
    throw_usage("--rtt is about a delay, and there is none");
  }
  if (!both_directions(fault.links)) {
    throw_usage("--rtt needs both directions: the round trip is the sum of them",
                "leave out --direction, or leave out --rtt and give the delay of one direction");
  }
}

/// Ends and phases.
void set_time(Fault& fault, const api::FaultRequest& request, MonoTime start) {
  if (request.for_ms) {
    fault.end = start + Milliseconds(*request.for_ms);
  }
  if (fault.kind != FaultKind::Flap) {
    return;
  }
  fault.flap = api::flap_of(request, start);
  if (const auto end = end_of_train(*fault.flap)) {
    fault.end = fault.end ? std::min(*fault.end, *end) : *end;
  }
}

/// What a direction of packets does to a protocol that answers.
bool stalls_the_other_way(const LinkWords& words, const TrafficWords& traffic,
                          const LinkAction& action) {
  return words.direction != Direction::Both && (!traffic.has_ports() || traffic.packets) &&
         (action.cut || action.hold) && traffic.connections != Connections::New &&
         (traffic.protocol == Protocol::Any || traffic.protocol == Protocol::Tcp);
}

}  // namespace

std::vector<std::string> roles_in(const api::FaultRequest& request) {
  if (request.matrix.empty()) {
    return roles_in(link_words(request));
  }
  std::vector<MatrixWords> cells;
  for (const auto& cell : request.matrix) {
    cells.push_back({cell.from, cell.to, {}});
  }
  return roles_in(cells);
}

SelectorScope scope_of(const ClusterPlan& plan) {
  SelectorScope scope;
  for (const auto& instance : plan.instances) {
    scope.members.push_back({instance.name, instance.component, instance.zone});
  }
  scope.client = static_cast<Endpoint>(plan.instances.size());
  if (plan.host_link) {
    scope.host = static_cast<Endpoint>(scope.client + 1);
  }
  return scope;
}

MadeFault make_fault(const api::FaultRequest& request, const ClusterPlan& plan,
                     const SelectorScope& scope, MonoTime start) {
  MadeFault made;
  Fault& fault = made.fault;
  api::check_request(request);
  fault.kind = api::kind_of(request);
  fault.summary = request.summary;
  const LinkWords words = link_words(request);
  TrafficWords traffic = api::traffic_of(request);
  if (!request.matrix.empty()) {
    LinkActions matrix = resolve_matrix(matrix_words(request), scope);
    // A cell is one direction; the connections of two cells would meet on one link.
    traffic.packets = true;
    set_clauses(fault, resolve_traffic(traffic, matrix.links, plan), matrix);
    fault.target = std::move(matrix.target);
    fault.peers = std::move(matrix.peers);
    made.notes = std::move(matrix.notes);
  } else {
    const LinkAction action = api::action_of(request);
    LinkChoice choice = choose_links(words, scope);
    set_clauses(fault, resolve_traffic(traffic, choice.links, plan), action);
    fault.target = std::move(choice.target);
    fault.peers = std::move(choice.peers);
    made.notes = std::move(choice.notes);
    if (stalls_the_other_way(words, traffic, action)) {
      made.notes.emplace_back(
          "TCP stalls in the other direction too: its acknowledgements go the "
          "way that is cut");
    }
  }
  if (request.rtt) {
    check_round_trip(fault);
  }
  for (auto& clause : fault.clauses) {
    if (request.rtt) {
      halve_round_trip(clause.action);
    }
    if (has_chance(clause.action)) {
      clause.action.seed = scope.seed;
    }
  }
  set_time(fault, request, start);
  return made;
}

Error about_fault(const api::FaultRequest& request, std::size_t index, const Error& error) {
  const std::string place =
      request.place.empty() ? "faults[" + std::to_string(index) + "]" : request.place;
  return {error.kind(), place + ": " + error.what(), error.hint()};
}

std::string canonical_words(api::FaultRequest request) {
  request.dry_run = false;
  request.verify_ms.reset();
  request.summary.clear();
  request.place.clear();
  std::sort(request.ports.begin(), request.ports.end());
  request.ports.erase(std::unique(request.ports.begin(), request.ports.end()), request.ports.end());
  return boost::json::serialize(api::to_json(request));
}

}  // namespace tinet
