#include "src/supervisor/fault_desk.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>

#include "src/base/clock.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/model/scope.h"
#include "src/supervisor/documents.h"
#include "src/supervisor/pair_probe.h"

namespace tinet {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

/// A probe and its arrival take well under a millisecond; the rest is for a loaded machine.
constexpr std::chrono::milliseconds kVerifyMargin{50};

MonoTime now() {
  return std::chrono::steady_clock::now();
}

bool touches_any(const Fault& fault, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::count(fault.target.begin(), fault.target.end(), name) > 0 ||
           std::count(fault.peers.begin(), fault.peers.end(), name) > 0;
  });
}

LinkWords words_of(const api::FaultRequest& request) {
  LinkWords words;
  words.selector = request.selector;
  words.peers = request.peers;
  words.direction = parse_direction(request.direction);
  words.each = request.each;
  words.between_zones = request.between_zones;
  return words;
}

}  // namespace

FaultDesk::FaultDesk(const asio::any_io_executor& executor, const ClusterPlan& plan, Fabric& fabric,
                     Journal& journal, RoleBoard& roles, Changes& changes,
                     std::function<void(const Fault&)> end_process_fault)
    : plan_(plan),
      fabric_(fabric),
      journal_(journal),
      roles_(roles),
      changes_(changes),
      end_process_fault_(std::move(end_process_fault)),
      expiry_(executor) {}

asio::awaitable<SelectorScope> FaultDesk::scope_for(std::vector<std::string> role_words,
                                                    std::optional<std::uint64_t> seed) {
  SelectorScope scope;
  for (const auto& instance : plan_.instances) {
    scope.members.push_back({instance.name, instance.component, instance.zone});
  }
  scope.client = static_cast<Endpoint>(plan_.instances.size());
  if (plan_.host_link) {
    scope.host = static_cast<Endpoint>(scope.client + 1);
  }
  scope.seed = seed ? *seed : std::random_device{}();
  if (!role_words.empty()) {
    const RoleResult result = co_await roles_.resolve(std::move(role_words));
    scope.roles = result.holders;
  }
  co_return scope;
}

asio::awaitable<json::object> FaultDesk::create(api::FaultRequest request) {
  if (request.kind != "partition") {
    throw_usage("unknown fault kind '" + request.kind + "'", "this version knows: partition");
  }
  if (request.for_ms && *request.for_ms < 1) {
    throw_usage("--for: a fault lasts at least 1ms");
  }
  const LinkWords words = words_of(request);
  const SelectorScope scope = co_await scope_for(roles_in(words), request.seed);
  LinkChoice choice = choose_links(words, scope);

  // From here to the answer of the kernel nothing else runs: this is what serialises changes.
  Fault fault;
  fault.id = book_.next_id();
  fault.kind = FaultKind::Partition;
  fault.target = std::move(choice.target);
  fault.peers = std::move(choice.peers);
  fault.links = std::move(choice.links);
  fault.action.cut = CutMode::Drop;
  fault.summary = request.summary;
  fault.created_at_unix_ms = unix_ms_now();
  const MonoTime start = now();
  if (request.for_ms) {
    fault.end = start + std::chrono::milliseconds(*request.for_ms);
  }
  std::vector<Fault> wanted = book_.network_faults();
  wanted.push_back(fault);

  if (request.dry_run) {
    json::object answer{{"dry_run", true}};
    answer["transaction"] = json::value_from(fabric_.preview(wanted, start));
    answer["fault"] = fault_document(plan_, fault, {}, start);
    answer["notes"] = json::value_from(choice.notes);
    co_return answer;
  }

  const ApplyReport report = fabric_.apply(wanted, start);
  const FaultId id = fault.id;
  const std::vector<Link> links = fault.links;
  journal_fault("user", "fault-applied", fault);
  book_.add(std::move(fault));
  arm_expiry();
  changes_.notify();
  json::object answer = document(*book_.find(id));
  answer["atomic"] = report.atomic;
  std::vector<std::string> notes = std::move(choice.notes);
  notes.insert(notes.end(), report.notes.begin(), report.notes.end());
  answer["notes"] = json::value_from(notes);
  if (request.verify_ms) {
    answer["verify"] = co_await verify_applied(id, links, *request.verify_ms);
  }
  co_return answer;
}

/// The fault is in place by now, so an error has to say so.
asio::awaitable<json::object> FaultDesk::verify_applied(FaultId id, std::vector<Link> links,
                                                        std::int64_t budget_ms) {
  try {
    co_return co_await verify(std::move(links), std::chrono::milliseconds(budget_ms));
  } catch (const Error& error) {
    throw Error(error.kind(), to_string(id) + " is in place but unverified: " + error.what(),
                error.hint().empty() ? "undo it with: tinet heal " + to_string(id) : error.hint());
  }
}

