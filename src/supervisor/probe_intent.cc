#include "src/supervisor/probe_intent.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace tinet {

namespace {

/// How seldom a right link may look wrong by chance.
constexpr double kWrongVerdict = 1e-9;
/// Below this, the cluster's own packets in the queue may hold a probe up for the whole budget.
constexpr std::uint64_t kRateForProbes = 1'000'000;
/// Ports that the kernel gives to probes, and that a fault may name as well.
constexpr std::uint16_t kEphemeral = 32'768;
/// Datagrams that show a delay that varies.
constexpr std::size_t kTriesForJitter = 15;
constexpr std::size_t kTriesForDelay = 3;
/// With a jitter of no more than one part in so many of the delay, of fifteen datagrams eight are
/// faster than half of it less than once in 1e9 times, whatever the distribution.
constexpr int kJitterShare = 4;
/// What a mechanism may be early by.
constexpr std::chrono::microseconds kEarly{100};

bool may_mean_probes(const std::vector<std::uint16_t>& ports) {
  return std::any_of(ports.begin(), ports.end(),
                     [](std::uint16_t port) { return port >= kEphemeral; });
}

bool means_datagrams(const Match& match) {
  return (match.protocol == Protocol::Any || match.protocol == Protocol::Udp) &&
         match.connections == Connections::All;
}

bool means_connections(const Match& match) {
  return (match.protocol == Protocol::Any || match.protocol == Protocol::Tcp) &&
         match.connections != Connections::Established;
}

bool belongs_to(const EffectClause& clause, FaultId fault) {
  return std::find(clause.faults.begin(), clause.faults.end(), fault) != clause.faults.end();
}

/// How packets are kept away, if all that are meant are.
std::optional<CutMode> cut_of(const LinkAction& action) {
  if (action.cut) {
    return action.cut;
  }
  return action.hold || action.loss >= kAlways ? std::optional(CutMode::Drop) : std::nullopt;
}

Expected unsure(std::string reason) {
  Expected expected;
  expected.fate = Expected::Fate::Unsure;
  expected.reason = std::move(reason);
  return expected;
}

/// Why nothing shows what a clause does that does not mean datagrams; empty when connections do.
std::string why_unseen(const EffectClause& clause) {
  const Match& match = clause.match;
  if (match.protocol == Protocol::Icmp) {
    return "probes are no ICMP packets";
  }
  if (match.protocol == Protocol::Udp) {
    return "nobody can be asked by UDP at these ports";
  }
  if (match.connections == Connections::Established) {
    return "only connections that are open are meant";
  }
  if (match.remembers()) {
    return std::string(kWouldUseUp);
  }
  if (clause.action.lost_replies.value > 0) {
    return "only replies of some connections are lost";
  }
  return cut_of(clause.action) ? "" : "only a cut of some packets can be probed";
}

/// Whether the clause counts datagrams of ours.
bool counts_datagrams(const EffectClause& clause) {
  const Match& match = clause.match;
  return match.remembers() && means_datagrams(match) &&
         (!match.has_ports() || may_mean_probes(match.to_ports) ||
          may_mean_probes(match.from_ports));
}

/// Whether the clause counts ICMP errors, which have no ports.
bool counts_errors(const EffectClause& clause) {
  const Match& match = clause.match;
  return match.remembers() && match.connections == Connections::All && !match.has_ports() &&
         (match.protocol == Protocol::Any || match.protocol == Protocol::Icmp);
}

/// Whether the clause counts segments to a port, or of the way back from it.
/// @param port 0: one that the kernel gives
bool counts_segments(const EffectClause& clause, std::uint16_t port, bool back) {
  const Match& match = clause.match;
  // Connections of ours are open only after the fault; only the way there has requests.
  const bool open = match.connections == Connections::Established ||
                    (back && match.connections == Connections::New);
  if (!match.remembers() || open ||
      (match.protocol != Protocol::Any && match.protocol != Protocol::Tcp)) {
    return false;
  }
  const auto& ports = back ? match.from_ports : match.to_ports;
  return !match.has_ports() || std::binary_search(ports.begin(), ports.end(), port) ||
         may_mean_probes(match.to_ports) || may_mean_probes(match.from_ports);
}

/// Whether refusals of datagrams are among what is done to them.
bool refuses(const Effect& effect) {
  return std::any_of(effect.clauses.begin(), effect.clauses.end(), [](const EffectClause& clause) {
    return clause.action.cut && *clause.action.cut != CutMode::Drop &&
           means_datagrams(clause.match);
  });
}

bool any_clause(const Effect& effect, bool (*does)(const EffectClause& clause)) {
  return std::any_of(effect.clauses.begin(), effect.clauses.end(), does);
}

/// Tries after which something of this chance has happened, but for kWrongVerdict.
double tries_for(Ppm chance) {
  if (chance.value == 0 || chance >= kAlways) {
    return 1;
  }
  return std::ceil(std::log(kWrongVerdict) / std::log1p(-static_cast<double>(chance.value) / 1e6));
}

Ppm rest_of(Ppm chance) {
  return Ppm{kAlways.value - std::min(chance.value, kAlways.value)};
}

/// What chance does must be seen, and that it does not do it always.
double tries_for_all(const LinkAction& sum) {
  const double arrives = tries_for(rest_of(sum.loss));
  double tries = std::max(tries_for(sum.loss), arrives);
  for (const Ppm chance : {sum.corrupt, sum.duplicate}) {
    if (chance.value > 0) {
      const double share = static_cast<double>(rest_of(sum.loss).value) / 1e6;
      const auto seen = static_cast<std::uint32_t>(static_cast<double>(chance.value) * share);
      tries = std::max(tries, tries_for(Ppm{std::max(seen, 1U)}));
    }
  }
  return tries;
}

/// Of packets that are not kept away.
Expected expected_arrivals(const LinkAction& sum, bool must_show, const ProbeLimits& limits) {
  if (sum.delay) {
    const auto slowest = sum.delay->delay + 4 * sum.delay->jitter;
    if (slowest > std::chrono::nanoseconds(limits.budget) / 2) {
      return unsure("the delay is longer than probes wait (see --verify DUR)");
    }
    if (must_show && sum.delay->jitter > sum.delay->delay / kJitterShare) {
      return unsure("the jitter hides the delay");
    }
  }
  if (sum.rate && (must_show || sum.rate->bits_per_second < kRateForProbes)) {
    return unsure("a rate shows under load only");
  }
  if (!sum.bursts.empty()) {
    return unsure("losses in bursts come by chance");
  }
  if (sum.reorder.value > 0) {
    return unsure("which packets overtake others is a matter of chance");
  }
  const double tries = tries_for_all(sum);
  if (tries > static_cast<double>(limits.tries)) {
    return unsure("chance decides, and " + std::to_string(limits.tries) +
                  " probes of each pair are too few to see it");
  }
  Expected expected;
  expected.tries = static_cast<std::size_t>(tries);
  if (must_show) {
    expected.lost = sum.loss;
    expected.corrupted = sum.corrupt;
    expected.duplicated = sum.duplicate;
  }
  if (sum.delay && sum.delay->jitter <= sum.delay->delay / kJitterShare) {
    expected.jitter = sum.delay->jitter;
    expected.delay = sum.delay->delay;
    expected.tries = std::max(
        expected.tries,
        std::min(limits.tries, sum.delay->jitter.count() > 0 ? kTriesForJitter : kTriesForDelay));
  }
  return expected;
}

}  // namespace

