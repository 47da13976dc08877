#include "src/supervisor/fault_desk.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include <boost/json/value_from.hpp>

#include "src/base/clock.h"
#include "src/base/error.h"
#include "src/model/fault_build.h"
#include "src/supervisor/documents.h"
#include "src/supervisor/fault_verify.h"

namespace tinet {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::int64_t kVerifyMaxMs = 600'000;
constexpr std::chrono::seconds kReapplyAfterFailure{1};

MonoTime now() {
  return std::chrono::steady_clock::now();
}

bool means_open_connections(const Fault& fault) {
  return std::any_of(fault.clauses.begin(), fault.clauses.end(), [](const FaultClause& clause) {
    return clause.match.connections == Connections::Established;
  });
}

}  // namespace

FaultDesk::FaultDesk(const asio::any_io_executor& executor, const ClusterPlan& plan, Fabric& fabric,
                     Journal& journal, RoleBoard& roles, Changes& changes,
                     std::function<void(const Fault&)> end_process_fault, WatchTimes times)
    : plan_(plan),
      fabric_(fabric),
      journal_(journal),
      roles_(roles),
      changes_(changes),
      end_process_fault_(std::move(end_process_fault)),
      watch_(
          executor, fabric, journal, changes, book_, ledger_, [this] { reapply(); }, times),
      reports_(plan, fabric, book_, watch_, ledger_),
      expiry_(executor) {}

const FaultReports& FaultDesk::reports() {
  expire_due();
  return reports_;
}

asio::awaitable<SelectorScope> FaultDesk::scope_for(std::vector<std::string> role_words,
                                                    std::optional<std::uint64_t> seed) {
  SelectorScope scope = scope_of(plan_);
  scope.seed = seed ? *seed : std::random_device{}();
  if (!role_words.empty()) {
    const RoleResult result = co_await roles_.resolve(std::move(role_words));
    scope.roles = result.holders;
  }
  co_return scope;
}

/// The connections that are open now are part of the fault.
void FaultDesk::find_flows(MadeFault& made) {
  Fault& fault = made.fault;
  fault.flows = fabric_.flows(fault.links);
  std::erase_if(fault.flows, [&](const Flow& flow) {
    return std::none_of(fault.clauses.begin(), fault.clauses.end(),
                        [&](const FaultClause& clause) { return ports_match(clause.match, flow); });
  });
  std::sort(fault.flows.begin(), fault.flows.end());
  fault.flows.erase(std::unique(fault.flows.begin(), fault.flows.end()), fault.flows.end());
  if (fault.flows.empty()) {
    throw_conflict("--established: no TCP connection that is meant is open now",
                   "leave out --established, or try again once something is connected");
  }
}

MadeFault FaultDesk::prepare(const api::FaultRequest& request, const SelectorScope& scope,
                             FaultId id, MonoTime start) {
  MadeFault made = make_fault(request, plan_, scope, start);
  give_id(made.fault, id);
  made.fault.created_at_unix_ms = unix_ms_now();
  if (means_open_connections(made.fault)) {
    find_flows(made);
  }
  return made;
}

void FaultDesk::enter(MadeFault made, const api::FaultRequest& request, const ApplyReport& report,
                      MonoTime start) {
  journal_fault("user", "fault-applied", made.fault);
  book_.add({std::move(made.fault), start, report.atomic, canonical_words(request)});
}

/// After the book and the fabric agree again.
void FaultDesk::settle(const ApplyReport& report) {
  arm_expiry();
  watch_.changed(report.refresh_at);
  changes_.notify();
}

