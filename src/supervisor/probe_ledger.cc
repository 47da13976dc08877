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

/// Of what was counted, the most that can be probes.
/// @param corrupting how many clauses count broken packets, each by itself
PacketCounts taken_by(const ProbeFates& probes, const PacketCounts& counted,
                      std::uint64_t corrupting = 1) {
  PacketCounts taken;
  // A probe that did not arrive was rather dropped than passed.
  taken.dropped = std::min(counted.dropped, probes.lost);
  taken.bytes_dropped = counted.dropped <= probes.lost
                            ? counted.bytes_dropped
                            : std::min(counted.bytes_dropped, probes.bytes_lost);
  taken.rejected = std::min(counted.rejected, probes.lost - taken.dropped);
  taken.passed = std::min(counted.passed, probes.sent - taken.dropped - taken.rejected);
  taken.delayed = std::min(counted.delayed, probes.sent);
  // Of a broken one that arrived nobody knows whether it is a copy.
  taken.duplicated = std::min(
      counted.duplicated, std::min(probes.sent, probes.copies + probes.corrupted + probes.lost));
  taken.corrupted = std::min(counted.corrupted,
                             std::min(probes.sent, probes.corrupted + probes.lost) * corrupting);
  taken.held = std::min(counted.held, probes.lost);
  return taken;
}

bool may_mean_datagrams(const Match& match) {
  return (match.protocol == Protocol::Any || match.protocol == Protocol::Udp) &&
         match.connections == Connections::All && !match.has_ports();
}

/// Connections of probes are not open yet when a fault begins.
bool may_mean_segments(const Match& match) {
  return (match.protocol == Protocol::Any || match.protocol == Protocol::Tcp) &&
         match.connections != Connections::Established;
}

bool refuses(const EffectClause& clause) {
  return clause.action.cut && *clause.action.cut != CutMode::Drop;
}

/// Refusals let answers of refusals pass and do not count them.
bool may_mean_errors(const EffectClause& clause) {
  const Match& match = clause.match;
  return (match.protocol == Protocol::Any || match.protocol == Protocol::Icmp) &&
         match.connections == Connections::All && !match.has_ports() && !refuses(clause);
}

/// Everything of ours that went over a link.
struct MetProbes {
  LinkProbes sent{};
  ProbeFates errors{};  ///< of ICMP, which answer refused datagrams of the other way
};

/// Of the probes over a link, those that clauses of this fault can mean.
ProbeFates met_by(FaultId fault, const Effect& effect, const MetProbes& probes) {
  bool datagrams = false;
  bool segments = false;
  bool errors = false;
  for (const EffectClause& clause : effect.clauses) {
    if (std::find(clause.faults.begin(), clause.faults.end(), fault) != clause.faults.end()) {
      datagrams = datagrams || may_mean_datagrams(clause.match);
      segments = segments || may_mean_segments(clause.match);
      errors = errors || may_mean_errors(clause);
    }
  }
  ProbeFates met;
  if (datagrams) {
    met += probes.sent.datagrams;
  }
  if (segments) {
    met += probes.sent.segments;
  }
  if (errors) {
    met += probes.errors;
  }
  return met;
}

/// All that a link can have counted, whichever of its clauses did.
PacketCounts taken_by_link(const MetProbes& probes, const Effect& effect,
                           const PacketCounts& counted) {
  ProbeFates all = probes.sent.datagrams;
  all += probes.sent.segments;
  all += probes.errors;
  const auto corrupting =
      std::count_if(effect.clauses.begin(), effect.clauses.end(),
                    [](const EffectClause& clause) { return clause.action.corrupt.value > 0; });
  return taken_by(all, counted, static_cast<std::uint64_t>(corrupting));
}

/// As many errors as datagrams may have been refused, each with the headers and all of a probe.
ProbeFates errors_for(const ProbeFates& datagrams, const Effect& effect) {
  constexpr std::uint64_t kHeaders = 48;
  ProbeFates errors;
  if (std::any_of(effect.clauses.begin(), effect.clauses.end(), refuses)) {
    errors.sent = errors.lost = datagrams.lost;
    errors.bytes_lost = datagrams.bytes_lost + datagrams.lost * kHeaders;
  }
  return errors;
}

std::map<Link, LinkState> by_link(std::vector<LinkState> states) {
  std::map<Link, LinkState> links;
  for (LinkState& state : states) {
    links[state.link] = std::move(state);
  }
  return links;
}

}  // namespace

ProbeFates& ProbeFates::operator+=(const ProbeFates& more) {
  sent += more.sent;
  lost += more.lost;
  bytes_lost += more.bytes_lost;
  copies += more.copies;
  corrupted += more.corrupted;
  return *this;
}

void add_probes(ProbeFates& fates, std::size_t sent, std::size_t arrived, std::size_t bytes) {
  const std::size_t lost = sent - std::min(sent, arrived);
  fates.sent += sent;
  fates.lost += lost;
  fates.bytes_lost += lost * bytes;
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
  // What a link suffered when the probes met it; a fault may have ended since.
  const auto effect_on = [&](Link link) {
    if (const auto was = before.links.find(link); was != before.links.end()) {
      return was->second.effect;
    }
    const auto is = after.find(link);
    return is == after.end() ? Effect{} : is->second.effect;
  };
  std::map<Link, MetProbes> all;
  for (const auto& [link, probes] : sent) {
    all[link].sent = probes;
    all[{link.to, link.from}].errors += errors_for(probes.datagrams, effect_on(link));
  }
  std::map<FaultId, ProbeFates> met;
  for (const auto& [link, probes] : all) {
    const auto state = after.find(link);
    if (state == after.end()) {
      continue;
    }
    const auto was = before.links.find(link);
    const PacketCounts grown = was == before.links.end()
                                   ? state->second.packets
                                   : minus(state->second.packets, was->second.packets);
    const Effect effect = effect_on(link);
    links_[link] += taken_by_link(probes, effect, grown);
    for (const FaultId fault : effect.faults()) {
      met[fault] += met_by(fault, effect, probes);
    }
  }
  for (const auto& [fault, probes] : met) {
    if (const auto was = before.faults.find(fault); was != before.faults.end()) {
      faults_[fault] += taken_by(probes, minus(fabric.packets(fault), was->second));
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
