#include "src/fabric/fabric.h"

#include <algorithm>

namespace tinet {

namespace {

/// A packet to a port is none of a protocol without ports.
bool has_no_such_port(const Match& match, const PacketWords& packet) {
  return packet.to_port && match.protocol == Protocol::Icmp;
}

/// Whether packets that a clause means can be among those that were asked about.
bool can_mean(const Match& match, const PacketWords& packet) {
  if (has_no_such_port(match, packet)) {
    return false;
  }
  const bool any_port = !match.has_ports();
  const bool port =
      any_port || !packet.to_port ||
      std::binary_search(match.to_ports.begin(), match.to_ports.end(), *packet.to_port);
  const bool protocol = match.protocol == Protocol::Any || packet.protocol == Protocol::Any ||
                        match.protocol == packet.protocol;
  return port && protocol;
}

}  // namespace

Effect seen_by(const Effect& effect, const PacketWords& packet) {
  Effect seen;
  for (const EffectClause& clause : effect.clauses) {
    if (can_mean(clause.match, packet)) {
      seen.clauses.push_back(clause);
    }
  }
  return seen;
}

Effect narrowed(const Effect& effect, const PacketWords& packet) {
  Effect narrow;
  for (EffectClause clause : effect.clauses) {
    Match& match = clause.match;
    if (has_no_such_port(match, packet)) {
      continue;
    }
    if (packet.protocol != Protocol::Any) {
      if (match.protocol != Protocol::Any && match.protocol != packet.protocol) {
        continue;
      }
      match.protocol = Protocol::Any;
    }
    if (packet.to_port && !match.to_ports.empty() &&
        std::binary_search(match.to_ports.begin(), match.to_ports.end(), *packet.to_port)) {
      match.to_ports.clear();
      match.from_ports.clear();
    } else if (packet.to_port && !match.to_ports.empty()) {
      // Another destination; only where the packet comes from can still fit.
      match.to_ports.clear();
      if (match.from_ports.empty()) {
        continue;
      }
    }
    narrow.clauses.push_back(std::move(clause));
  }
  return narrow;
}

Effect deciding(Effect effect) {
  if (const auto cut = effect.cut()) {
    std::erase_if(effect.clauses, [&](const EffectClause& clause) {
      return !clause.match.everything() || clause.action.cut != cut;
    });
  }
  return effect;
}

std::vector<LinkState> in_order(std::map<Link, LinkState> states) {
  std::vector<LinkState> list;
  list.reserve(states.size());
  for (auto& [link, state] : states) {
    state.link = link;
    list.push_back(std::move(state));
  }
  return list;
}

PacketCounts& PacketCounts::operator+=(const PacketCounts& more) {
  dropped += more.dropped;
  bytes_dropped += more.bytes_dropped;
  rejected += more.rejected;
  passed += more.passed;
  delayed += more.delayed;
  duplicated += more.duplicated;
  corrupted += more.corrupted;
  held += more.held;
  return *this;
}

}  // namespace tinet
