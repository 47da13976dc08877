#include "src/supervisor/documents.h"

#include <algorithm>
#include <chrono>
#include <set>

#include <boost/json/value_from.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/supervisor/action_documents.h"

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

json::object packets_document(const PacketCounts& packets) {
  return {{"dropped", packets.dropped},     {"bytes_dropped", packets.bytes_dropped},
          {"rejected", packets.rejected},   {"passed", packets.passed},
          {"delayed", packets.delayed},     {"duplicated", packets.duplicated},
          {"corrupted", packets.corrupted}, {"held", packets.held}};
}

json::array link_pair(const ClusterPlan& plan, const Link& link) {
  return {endpoint_name(plan, link.from), endpoint_name(plan, link.to)};
}

/// What a fault does, under the names of its flags.
json::object params_of(const LinkAction& action) {
  json::object params = action_document(action);
  if (const auto* cut = params.if_contains("cut")) {
    json::value mode = *cut;
    params.erase("cut");
    params["mode"] = std::move(mode);
  }
  if (action.seed != 0) {
    params["seed"] = action.seed;
  }
  return params;
}

json::array clauses_document(const ClusterPlan& plan, const Fault& fault, bool same_action) {
  std::vector<json::array> links(fault.clauses.size());
  for (std::size_t i = 0; i < fault.links.size(); ++i) {
    links[fault.clause_of.at(i)].push_back(link_pair(plan, fault.links[i]));
  }
  json::array clauses;
  for (std::size_t i = 0; i < fault.clauses.size(); ++i) {
    json::object clause = same_action ? json::object{} : params_of(fault.clauses[i].action);
    clause["links"] = std::move(links[i]);
    clause["match"] = match_document(fault.clauses[i].match);
    clauses.push_back(std::move(clause));
  }
  return clauses;
}

json::object params_document(const ClusterPlan& plan, const Fault& fault) {
  json::object params;
  if (fault.clauses.empty()) {
    return params;
  }
  const LinkAction& action = fault.clauses.front().action;
  const bool same_action =
      std::all_of(fault.clauses.begin(), fault.clauses.end(),
                  [&](const FaultClause& clause) { return clause.action == action; });
  if (same_action) {
    params = params_of(action);
  }
  if (fault.clauses.size() > 1) {
    params["clauses"] = clauses_document(plan, fault, same_action);
  } else if (auto match = match_document(fault.clauses.front().match); !match.empty()) {
    params["match"] = std::move(match);
  }
  if (fault.flap) {
    params["flap"] = {{"down_ms", fault.flap->down / Milliseconds(1)},
                      {"up_ms", fault.flap->up / Milliseconds(1)},
                      {"times", fault.flap->times}};
  }
  if (!fault.flows.empty()) {
    params["flows"] = fault.flows.size();
  }
  return params;
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
    links.push_back(link_pair(plan, link));
  }
  document["links"] = std::move(links);
  document["params"] = params_document(plan, fault);
  document["mechanism"] = facts.mechanism;
  document["created_at_unix_ms"] = fault.created_at_unix_ms;
  if (fault.end) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*fault.end - now);
    document["expires_in_ms"] = left.count() > 0 ? left.count() : 0;
  } else {
    document["expires_in_ms"] = nullptr;
  }
  document["lasts_ms"] = nullptr;
  if (fault.end && facts.since) {
    document["lasts_ms"] =
        std::chrono::duration_cast<std::chrono::milliseconds>(*fault.end - *facts.since).count();
  }
  document["packets"] = packets_document(facts.packets);
  document["shared"] = facts.shared;
  document["atomic"] = facts.atomic;
  document["matched_nothing"] = facts.matched_nothing;
  document["summary"] = fault.summary;
  return document;
}

json::object link_document(const ClusterPlan& plan, const LinkState& link, bool seen) {
  json::object document;
  document["from"] = endpoint_name(plan, link.link.from);
  document["to"] = endpoint_name(plan, link.link.to);
  document["reachable"] = reachability(link.effect);
  document["effects"] = effect_document(link.effect);
  document["packets"] = packets_document(link.packets);
  document["faults"] = fault_ids(link.effect.faults());
  document["seen"] = seen;
  return document;
}

json::array links_document(const ClusterPlan& plan, const std::vector<LinkState>& links,
                           const std::function<bool(Link)>& sees, const std::vector<Drift>& drift) {
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
    json::object document = link_document(plan, state, sees(link));
    if (const auto texts = drift_of(drift, link); !texts.empty()) {
      document["drift"] = json::value_from(texts);
    }
    documents.push_back(std::move(document));
  }
  return documents;
}

std::vector<std::string> drift_of(const std::vector<Drift>& drift, Link link) {
  std::vector<std::string> texts;
  for (const Drift& one : drift) {
    if (!one.endpoint || *one.endpoint == link.from || *one.endpoint == link.to) {
      texts.push_back(one.what);
    }
  }
  return texts;
}

std::map<Endpoint, std::string> network_states(const ClusterPlan& plan,
                                               const std::vector<LinkState>& links,
                                               const std::vector<Drift>& drift) {
  const auto instances = static_cast<Endpoint>(plan.instances.size());
  std::map<Endpoint, std::set<Endpoint>> cut_peers;
  std::set<Endpoint> impaired;
  for (Endpoint endpoint = 0; endpoint < instances; ++endpoint) {
    if (!drift_of(drift, {endpoint, endpoint}).empty()) {
      impaired.insert(endpoint);
    }
  }
  for (const auto& state : links) {
    if (state.effect.empty() || state.link.from >= instances || state.link.to >= instances) {
      continue;
    }
    impaired.insert(state.link.from);
    impaired.insert(state.link.to);
    if (reachability(state.effect) == "no") {
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
