#include "src/supervisor/fault_reports.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include <boost/json/value_from.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/supervisor/action_documents.h"

namespace tinet {

namespace json = boost::json;

namespace {

MonoTime now() {
  return std::chrono::steady_clock::now();
}

/// @param a,b sorted
bool meet(const std::vector<Link>& a, const std::vector<Link>& b) {
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (*i == *j) {
      return true;
    }
    *i < *j ? ++i : ++j;
  }
  return false;
}

std::uint16_t port_of(const ClusterPlan& plan, Endpoint receiver, const std::string& word) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), port);
  if (error == std::errc{} && end == word.data() + word.size() && port > 0) {
    return port;
  }
  if (receiver < plan.instances.size()) {
    if (const auto known = plan.instances[receiver].port_of(word)) {
      return *known;
    }
  }
  throw_usage(
      "'" + word + "' is neither a port nor a service of '" + endpoint_name(plan, receiver) + "'",
      "ports are 1 to 65535");
}

/// What becomes of the packets, as a verb.
std::string fate(const Effect& effect) {
  const LinkAction sum = combined(effect);
  const auto reachable = reachability(effect);
  if (reachable == "partial") {
    return "arrive only in part, because of ";
  }
  if (reachable == "yes") {
    return "arrive, but changed by ";
  }
  if (sum.cut == CutMode::Reject) {
    return "are refused by ";
  }
  if (sum.cut == CutMode::Reset) {
    return "are answered with a reset by ";
  }
  return !sum.cut && sum.hold ? "are held by " : "are dropped by ";
}

/// The clauses of the way back that can mean an answer: it comes from the port that was asked, and
/// never opens a connection.
Effect answering(const Effect& back, const PacketWords& packet) {
  Effect answers;
  for (EffectClause clause : back.clauses) {
    Match& match = clause.match;
    const bool protocol = match.protocol == Protocol::Any || packet.protocol == Protocol::Any ||
                          match.protocol == packet.protocol;
    const bool no_port = packet.to_port && match.protocol == Protocol::Icmp;
    if (!protocol || no_port || match.connections == Connections::New) {
      continue;
    }
    if (packet.to_port && match.has_ports()) {
      if (!std::binary_search(match.from_ports.begin(), match.from_ports.end(), *packet.to_port)) {
        continue;
      }
      match.to_ports.clear();
      match.from_ports.clear();
    }
    answers.clauses.push_back(std::move(clause));
  }
  return answers;
}

/// What was asked about, "tcp packets from a to b:80".
std::string packets_of(const WhyWords& words, const PacketWords& packet) {
  std::string text = "packets from " + words.from + " to " + words.to;
  text += packet.to_port ? ":" + std::to_string(*packet.to_port) : "";
  return packet.protocol == Protocol::Any ? text
                                          : std::string(to_string(packet.protocol)) + " " + text;
}

/// And their answers.
std::string answers_of(const WhyWords& words, const PacketWords& packet) {
  return "answers from " + words.to +
         (packet.to_port ? ":" + std::to_string(*packet.to_port) : "") + " to " + words.from;
}

}  // namespace

FaultFacts FaultReports::facts(const Fault& fault, bool atomic) const {
  FaultFacts facts;
  facts.atomic = atomic;
  if (fault.links.empty()) {
    facts.mechanism = kProcessMechanism;
    return facts;
  }
  facts.mechanism = fabric_.mechanism(fault);
  facts.packets = packets(fault.id);
  facts.matched_nothing = watch_.matched_nothing(fault, facts.packets);
  const auto& active = book_.entries();
  facts.shared = std::any_of(active.begin(), active.end(), [&](const auto& entry) {
    return entry.first != fault.id && meet(entry.second.fault.links, fault.links);
  });
  return facts;
}

json::object FaultReports::document(const Fault& fault) const {
  const auto* entry = book_.find_entry(fault.id);
  FaultFacts known = facts(fault, entry == nullptr || entry->atomic);
  if (entry != nullptr) {
    known.since = entry->since;
  }
  return fault_document(plan_, fault, known, now());
}