asio::awaitable<json::object> FaultDesk::create(api::FaultRequest request) {
  if (request.verify_ms && (*request.verify_ms < 1 || *request.verify_ms > kVerifyMaxMs)) {
    throw_usage("--verify: probes take 1ms to 10m");
  }
  const SelectorScope scope = co_await scope_for(roles_in(request), request.seed);
  std::vector<RoundTrip> trips;
  if (request.verify_ms && !request.dry_run) {
    trips = co_await time_before(prepare(request, scope, book_.next_id(), now()).fault,
                                 *request.verify_ms);
  }

  // From here to the answer of the kernel nothing else runs: this is what serialises changes.
  expire_due();
  const MonoTime start = now();
  MadeFault made = prepare(request, scope, book_.next_id(), start);
  std::vector<Fault> wanted = book_.network_faults();
  wanted.push_back(made.fault);
  if (request.dry_run) {
    json::object answer{{"dry_run", true}};
    answer["transaction"] = json::value_from(fabric_.preview(wanted, start));
    answer["fault"] = reports_.document(made.fault);
    answer["notes"] = json::value_from(made.notes);
    co_return answer;
  }

  const FaultId id = made.fault.id;
  book_.use_up(id);
  const ApplyReport report = fabric_.apply(wanted, start);
  const std::vector<Link> links = made.fault.links;
  std::vector<std::string> notes = made.notes;
  notes.insert(notes.end(), report.notes.begin(), report.notes.end());
  enter(std::move(made), request, report, start);
  settle(report);
  json::object answer = reports_.document(*book_.find(id));
  answer["notes"] = json::value_from(notes);
  if (request.verify_ms) {
    answer["verify"] = co_await verify_applied(id, links, std::move(trips), *request.verify_ms);
  }
  co_return answer;
}

/// How long round trips take that the fault will make longer. A quarter of the budget is enough for
/// links that answer at all.
asio::awaitable<std::vector<RoundTrip>> FaultDesk::time_before(Fault fault,
                                                               std::int64_t budget_ms) {
  std::vector<RoundTrip> trips;
  if (!fabric_.carries_datagrams()) {
    co_return trips;
  }
  const std::vector<Link> links = links_to_time(fault, fabric_.links(now()));
  if (links.empty()) {
    co_return trips;
  }
  const auto probing = watch_.while_probing();
  const auto before = ProbeLedger::open(fabric_, book_.network_faults(), now());
  const TimedTrips timed =
      co_await time_round_trips(plan_, fabric_, links, Milliseconds(budget_ms) / 4);
  SentProbes sent;
  add_trips(sent, timed);
  ledger_.close(fabric_, before, sent, now());
  for (std::size_t i = 0; i < links.size(); ++i) {
    trips.push_back({links[i], timed.medians[i], {}});
  }
  co_return trips;
}

/// The fault is in place by now, so an error has to say so.
asio::awaitable<json::object> FaultDesk::verify_applied(FaultId id, std::vector<Link> links,
                                                        std::vector<RoundTrip> trips,
                                                        std::int64_t budget_ms) {
  try {
    const auto probing = watch_.while_probing();
    const auto before = ProbeLedger::open(fabric_, book_.network_faults(), now());
    VerifyReport report = co_await verify_links(
        plan_, fabric_, id, std::move(links), Milliseconds(budget_ms),
        [this] { return book_.next_change(now()); }, std::move(trips));
    ledger_.close(fabric_, before, report.sent, now());
    co_return std::move(report.document);
  } catch (const Error& error) {
    throw Error(error.kind(), to_string(id) + " is in place but unverified: " + error.what(),
                error.hint().empty() ? "undo it with: tinet heal " + to_string(id) : error.hint());
  }
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
  book_.add({fault, now(), true, {}});
  journal_fault("user", "fault-applied", fault);
  arm_expiry();
  changes_.notify();
  return fault;
}

void FaultDesk::forget_process_faults(const std::string& instance, FaultKind kind) {
  for (const auto& fault : book_.active()) {
    if (fault.kind == kind && fault.target == std::vector<std::string>{instance}) {
      book_.end(fault.id, FaultBook::Ending::Healed, now());
      journal_fault("tinet", "fault-healed", fault);
    }
  }
  arm_expiry();
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
  std::vector<std::string> notes;
  release_held(expired, notes);
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
  for (const auto& note : notes) {
    journal_.add("tinet", "held-packets", "", note);
  }
  // The kernel has ended them already; this only clears what is left of them in the book of rules.
  reapply();
}

/// Hands over the active faults once more; a failure is an event and is tried again later.
void FaultDesk::reapply() {
  ApplyReport report;
  try {
    report = fabric_.apply(book_.network_faults(), now());
  } catch (const Error& error) {
    journal_.add("tinet", "fault-clean-up-failed", "", error.what());
    report.refresh_at = now() + kReapplyAfterFailure;
  }
  settle(report);
}

void FaultDesk::shut_down() {
  shut_down_ = true;
  expiry_.cancel();
  watch_.shut_down();
}

}  // namespace tinet
