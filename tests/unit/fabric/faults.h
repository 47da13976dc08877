#pragma once
/// Faults and schedules for tests of the pure part of the fabric.

#include <optional>
#include <vector>

#include "src/fabric/effects.h"

namespace tinet::fabric {

inline Fault acting(std::uint32_t id, LinkAction action, std::vector<Link> links,
                    std::optional<MonoTime> end = std::nullopt, Match match = {}) {
  Fault fault;
  fault.id = {id};
  fault.links = std::move(links);
  fault.clauses = {{std::move(match), std::move(action)}};
  fault.end = end;
  return fault;
}

inline LinkAction cutting(CutMode mode = CutMode::Drop) {
  LinkAction action;
  action.cut = mode;
  return action;
}

inline LinkAction losing(std::uint32_t ppm) {
  LinkAction action;
  action.loss = Ppm{ppm};
  return action;
}

inline LinkAction delaying(Nanoseconds delay) {
  LinkAction action;
  action.delay = Delay{delay, {}, Distribution::Uniform, {}, {}};
  return action;
}

inline LinkAction limiting(std::uint64_t bits_per_second) {
  LinkAction action;
  action.rate = Rate{bits_per_second, 0, 0};
  return action;
}

/// TCP to this port.
inline Match to_port(std::uint16_t port) {
  Match match;
  match.protocol = Protocol::Tcp;
  match.to_ports = {port};
  return match;
}

inline Fault cut(std::uint32_t id, std::vector<Link> links,
                 std::optional<MonoTime> end = std::nullopt, CutMode mode = CutMode::Drop) {
  return acting(id, cutting(mode), std::move(links), end);
}

/// Of faults that all act on one link.
inline Effect composed(const std::vector<Fault>& faults) {
  std::vector<Acting> all;
  for (const Fault& fault : faults) {
    all.push_back({&fault, &fault.clause(0)});
  }
  return compose(all);
}

}  // namespace tinet::fabric
