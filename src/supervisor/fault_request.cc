#include "src/supervisor/fault_request.h"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/model/fault_build.h"
#include "src/model/fault_check.h"
#include "src/model/matrix.h"
#include "src/model/scope.h"
#include "src/model/traffic.h"

namespace tinet {

namespace {

constexpr std::array kNetworkKinds{FaultKind::Partition, FaultKind::Loss,    FaultKind::Delay,
                                   FaultKind::Duplicate, FaultKind::Corrupt, FaultKind::Reorder,
                                   FaultKind::Rate,      FaultKind::Flap,    FaultKind::Hold};

constexpr std::int64_t kTimeMaxMs = std::chrono::duration_cast<Milliseconds>(kFaultTimeMax).count();

FaultKind kind_of(const api::FaultRequest& request) {
  std::vector<std::string> names;
  for (const FaultKind kind : kNetworkKinds) {
    names.emplace_back(to_string(kind));
    if (request.kind == names.back()) {
      return kind;
    }
  }
  const std::string meant = nearest(request.kind, names);
  throw_usage("unknown fault kind '" + request.kind + "' (has: " + join(names, ", ") + ")",
              meant.empty() ? "" : "did you mean '" + meant + "'?");
}

/// Refuses negative times and parameters of what is not asked for.
void check_words(const api::ActionWords& words) {
  if ((words.burst_begin_ppm > 0) != (words.burst_end_ppm > 0)) {
    throw_usage(
        "--burst needs two percentages above 0%, how often a burst begins and how often it "
        "ends");
  }
  if (words.rate_bits == 0 && (words.rate_burst_bytes > 0 || words.rate_queue_packets > 0)) {
    throw_usage("the burst and the queue of a rate mean nothing without a rate");
  }
}

LinkAction action_of(const api::ActionWords& words) {
  check_words(words);
  LinkAction action;
  action.loss = Ppm{words.loss_ppm};
  action.lost_replies = Ppm{words.lost_replies_ppm};
  if (words.burst_begin_ppm > 0) {
    action.bursts.push_back({Ppm{words.burst_begin_ppm}, Ppm{words.burst_end_ppm}});
  }
  Delay delay;
  delay.delay = Nanoseconds(words.delay_ns);
  delay.jitter = Nanoseconds(words.jitter_ns);
  delay.distribution = parse_distribution(words.distribution);
  delay.table = words.table;
  delay.correlation = Ppm{words.correlation_ppm};
  if (delay != Delay{}) {
    action.delay = std::move(delay);
  }
  action.duplicate = Ppm{words.duplicate_ppm};
  action.corrupt = Ppm{words.corrupt_ppm};
  action.silent_corruption = words.silent;
  action.reorder = Ppm{words.reorder_ppm};
  if (words.rate_bits > 0) {
    action.rate = Rate{words.rate_bits, words.rate_burst_bytes, words.rate_queue_packets};
  }
  check_action(action);
  return action;
}

/// What the verb itself does.
LinkAction action_of(const api::FaultRequest& request, FaultKind kind) {
  LinkAction action = action_of(request.action);
  const CutMode mode = parse_cut_mode(request.mode);
  const bool cuts =
      kind == FaultKind::Partition || (kind == FaultKind::Flap && action == LinkAction{});
  if (cuts) {
    action.cut = mode;
  } else if (mode != CutMode::Drop) {
    throw_usage(
        "--mode " + request.mode + " is about cut links, and this " + request.kind + " cuts none",
        "leave out --mode");
  }
  action.hold = kind == FaultKind::Hold;
  check_kind(kind, action);
  return action;
}

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

TrafficWords traffic_words(const api::FaultRequest& request) {
  TrafficWords words;
  words.service = request.service;
  words.ports = request.ports;
  words.protocol = parse_protocol(request.protocol);
  words.packets = request.packets;
  words.connections = parse_connections(request.connections);
  words.first = request.first;
  words.after_bytes = request.after_bytes;
  words.replies_only = request.action.lost_replies_ppm > 0;
  check_traffic(words);
  return words;
}

std::vector<MatrixWords> matrix_words(const api::FaultRequest& request) {
  std::vector<MatrixWords> cells;
  for (std::size_t i = 0; i < request.matrix.size(); ++i) {
    const auto& cell = request.matrix[i];
    try {
      cells.push_back({cell.from, cell.to, action_of(cell.action)});
    } catch (const Error& error) {
      throw Error(error.kind(), "matrix[" + std::to_string(i) + "]: " + error.what(), error.hint());
    }
    if (cell.action.lost_replies_ppm > 0) {
      throw_usage("matrix[" + std::to_string(i) + "]: --lost-reply cannot be in a matrix");
    }
  }
  return cells;
}

/// A matrix says by itself who is meant and what happens.
void check_matrix(const api::FaultRequest& request, FaultKind kind, const LinkWords& words) {
  const bool alone = words.selector.empty() && !words.peers && words.shape.empty() && !words.each &&
                     !words.between_zones && words.direction == Direction::Both;
  if (!alone) {
    throw_usage("a matrix already says who is meant",
                "leave out the selector, --from, --to, --each, --between, --shape and --direction");
  }
  if (kind == FaultKind::Partition || kind == FaultKind::Hold || kind == FaultKind::Flap) {
    throw_usage("a matrix has delays, losses and rates; " + request.kind + " takes no matrix");
  }
  if (action_of(request.action) != LinkAction{} || parse_cut_mode(request.mode) != CutMode::Drop) {
    throw_usage("the cells of a matrix say what happens, so the fault itself cannot");
  }
}

void check_round_trip(const Fault& fault, const TrafficWords& traffic) {
  const bool delays = std::any_of(fault.clauses.begin(), fault.clauses.end(),
                                  [](const FaultClause& clause) { return clause.action.delay; });
  if (!delays) {
    throw_usage("--rtt is about a delay, and there is none");
  }
  if (traffic.connections == Connections::New) {
    throw_usage("--rtt and --new exclude each other: connection requests go one way only");
  }
  if (!both_directions(fault.links)) {
    throw_usage("--rtt needs both directions: the round trip is the sum of them",
                "leave out --direction, or leave out --rtt and give the delay of one direction");
  }
}

/// Ends and phases.
void set_time(Fault& fault, const api::FaultRequest& request, MonoTime start) {
  if (request.for_ms) {
    if (*request.for_ms < 1) {
      throw_usage("--for: a fault lasts at least 1ms");
    }
    if (*request.for_ms > kTimeMaxMs) {
      throw_usage("--for: a fault lasts at most 1000000h", "leave out --for");
    }
    fault.end = start + Milliseconds(*request.for_ms);
  }
  if (fault.kind != FaultKind::Flap) {
    if (request.flap_down_ms || request.flap_up_ms || request.flap_times > 0) {
      throw_usage("--down, --up and --times are of flap, and this is a " + request.kind);
    }
    return;
  }
  if (!request.flap_down_ms || !request.flap_up_ms) {
    throw_usage("flap needs --down and --up");
  }
  const auto phase = [&](std::int64_t milliseconds) {
    return Milliseconds(std::clamp<std::int64_t>(milliseconds, -1, kTimeMaxMs + 1));
  };
  fault.flap =
      Flap{phase(*request.flap_down_ms), phase(*request.flap_up_ms), request.flap_times, start};
  check_flap(*fault.flap);
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

MadeFault make_fault(const api::FaultRequest& request, const ClusterPlan& plan,
                     const SelectorScope& scope, MonoTime start) {
  MadeFault made;
  Fault& fault = made.fault;
  fault.kind = kind_of(request);
  fault.summary = request.summary;
  const LinkWords words = link_words(request);
  TrafficWords traffic = traffic_words(request);
  if (!request.matrix.empty()) {
    check_matrix(request, fault.kind, words);
    LinkActions matrix = resolve_matrix(matrix_words(request), scope);
    // A cell is one direction; the connections of two cells would meet on one link.
    traffic.packets = true;
    set_clauses(fault, resolve_traffic(traffic, matrix.links, plan), matrix);
    fault.target = std::move(matrix.target);
    fault.peers = std::move(matrix.peers);
    made.notes = std::move(matrix.notes);
  } else {
    const LinkAction action = action_of(request, fault.kind);
    check_traffic_of(action, traffic);
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
    check_round_trip(fault, traffic);
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

std::string canonical_words(api::FaultRequest request) {
  request.dry_run = false;
  request.verify_ms.reset();
  request.summary.clear();
  std::sort(request.ports.begin(), request.ports.end());
  request.ports.erase(std::unique(request.ports.begin(), request.ports.end()), request.ports.end());
  return boost::json::serialize(api::to_json(request));
}

}  // namespace tinet