json::object FaultReports::ended_document(const FaultBook::Ended& ended) const {
  FaultFacts known = facts(ended.fault, ended.atomic);
  known.since = ended.since;
  json::object document = fault_document(plan_, ended.fault, known, ended.until);
  document["ended"] = ended.ending == FaultBook::Ending::Healed ? "healed" : "expired";
  document["ended_at_unix_ms"] = ended.ended_at_unix_ms;
  return document;
}

json::array FaultReports::documents(bool all) const {
  json::array documents;
  for (const auto& [id, entry] : book_.entries()) {
    documents.push_back(document(entry.fault));
  }
  if (all) {
    for (const auto& ended : book_.ended()) {
      documents.push_back(ended_document(ended));
    }
  }
  return documents;
}

json::array FaultReports::links() const {
  std::vector<LinkState> states = fabric_.links(now());
  for (LinkState& state : states) {
    state.packets = ledger_.without_probes(state.link, state.packets);
  }
  return links_document(
      plan_, states, [this](Link link) { return fabric_.sees(link); }, watch_.open_drift());
}

json::array FaultReports::drift() const {
  json::array texts;
  for (const Drift& drift : watch_.open_drift()) {
    texts.emplace_back(drift.what);
  }
  return texts;
}

std::map<Endpoint, std::string> FaultReports::network() const {
  return network_states(plan_, fabric_.links(now()), watch_.open_drift());
}

std::string FaultReports::reasons(const std::vector<FaultId>& faults) const {
  std::vector<std::string> texts;
  for (const auto id : faults) {
    const Fault* fault = book_.find(id);
    texts.push_back(to_string(id) + (fault == nullptr || fault->summary.empty()
                                         ? ""
                                         : " (" + fault->summary + ")"));
  }
  return join(texts, ", ");
}

/// What becomes of answers, where that is not what becomes of the packets themselves.
std::string FaultReports::way_back(const Effect& there, const Effect& back) const {
  const bool told = there.faults() == back.faults() && reachability(there) == reachability(back);
  if (reachability(there) == "no" || reachability(back) == "yes" || told) {
    return "";
  }
  return " " + fate(back) + reasons(back.faults());
}

json::object FaultReports::why(const WhyWords& words) const {
  const Link link{endpoint_named(plan_, words.from), endpoint_named(plan_, words.to)};
  if (link.from == link.to) {
    throw_usage("'" + words.from + "' to itself is no link");
  }
  PacketWords packet;
  if (!words.protocol.empty()) {
    packet.protocol = parse_protocol(words.protocol);
  }
  if (!words.port.empty()) {
    packet.to_port = port_of(plan_, link.to, words.port);
    if (packet.protocol == Protocol::Icmp) {
      throw_usage("icmp has no ports", "leave out the port or the protocol");
    }
  }
  const Effect back = answering(
      fabric_.why({link.to, link.from}, PacketWords{packet.protocol, {}}, now()).effect, packet);
  const LinkExplanation explanation = fabric_.why(link, packet, now());
  const Effect effect = deciding(narrowed(explanation.effect, packet));

  json::object document{{"from", words.from}, {"to", words.to}};
  if (packet.to_port) {
    document["port"] = *packet.to_port;
  }
  if (packet.protocol != Protocol::Any) {
    document["protocol"] = to_string(packet.protocol);
  }
  const std::string whose = packets_of(words, packet);
  const std::vector<FaultId> faults = effect.faults();
  json::array ids;
  for (const auto id : faults) {
    ids.emplace_back(to_string(id));
  }
  document["reachable"] = reachability(effect);
  document["effects"] = effect_document(effect);
  document["faults"] = std::move(ids);
  document["mechanism"] = explanation.mechanism;
  document["rule"] = join(explanation.rules, "; ");
  document["rules"] = json::value_from(explanation.rules);
  std::vector<std::string> notes = explanation.notes;
  if (auto note = way_back(effect, deciding(back)); !note.empty()) {
    notes.push_back(answers_of(words, packet) + std::move(note));
  }
  for (const std::string& drift : drift_of(watch_.open_drift(), link)) {
    notes.push_back("the network is not as it should be: " + drift);
  }
  document["notes"] = json::value_from(notes);
  document["text"] = effect.empty() ? whose + " pass: no fault concerns them"
                                    : whose + " " + fate(effect) + reasons(faults);
  return document;
}

}  // namespace tinet
