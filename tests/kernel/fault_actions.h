#pragma once
/// Faults of one link, for tests that see what packets suffer.

#include <utility>
#include <vector>

#include "src/model/fault.h"

namespace tinet::testing {

inline constexpr Link kLink{0, 1};

inline Fault acting(std::uint32_t id, const LinkAction& action, std::vector<Link> links = {kLink},
                    const Match& match = {}) {
  Fault fault;
  fault.id = {id};
  fault.links = std::move(links);
  fault.clauses = {{match, action}};
  return fault;
}

inline LinkAction losing(std::uint32_t ppm) {
  LinkAction action;
  action.loss = Ppm{ppm};
  return action;
}

inline LinkAction cutting(CutMode mode) {
  LinkAction action;
  action.cut = mode;
  return action;
}

inline LinkAction delaying(Nanoseconds delay, Nanoseconds jitter = {},
                           Distribution distribution = Distribution::Uniform) {
  LinkAction action;
  action.delay = Delay{delay, jitter, distribution, {}, {}};
  action.seed = 7;
  return action;
}

inline LinkAction holding() {
  LinkAction action;
  action.hold = true;
  return action;
}

inline Match to_port(std::uint16_t port, Protocol protocol = Protocol::Any) {
  Match match;
  match.protocol = protocol;
  match.to_ports = {port};
  return match;
}

}  // namespace tinet::testing
