#include "src/api/fault_meaning.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/model/fault_check.h"
#include "src/model/scope.h"

namespace tinet::api {

namespace {

constexpr std::array kNetworkKinds{FaultKind::Partition, FaultKind::Loss,    FaultKind::Delay,
                                   FaultKind::Duplicate, FaultKind::Corrupt, FaultKind::Reorder,
                                   FaultKind::Rate,      FaultKind::Flap,    FaultKind::Hold};

constexpr std::int64_t kTimeMaxMs = std::chrono::duration_cast<Milliseconds>(kFaultTimeMax).count();

/// Refuses parameters of what is not asked for.
void check_parameters(const ActionWords& words) {
  if ((words.burst_begin_ppm > 0) != (words.burst_end_ppm > 0)) {
    throw_usage(
        "--burst needs two percentages above 0%, how often a burst begins and how often it ends");
  }
  if (words.rate_bits == 0 && (words.rate_burst_bytes > 0 || words.rate_queue_packets > 0)) {
    throw_usage("the burst and the queue of a rate mean nothing without a rate");
  }
}

bool cuts(FaultKind kind, const LinkAction& action) {
  return kind == FaultKind::Partition || (kind == FaultKind::Flap && action == LinkAction{});
}

/// A matrix says by itself who is meant and what happens.
void check_matrix(const FaultRequest& request, FaultKind kind) {
  const bool alone = request.selector.empty() && !request.peers && request.shape.empty() &&
                     !request.each && !request.between_zones && request.direction == "both";
  if (!alone) {
    throw_usage("a matrix already says who is meant",
                "leave out the selector, --from, --to, --each, --between, --shape and --direction");
  }
  if (kind == FaultKind::Partition || kind == FaultKind::Hold || kind == FaultKind::Flap) {
    throw_usage("a matrix has delays, losses and rates; " + request.kind + " takes no matrix");
  }
  if (action_of(request.action) != LinkAction{} || request.mode != "drop") {
    throw_usage("the cells of a matrix say what happens, so the fault itself cannot");
  }
  for (std::size_t i = 0; i < request.matrix.size(); ++i) {
    static_cast<void>(cell_action(request, i));
  }
}

void check_time(const FaultRequest& request, FaultKind kind) {
  if (request.for_ms && *request.for_ms < 1) {
    throw_usage("--for: a fault lasts at least 1ms");
  }
  if (request.for_ms && *request.for_ms > kTimeMaxMs) {
    throw_usage("--for: a fault lasts at most 1000000h", "leave out --for");
  }
  if (kind == FaultKind::Flap) {
    check_flap(flap_of(request, {}));
  } else if (request.flap_down_ms || request.flap_up_ms || request.flap_times > 0) {
    throw_usage("--down, --up and --times are of flap, and this is a " + request.kind);
  }
}

void check_round_trip(const FaultRequest& request, const LinkAction& action,
                      const TrafficWords& traffic) {
  if (request.matrix.empty() && !action.delay) {
    throw_usage("--rtt is about a delay, and there is none");
  }
  if (traffic.connections == Connections::New) {
    throw_usage("--rtt and --new exclude each other: connection requests go one way only");
  }
  // A direction of connections has both directions of packets.
  const bool of_packets = !traffic.has_ports() || traffic.packets;
  if (of_packets && request.matrix.empty() && request.direction != "both") {
    throw_usage("--rtt needs both directions: the round trip is the sum of them",
                "leave out --direction, or leave out --rtt and give the delay of one direction");
  }
}

}  // namespace

FaultKind kind_of(const FaultRequest& request) {
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

LinkAction action_of(const ActionWords& words) {
  check_parameters(words);
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

LinkAction action_of(const FaultRequest& request) {
  LinkAction action = action_of(request.action);
  if (!request.matrix.empty()) {
    return action;
  }
  const FaultKind kind = kind_of(request);
  const CutMode mode = parse_cut_mode(request.mode);
  if (cuts(kind, action)) {
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

TrafficWords traffic_of(const FaultRequest& request) {
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

LinkAction cell_action(const FaultRequest& request, std::size_t cell) {
  const std::string place = "matrix[" + std::to_string(cell) + "]: ";
  try {
    LinkAction action = action_of(request.matrix.at(cell).action);
    if (action.lost_replies.value > 0) {
      throw_usage("--lost-reply cannot be in a matrix");
    }
    return action;
  } catch (const Error& error) {
    throw Error(error.kind(), place + error.what(), error.hint());
  }
}

Flap flap_of(const FaultRequest& request, MonoTime start) {
  if (!request.flap_down_ms || !request.flap_up_ms) {
    throw_usage("flap needs --down and --up");
  }
  // What is out of range stays so, but must not overflow on the way to nanoseconds.
  const auto phase = [](std::int64_t milliseconds) {
    return Milliseconds(std::clamp<std::int64_t>(milliseconds, -1, kTimeMaxMs + 1));
  };
  return {phase(*request.flap_down_ms), phase(*request.flap_up_ms), request.flap_times, start};
}

void check_request(const FaultRequest& request) {
  const FaultKind kind = kind_of(request);
  const TrafficWords traffic = traffic_of(request);
  static_cast<void>(parse_direction(request.direction));
  if (!request.matrix.empty()) {
    check_matrix(request, kind);
  }
  const LinkAction action = action_of(request);
  check_traffic_of(action, traffic);
  if (request.rtt) {
    check_round_trip(request, action, traffic);
  }
  check_time(request, kind);
}

}  // namespace tinet::api
