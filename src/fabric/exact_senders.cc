#include "src/fabric/exact_senders.h"

#include <iterator>

#include <sys/socket.h>

namespace tinet::fabric {

namespace {

Offloads both(const Offloads& a, const Offloads& b) {
  return {a.tx_checksum && b.tx_checksum, a.tso && b.tso, a.gso && b.gso};
}

}  // namespace

Offloads offloads_for(const Treatment& treatment) {
  Offloads wanted;
  wanted.tx_checksum = !treatment.checksums;
  // Without checksums in the device there is no segmentation in it either.
  wanted.tso = !treatment.exact && !treatment.checksums;
  wanted.gso = wanted.tso;
  return wanted;
}

bool ExactSenders::require(Endpoint endpoint, const Offloads& wanted) {
  if (wanted == Offloads{} || endpoints_.at(endpoint).is_host) {
    return false;
  }
  const auto known = changed_.find(endpoint);
  const Offloads now = known == changed_.end() ? Offloads{} : known->second.now;
  if (both(now, wanted) == now && (known == changed_.end() || !known->second.failed)) {
    return false;
  }
  set(endpoint, both(now, wanted));
  return true;
}

void ExactSenders::set(Endpoint endpoint, const Offloads& wanted) {
  const UniqueFd socket = wiring_.open_socket(endpoint, AF_INET, SOCK_DGRAM, 0);
  if (!changed_.contains(endpoint)) {
    const Offloads before = read_offloads(socket.get(), "eth0");
    changed_.emplace(endpoint, State{before, before, false});
  }
  State& state = changed_.at(endpoint);
  // Some may be switched when it fails: then neither is what is there.
  state.failed = true;
  static_cast<void>(set_offloads(socket.get(), "eth0", wanted, wiring_.gate()));
  state.now = wanted;
  state.failed = false;
}

void ExactSenders::follow(const Installed& installed, MonoTime now) {
  if (changed_.empty()) {
    return;
  }
  std::map<Endpoint, Offloads> needed;
  for (const auto& [link, record] : installed.links) {
    if (!record.deciding || !changed_.contains(link.from)) {
      continue;
    }
    const LinkPlan& plan = *record.deciding->plan;
    for (std::size_t i = 0; i < plan.treatments.size(); ++i) {
      if (const auto end = plan.schedule[i].end; end && *end + kExpirySlack <= now) {
        continue;
      }
      Offloads& all = needed[link.from];
      all = both(all, offloads_for(installed.treatments.at(plan.treatments[i]).treatment));
    }
  }
  for (auto at = changed_.begin(); at != changed_.end();) {
    const Offloads wanted = both(at->second.before, needed[at->first]);
    if (at->second.failed || at->second.now != wanted) {
      set(at->first, wanted);
    }
    at = wanted == at->second.before ? changed_.erase(at) : std::next(at);
  }
}

}  // namespace tinet::fabric