asio::awaitable<json::object> FaultDesk::verify(std::vector<Link> links,
                                                std::chrono::milliseconds budget) {
  // The intent may change by itself while probes travel: they must be back before the next end.
  if (const auto end = book_.next_end()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*end - now());
    budget = std::clamp(left - kVerifyMargin, std::chrono::milliseconds(1), budget);
  }
  std::vector<bool> cut;
  cut.reserve(links.size());
  for (const auto& link : links) {
    cut.push_back(fabric_.why(link, now()).effect.cut.has_value());
  }
  const std::vector<PairVerdict> verdicts = co_await probe_pairs(plan_, fabric_, links, budget);
  json::array wrong;
  std::size_t as_intended = 0;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    if (verdicts[i].arrived == cut[i]) {
      wrong.push_back(json::array{endpoint_name(plan_, verdicts[i].link.from),
                                  endpoint_name(plan_, verdicts[i].link.to)});
    } else {
      ++as_intended;
    }
  }
  co_return json::object{
      {"pairs", verdicts.size()}, {"as_intended", as_intended}, {"wrong", std::move(wrong)}};
}

asio::awaitable<json::object> FaultDesk::heal(api::HealRequest request) {
  expire_due();
  std::vector<std::string> names;
  std::vector<FaultId> doomed;
  json::array notes;
  for (const auto& selector : request.selectors) {
    const SelectorScope scope = co_await scope_for(roles_in(selector), std::nullopt);
    for (const auto endpoint : select(selector, scope, "heal").endpoints) {
      names.push_back(endpoint_name(plan_, endpoint));
    }
  }
  for (const auto& word : request.ids) {
    const auto id = parse_fault_id(word);
    if (!id || !book_.issued(*id)) {
      throw_conflict("no fault '" + word + "' was ever made in cluster '" + plan_.tag + "'",
                     "see: tinet faults");
    }
    if (const auto* ended = book_.find_ended(*id)) {
      const bool expired = ended->ending == FaultBook::Ending::Expired;
      notes.emplace_back(word + (expired ? " had expired already" : " was healed already"));
    } else {
      doomed.push_back(*id);
    }
  }
  const bool everything = request.ids.empty() && request.selectors.empty();
  std::vector<Fault> staying;
  std::vector<Fault> going;
  for (auto& fault : book_.active()) {
    const bool goes = everything || touches_any(fault, names) ||
                      std::count(doomed.begin(), doomed.end(), fault.id) > 0;
    (goes ? going : staying).push_back(std::move(fault));
  }
  std::erase_if(staying, [](const Fault& fault) { return fault.links.empty(); });

  const ApplyReport report = fabric_.apply(staying, now());
  json::array healed;
  std::vector<std::string> without_effect;
  for (const auto& fault : going) {
    if (fault.links.empty()) {
      end_process_fault_(fault);
    }
    json::object described = document(fault);
    book_.end(fault.id, FaultBook::Ending::Healed);
    if (!fault.links.empty() && fabric_.packets(fault.id).dropped == 0) {
      without_effect.push_back(to_string(fault.id));
      notes.emplace_back(to_string(fault.id) + " matched no packet");
    }
    described["packets"] = fault_document(plan_, fault, facts(fault), now()).at("packets");
    healed.push_back(std::move(described));
    journal_fault("user", "fault-healed", fault);
  }
  if (going.empty() && notes.empty()) {
    notes.emplace_back("no fault was active");
  }
  for (const auto& note : report.notes) {
    notes.emplace_back(note);
  }
  arm_expiry();
  changes_.notify();
  if (request.require_effect && !without_effect.empty()) {
    throw Error(ErrorKind::Check,
                "healed, but without effect (no packet matched): " + join(without_effect, ", "));
  }
  co_return json::object{{"healed", std::move(healed)}, {"notes", std::move(notes)}};
}

Fault FaultDesk::add_process_fault(FaultKind kind, std::vector<std::string> target,
                                   std::string summary, std::optional<MonoTime> end) {
  Fault fault;
  fault.id = book_.next_id();
  fault.kind = kind;
  fault.target = std::move(target);
  fault.summary = std::move(summary);
  fault.created_at_unix_ms = unix_ms_now();
  fault.end = end;
  book_.add(fault);
  journal_fault("user", "fault-applied", fault);
  arm_expiry();
  changes_.notify();
  return fault;
}