Expected expected_datagrams(const Effect& effect, FaultId fault, const ProbeLimits& limits) {
  LinkAction sum;
  bool must_show = false;
  std::string unseen;
  for (const auto& clause : effect.clauses) {
    const Match& match = clause.match;
    const bool own = belongs_to(clause, fault);
    if (means_datagrams(match) && !match.has_ports()) {
      if (match.remembers()) {
        return unsure(std::string(kWouldUseUp));
      }
      must_show = must_show || own;
      combine(sum, clause.action);
    } else if (means_datagrams(match) &&
               (may_mean_probes(match.to_ports) || may_mean_probes(match.from_ports))) {
      return unsure("the fault means ports that probes may have");
    } else if (own && unseen.empty()) {
      unseen = why_unseen(clause);
    }
  }
  if (cut_of(sum)) {
    Expected expected;
    expected.fate = Expected::Fate::Stay;
    return expected;
  }
  if (!unseen.empty()) {
    return unsure(unseen);
  }
  if (must_show && sum.lost_replies.value > 0) {
    return unsure("only replies of some connections are lost");
  }
  return expected_arrivals(sum, must_show, limits);
}

bool counts_refusals(const Effect& there, const Effect& back) {
  return refuses(there) && any_clause(back, counts_errors);
}

bool counts_round_trip(const Effect& there, const Effect& back) {
  return any_clause(there, counts_datagrams) || any_clause(back, counts_datagrams) ||
         counts_refusals(there, back) || counts_refusals(back, there);
}

