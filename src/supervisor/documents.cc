#include "src/supervisor/documents.h"

#include <chrono>
#include <set>

#include <boost/json/value_from.hpp>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet {

namespace json = boost::json;

namespace {

constexpr std::string_view kClient = "client";
constexpr std::string_view kHost = "host";

json::array fault_ids(const std::vector<FaultId>& faults) {
  json::array ids;
  for (const auto id : faults) {
    ids.emplace_back(to_string(id));
  }
  return ids;
}

json::object packets_document(const PacketCounts& packets, bool passed_is_zero) {
  json::object document{{"dropped", packets.dropped}, {"bytes_dropped", packets.bytes_dropped}};
  // A cut decides every packet, so what passed is known without a counter.
  if (passed_is_zero) {
    document["passed"] = 0;
  }
  return document;
}

}  // namespace

std::string endpoint_name(const ClusterPlan& plan, Endpoint endpoint) {
  if (endpoint < plan.instances.size()) {
    return plan.instances[endpoint].name;
  }
  return std::string(endpoint == plan.instances.size() ? kClient : kHost);
}

Endpoint endpoint_named(const ClusterPlan& plan, std::string_view name) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < plan.instances.size(); ++i) {
    if (plan.instances[i].name == name) {
      return static_cast<Endpoint>(i);
    }
    names.push_back(plan.instances[i].name);
  }
  if (name == kClient) {
    return static_cast<Endpoint>(plan.instances.size());
  }
  names.emplace_back(kClient);
  if (plan.host_link) {
    if (name == kHost) {
      return static_cast<Endpoint>(plan.instances.size() + 1);
    }
    names.emplace_back(kHost);
  }
  const std::string meant = nearest(name, names);
  throw_usage("no instance '" + std::string(name) + "' in cluster '" + plan.tag +
                  "' (has: " + join(names, ", ") + ")",
              meant.empty() ? "" : "did you mean '" + meant + "'?");
}

json::object fault_document(const ClusterPlan& plan, const Fault& fault, const FaultFacts& facts,
                            MonoTime now) {
  json::object document;
  document["id"] = to_string(fault.id);
  document["kind"] = to_string(fault.kind);
  document["target"] = json::value_from(fault.target);
  document["peers"] = json::value_from(fault.peers);
  json::array links;
  for (const auto& link : fault.links) {
    links.push_back(json::array{endpoint_name(plan, link.from), endpoint_name(plan, link.to)});
  }
  document["links"] = std::move(links);
  json::object params;
  if (fault.action.cut) {
    params["mode"] = to_string(*fault.action.cut);
  }
  document["params"] = std::move(params);
  document["mechanism"] = facts.mechanism;
  document["created_at_unix_ms"] = fault.created_at_unix_ms;
  if (fault.end) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*fault.end - now);
    document["expires_in_ms"] = left.count() > 0 ? left.count() : 0;
  } else {
    document["expires_in_ms"] = nullptr;
  }
  document["packets"] = packets_document(facts.packets, fault.action.cut.has_value());
  document["shared"] = facts.shared;
  document["atomic"] = facts.atomic;
  document["summary"] = fault.summary;
  return document;
}

json::object effect_document(const Effect& effect) {
  json::object document;
  if (effect.cut) {
    document["cut"] = to_string(*effect.cut);
  }
  return document;
}

std::string_view reachability(const Effect& effect) {
  return effect.cut ? "no" : "yes";
}

json::object link_document(const ClusterPlan& plan, const LinkState& link) {
  json::object document;
  document["from"] = endpoint_name(plan, link.link.from);
  document["to"] = endpoint_name(plan, link.link.to);
  document["reachable"] = reachability(link.effect);
  document["effects"] = effect_document(link.effect);
  document["packets"] = packets_document(link.packets, false);
  document["faults"] = fault_ids(link.decided_by);
  return document;
}

json::array links_document(const ClusterPlan& plan, const std::vector<LinkState>& links) {
  std::map<Link, LinkState> states;
  if (plan.instances.size() <= kMatrixInstances) {
    const auto instances = static_cast<Endpoint>(plan.instances.size());
    for (Endpoint from = 0; from < instances; ++from) {
      for (Endpoint to = 0; to < instances; ++to) {
        if (from != to) {
          states[{from, to}].link = {from, to};
        }
      }
    }
  }
  for (const auto& state : links) {
    states[state.link] = state;
  }
  json::array documents;
  for (const auto& [link, state] : states) {
    documents.push_back(link_document(plan, state));
  }
  return documents;
}

std::map<Endpoint, std::string> network_states(const ClusterPlan& plan,
                                               const std::vector<LinkState>& links) {
  const auto instances = static_cast<Endpoint>(plan.instances.size());
  std::map<Endpoint, std::set<Endpoint>> cut_peers;
  std::set<Endpoint> impaired;
  for (const auto& state : links) {
    if (state.effect.empty() || state.link.from >= instances || state.link.to >= instances) {
      continue;
    }
    impaired.insert(state.link.from);
    impaired.insert(state.link.to);
    if (state.effect.cut) {
      cut_peers[state.link.from].insert(state.link.to);
      cut_peers[state.link.to].insert(state.link.from);
    }
  }
  std::map<Endpoint, std::string> states;
  for (Endpoint endpoint = 0; endpoint < instances; ++endpoint) {
    const auto peers = cut_peers.find(endpoint);
    const bool cut = instances > 1 && peers != cut_peers.end() &&
                     peers->second.size() == static_cast<std::size_t>(instances - 1);
    states[endpoint] = cut ? "cut" : impaired.count(endpoint) > 0 ? "impaired" : "ok";
  }
  return states;
}

}  // namespace tinet