void FaultDesk::forget_process_faults(const std::string& instance, FaultKind kind) {
  for (const auto& fault : book_.active()) {
    if (fault.kind == kind && fault.target == std::vector<std::string>{instance}) {
      book_.end(fault.id, FaultBook::Ending::Healed);
      journal_fault("tinet", "fault-healed", fault);
    }
  }
  arm_expiry();
}

FaultFacts FaultDesk::facts(const Fault& fault) {
  FaultFacts facts;
  if (fault.links.empty()) {
    facts.mechanism = "signal";
    return facts;
  }
  facts.packets = fabric_.packets(fault.id);
  for (const auto& other : book_.network_faults()) {
    if (other.id != fault.id) {
      std::vector<Link> common;
      std::set_intersection(fault.links.begin(), fault.links.end(), other.links.begin(),
                            other.links.end(), std::back_inserter(common));
      facts.shared = facts.shared || !common.empty();
    }
  }
  return facts;
}

json::object FaultDesk::document(const Fault& fault) {
  return fault_document(plan_, fault, facts(fault), now());
}

json::array FaultDesk::documents(bool all) {
  expire_due();
  json::array documents;
  for (const auto& fault : book_.active()) {
    documents.push_back(document(fault));
  }
  if (all) {
    for (const auto& ended : book_.ended()) {
      json::object described = document(ended.fault);
      described["ended"] = ended.ending == FaultBook::Ending::Healed ? "healed" : "expired";
      described["ended_at_unix_ms"] = ended.ended_at_unix_ms;
      documents.push_back(std::move(described));
    }
  }
  return documents;
}

json::array FaultDesk::links() {
  return links_document(plan_, fabric_.links(now()));
}

json::object FaultDesk::why(const std::string& from, const std::string& to) {
  const Link link{endpoint_named(plan_, from), endpoint_named(plan_, to)};
  if (link.from == link.to) {
    throw_usage("'" + from + "' to itself is no link");
  }
  const LinkExplanation explanation = fabric_.why(link, now());
  json::object document{{"from", from}, {"to", to}};
  document["reachable"] = reachability(explanation.effect);
  document["effects"] = effect_document(explanation.effect);
  json::array faults;
  std::vector<std::string> reasons;
  for (const auto id : explanation.decided_by) {
    faults.emplace_back(to_string(id));
    const Fault* fault = book_.find(id);
    reasons.push_back(to_string(id) + (fault == nullptr || fault->summary.empty()
                                           ? ""
                                           : " (" + fault->summary + ")"));
  }
  document["faults"] = std::move(faults);
  document["mechanism"] = explanation.mechanism;
  document["rule"] = explanation.rule;
  document["text"] = explanation.effect.empty()
                         ? "packets from " + from + " to " + to + " pass: no fault is on this link"
                         : "packets from " + from + " to " + to + " are dropped by " +
                               join(reasons, ", ") + "; rule: " + explanation.rule;
  return document;
}

std::map<Endpoint, std::string> FaultDesk::network() {
  return network_states(plan_, fabric_.links(now()));
}

void FaultDesk::journal_fault(std::string_view actor, std::string_view event, const Fault& fault) {
  const std::string text =
      to_string(fault.id) + ": " +
      (fault.summary.empty() ? std::string(to_string(fault.kind)) : fault.summary);
  json::object details{{"fault", to_string(fault.id)}, {"links", fault.links.size()}};
  details["target"] = json::value_from(fault.target);
  journal_.add(actor, event, fault.target.size() == 1 ? fault.target.front() : "", text,
               std::move(details));
}

void FaultDesk::arm_expiry() {
  expiry_.cancel();
  const auto next = book_.next_end();
  if (!next || shut_down_) {
    return;
  }
  expiry_.expires_at(*next);
  expiry_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !shut_down_) {
      expire_due();
      arm_expiry();
    }
  });
}

void FaultDesk::expire_due() {
  const std::vector<Fault> expired = book_.expire(now());
  if (expired.empty()) {
    return;
  }
  for (const auto& fault : expired) {
    journal_fault(fault.links.empty() ? "tinet" : "kernel", "fault-expired", fault);
    if (fault.links.empty()) {
      try {
        end_process_fault_(fault);
      } catch (const Error& error) {
        journal_.add("tinet", "fault-clean-up-failed", fault.target.front(), error.what());
      }
    }
  }
  // The kernel has ended them already; this only clears what is left of them in the book of rules.
  try {
    fabric_.apply(book_.network_faults(), now());
  } catch (const Error& error) {
    journal_.add("tinet", "fault-clean-up-failed", "", error.what());
  }
  changes_.notify();
}

void FaultDesk::shut_down() {
  shut_down_ = true;
  expiry_.cancel();
}

}  // namespace tinet