bool as_intended(const Expected& expected, const Sighted& sighted) {
  if (expected.fate == Expected::Fate::Stay) {
    return sighted.arrived() == 0;
  }
  if (sighted.arrived() == 0 || (expected.lost.value > 0 && sighted.arrived() >= sighted.sent) ||
      (expected.corrupted.value > 0 && sighted.corrupted == 0) ||
      (expected.corrupted >= kAlways && sighted.intact > 0)) {
    return false;
  }
  // Where all are broken, nobody can tell which of them came twice.
  const bool twice = sighted.copies > 0 || sighted.arrived() > sighted.sent;
  if (expected.duplicated.value > 0 && !twice) {
    return false;
  }
  if (expected.delay.count() == 0 || sighted.taken.empty()) {
    return true;
  }
  std::vector<std::chrono::nanoseconds> taken = sighted.taken;
  std::sort(taken.begin(), taken.end());
  return expected.jitter.count() > 0 ? taken[taken.size() / 2] >= expected.delay / 2
                                     : taken.front() + kEarly >= expected.delay;
}

std::vector<PreventedConnection> prevented_connections(const std::vector<LinkState>& links) {
  // One refusing cut, there or back, is enough for a refusal to be as intended.
  std::map<PreventedConnection, CutMode> found;
  const auto add = [&](Endpoint from, Endpoint to, std::uint16_t port, CutMode mode) {
    const auto [at, added] = found.try_emplace({from, to, port, CutMode::Drop}, mode);
    at->second = std::min(at->second, mode);
  };
  for (const auto& state : links) {
    if (state.effect.cut()) {
      continue;
    }
    for (const auto& clause : state.effect.clauses) {
      const Match& match = clause.match;
      const auto cut = cut_of(clause.action);
      if (!cut || !means_connections(match) || match.remembers()) {
        continue;
      }
      for (const auto port : match.to_ports) {
        add(state.link.from, state.link.to, port, *cut);
      }
      for (const auto port : match.from_ports) {
        if (match.connections != Connections::New) {
          add(state.link.to, state.link.from, port, *cut);
        }
      }
      if (!match.has_ports() && !means_datagrams(match)) {
        add(state.link.from, state.link.to, 0, *cut);
      }
    }
  }
  std::vector<PreventedConnection> connections;
  connections.reserve(found.size());
  for (const auto& [connection, mode] : found) {
    connections.push_back({connection.from, connection.to, connection.port, mode});
  }
  return connections;
}

std::vector<PreventedConnection> stopped_connections(const ClusterPlan& plan,
                                                     const std::vector<LinkState>& links,
                                                     std::size_t& skipped) {
  std::vector<PreventedConnection> connections;
  const auto add = [&](Endpoint from, Endpoint to, CutMode mode) {
    if (to >= plan.instances.size()) {
      return;
    }
    for (const ServicePort& service : plan.instances[to].services) {
      connections.push_back({from, to, service.port, mode});
    }
  };
  for (const PreventedConnection& one : prevented_connections(links)) {
    if (one.port != 0) {
      connections.push_back(one);
    } else {
      add(one.from, one.to, one.mode);
    }
  }
  for (const LinkState& state : links) {
    const LinkAction sum = combined(state.effect);
    if (sum.cut || sum.hold) {
      const CutMode mode = sum.hold ? CutMode::Drop : *sum.cut;
      add(state.link.from, state.link.to, mode);
      add(state.link.to, state.link.from, mode);
    } else if (prevented_connections({state}).empty()) {
      ++skipped;
    }
  }
  std::sort(connections.begin(), connections.end());
  // A refusal is as intended wherever one of the two links asks for it.
  const auto same = [](const PreventedConnection& a, const PreventedConnection& b) {
    return a.from == b.from && a.to == b.to && a.port == b.port;
  };
  connections.erase(std::unique(connections.begin(), connections.end(), same), connections.end());
  return connections;
}

std::size_t leave_counted(std::vector<PreventedConnection>& connections,
                          const std::map<Link, Effect>& effects) {
  const auto counted = [&](Link link, std::uint16_t port, bool back) {
    const auto effect = effects.find(link);
    return effect != effects.end() &&
           std::any_of(
               effect->second.clauses.begin(), effect->second.clauses.end(),
               [&](const EffectClause& clause) { return counts_segments(clause, port, back); });
  };
  return std::erase_if(connections, [&](const PreventedConnection& one) {
    return counted({one.from, one.to}, one.port, false) ||
           counted({one.to, one.from}, one.port, true);
  });
}

}  // namespace tinet
