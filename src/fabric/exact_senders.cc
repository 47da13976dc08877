#include "src/fabric/exact_senders.h"

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
  if (both(now, wanted) == now) {
    return false;
  }
  set(endpoint, both(now, wanted));
  return true;
}

void ExactSenders::set(Endpoint endpoint, const Offloads& wanted) {
  const UniqueFd socket = wiring_.open_socket(endpoint, AF_INET, SOCK_DGRAM, 0);
  const Offloads before = set_offloads(socket.get(), "eth0", wanted);
  const auto [known, is_new] = changed_.try_emplace(endpoint, State{before, wanted});
  if (!is_new) {
    known->second.now = wanted;
  }
}

void ExactSenders::follow(const Installed& installed) {
  if (changed_.empty()) {
    return;
  }
  std::map<Endpoint, Offloads> needed;
  for (const auto& [link, record] : installed.links) {
    if (!record.deciding || !changed_.contains(link.from)) {
      continue;
    }
    for (const TreatmentId id : record.deciding->plan->treatments) {
      Offloads& all = needed[link.from];
      all = both(all, offloads_for(installed.treatments.at(id).treatment));
    }
  }
  for (auto at = changed_.begin(); at != changed_.end();) {
    const auto wanted = needed.find(at->first);
    if (wanted == needed.end() || wanted->second == Offloads{}) {
      set(at->first, at->second.before);
      at = changed_.erase(at);
    } else {
      ++at;
    }
  }
}

}  // namespace tinet::fabric
