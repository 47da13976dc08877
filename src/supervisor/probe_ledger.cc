#include "src/supervisor/probe_ledger.h"

#include <algorithm>
#include <array>

namespace tinet {

namespace {

constexpr std::array kKinds = {&PacketCounts::dropped,   &PacketCounts::bytes_dropped,
                               &PacketCounts::rejected,  &PacketCounts::passed,
                               &PacketCounts::delayed,   &PacketCounts::duplicated,
                               &PacketCounts::corrupted, &PacketCounts::held};

/// `whole` less `part`, never below nothing: counts are read at different moments.
PacketCounts minus(PacketCounts whole, const PacketCounts& part) {
  for (const auto kind : kKinds) {
    whole.*kind -= std::min(whole.*kind, part.*kind);
  }
  return whole;
}

PacketCounts at_most(PacketCounts counts, const PacketCounts& limit) {
  for (const auto kind : kKinds) {
    counts.*kind = std::min(counts.*kind, limit.*kind);
  }
  return counts;
}

bool may_mean_datagrams(const Match& match) {
  return match.protocol == Protocol::Any || match.protocol == Protocol::Udp;
}

bool may_mean_segments(const Match& match) {
  return match.protocol == Protocol::Any || match.protocol == Protocol::Tcp;
}

/// Of the probes over a link, those that clauses of this fault can mean.
PacketCounts met_by(FaultId fault, const Effect& effect, const LinkProbes& probes) {
  bool datagrams = false;
  bool segments = false;
  for (const EffectClause& clause : effect.clauses) {
    if (std::find(clause.faults.begin(), clause.faults.end(), fault) != clause.faults.end()) {
      const bool ports = !clause.match.to_ports.empty() || !clause.match.from_ports.empty();
      datagrams = datagrams || (may_mean_datagrams(clause.match) && !ports);
      segments = segments || may_mean_segments(clause.match);
    }
  }
  PacketCounts met;
  if (datagrams) {
    met += probes.datagrams;
  }
  if (segments) {
    met += probes.segments;
  }
  return met;
}

std::map<Link, LinkState> by_link(std::vector<LinkState> states) {
  std::map<Link, LinkState> links;
  for (LinkState& state : states) {
    links[state.link] = std::move(state);
  }
  return links;
}

}  // namespace

void add_probes(PacketCounts& counts, std::size_t sent, std::size_t arrived, std::size_t bytes) {
  const std::size_t lost = sent - std::min(sent, arrived);
  counts.dropped += lost;
  counts.bytes_dropped += lost * bytes;
  counts.rejected += lost;
  counts.passed += arrived;
  counts.delayed += sent;
}

ProbeLedger::Before ProbeLedger::open(Fabric& fabric, const std::vector<Fault>& faults,
                                      MonoTime now) {
  Before before;
  for (const Fault& fault : faults) {
    before.faults[fault.id] = fabric.packets(fault.id);
  }
  before.links = by_link(fabric.links(now));
  return before;
}

void ProbeLedger::close(Fabric& fabric, const Before& before, const SentProbes& sent,
                        MonoTime now) {
  const std::map<Link, LinkState> after = by_link(fabric.links(now));
  std::map<FaultId, PacketCounts> met;
  for (const auto& [link, probes] : sent) {
    const auto state = after.find(link);
    if (state == after.end()) {
      continue;
    }
    const auto was = before.links.find(link);
    PacketCounts all = probes.datagrams;
    all += probes.segments;
    const PacketCounts grown = was == before.links.end()
                                   ? state->second.packets
                                   : minus(state->second.packets, was->second.packets);
    links_[link] += at_most(all, grown);
    // What a link suffered when the probes met it; a fault may have ended since.
    const Effect& effect = was == before.links.end() ? state->second.effect : was->second.effect;
    for (const FaultId fault : effect.faults()) {
      met[fault] += met_by(fault, effect, probes);
    }
  }
  for (const auto& [fault, counts] : met) {
    if (const auto was = before.faults.find(fault); was != before.faults.end()) {
      faults_[fault] += at_most(counts, minus(fabric.packets(fault), was->second));
    }
  }
}

PacketCounts ProbeLedger::without_probes(FaultId fault, PacketCounts counts) const {
  const auto probes = faults_.find(fault);
  return probes == faults_.end() ? counts : minus(counts, probes->second);
}

PacketCounts ProbeLedger::without_probes(Link link, PacketCounts counts) const {
  const auto probes = links_.find(link);
  return probes == links_.end() ? counts : minus(counts, probes->second);
}

}  // namespace tinet
