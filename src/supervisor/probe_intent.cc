#include "src/supervisor/probe_intent.h"

#include <algorithm>
#include <map>

namespace tinet {

namespace {

constexpr Ppm kWhole{1'000'000};
/// With twenty tries a loss of a half hides a link once in a million times.
constexpr Ppm kHalf{500'000};
/// Below this, the cluster's own packets in the queue may hold a probe up for the whole budget.
constexpr std::uint64_t kRateForProbes = 1'000'000;
/// Ports that the kernel gives to probes, and that a fault may name as well.
constexpr std::uint16_t kEphemeral = 32'768;

bool has_ports(const Match& match) {
  return !match.to_ports.empty() || !match.from_ports.empty();
}

bool may_mean_probes(const std::vector<std::uint16_t>& ports) {
  return std::any_of(ports.begin(), ports.end(),
                     [](std::uint16_t port) { return port >= kEphemeral; });
}

bool means_datagrams(const Match& match) {
  return (match.protocol == Protocol::Any || match.protocol == Protocol::Udp) &&
         match.connections == Connections::All;
}

}  // namespace

Expected expected_datagrams(const Effect& effect, std::chrono::milliseconds budget) {
  LinkAction sum;
  for (const auto& clause : effect.clauses) {
    if (!means_datagrams(clause.match)) {
      continue;
    }
    if (has_ports(clause.match)) {
      if (may_mean_probes(clause.match.to_ports) || may_mean_probes(clause.match.from_ports)) {
        return Expected::Unsure;
      }
      continue;
    }
    if (clause.match.remembers()) {
      return Expected::Unsure;
    }
    combine(sum, clause.action);
  }
  if (sum.cut || sum.hold || sum.loss >= kWhole) {
    return Expected::Stay;
  }
  const bool late =
      sum.delay && sum.delay->delay + 4 * sum.delay->jitter > std::chrono::nanoseconds(budget) / 2;
  const bool slow = sum.rate && sum.rate->bits_per_second < kRateForProbes;
  const bool rare = sum.loss > kHalf || sum.corrupt > kHalf || !sum.bursts.empty();
  return late || slow || rare ? Expected::Unsure : Expected::Arrive;
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
      const bool tcp = match.protocol == Protocol::Any || match.protocol == Protocol::Tcp;
      if (!clause.action.cut || !tcp || match.remembers()) {
        continue;
      }
      for (const auto port : match.to_ports) {
        add(state.link.from, state.link.to, port, *clause.action.cut);
      }
      for (const auto port : match.from_ports) {
        if (match.connections != Connections::New) {
          add(state.link.to, state.link.from, port, *clause.action.cut);
        }
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
  std::vector<PreventedConnection> connections = prevented_connections(links);
  const auto add = [&](Endpoint from, Endpoint to, CutMode mode) {
    if (to >= plan.instances.size()) {
      return;
    }
    for (const ServicePort& service : plan.instances[to].services) {
      connections.push_back({from, to, service.port, mode});
    }
  };
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

}  // namespace tinet
