#pragma once
/// Where faults come and go: takes requests, looks up who is meant, hands the set of active faults
/// to the fabric as one change, and keeps the book. Changes are serialised by the one loop and
/// never wait for a process.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>

#include "src/api/requests.h"
#include "src/base/error.h"
#include "src/fabric/fabric.h"
#include "src/model/plan.h"
#include "src/model/selector.h"
#include "src/supervisor/changes.h"
#include "src/supervisor/fault_book.h"
#include "src/supervisor/fault_reports.h"
#include "src/supervisor/fault_request.h"
#include "src/supervisor/fault_watch.h"
#include "src/supervisor/journal.h"
#include "src/supervisor/probe_ledger.h"
#include "src/supervisor/role_board.h"
#include "src/supervisor/round_trips.h"

namespace tinet {

class FaultDesk {
 public:
  /// @param changes rung after every change of the active faults
  /// @param end_process_fault undoes a fault that is no network fault (resumes a paused instance)
  FaultDesk(const boost::asio::any_io_executor& executor, const ClusterPlan& plan, Fabric& fabric,
            Journal& journal, RoleBoard& roles, Changes& changes,
            std::function<void(const Fault&)> end_process_fault, WatchTimes times = {});

  /// POST /v1/faults. Nothing changes on error, except that a fault whose verification cannot be
  /// made stays; the message then says so.
  /// @throws Error Usage; Conflict, also when --established finds no connection; Unavailable,
  ///         Operation
  [[nodiscard]] boost::asio::awaitable<boost::json::object> create(api::FaultRequest request);

  /// POST /v1/faults/apply: one change that leaves exactly these network faults. A fault that an
  /// equal request made stays as it is, whatever roles and chance would choose now.
  /// @throws Error as create(), naming the fault's place in the list
  [[nodiscard]] boost::asio::awaitable<boost::json::object> converge(api::ApplyRequest request);

  /// POST /v1/faults/release: ends a hold, with its packets delivered or dropped.
  /// @throws Error Conflict for an id that was never given out, or of another kind
  [[nodiscard]] boost::json::object release(const api::ReleaseRequest& request);

  /// POST /v1/heal
  /// @throws Error Conflict for an id that was never given out; Check with require_effect; what
  ///         Fabric::kick() throws, after the faults are healed
  [[nodiscard]] boost::asio::awaitable<boost::json::object> heal(api::HealRequest request);

  /// Books a process fault that the caller has just made real.
  Fault add_process_fault(FaultKind kind, std::vector<std::string> target, std::string summary,
                          std::optional<MonoTime> end);
  /// Ends the process faults on this instance without undoing them (its process is gone or was
  /// resumed).
  void forget_process_faults(const std::string& instance, FaultKind kind);

  /// What is told of faults and links, as of now.
  [[nodiscard]] const FaultReports& reports();
  [[nodiscard]] const FaultBook& book() const noexcept { return book_; }

  /// Members, live roles of the words, and a seed (chosen when absent), for select().
  [[nodiscard]] boost::asio::awaitable<SelectorScope> scope_for(std::vector<std::string> role_words,
                                                                std::optional<std::uint64_t> seed);

  /// From now on there are processes whose packets faults can meet.
  void traffic_begins() { watch_.traffic_begins(); }
  /// Books every fault whose end has passed (its timer may be a moment late).
  void expire_due();
  /// Stops all timers; the fabric may go away afterwards.
  void shut_down();

 private:
  /// The requests of a converge() sorted by what they mean now.
  struct Convergence;

  MadeFault prepare(const api::FaultRequest& request, const SelectorScope& scope, FaultId id,
                    MonoTime start);
  void find_flows(MadeFault& made);
  void enter(MadeFault made, const api::FaultRequest& request, const ApplyReport& report,
             MonoTime start);
  [[nodiscard]] std::optional<std::string> still_waiting(const std::vector<Fault>& healed);
  std::optional<Error> end_faults(const std::vector<Fault>& going, std::string_view actor);
  void settle(const ApplyReport& report);
  void reapply();
  [[nodiscard]] Convergence compare(const std::vector<std::string>& words) const;
  boost::asio::awaitable<Convergence> look_up(const api::ApplyRequest& request,
                                              std::vector<SelectorScope>& scopes);
  void release_held(const std::vector<Fault>& going, std::vector<std::string>& notes);
  boost::asio::awaitable<std::vector<std::string>> names_in(std::vector<std::string> selectors);
  [[nodiscard]] std::vector<Link> links_to_kick(const std::vector<Fault>& healed,
                                                std::vector<Link> links);
  boost::asio::awaitable<std::vector<RoundTrip>> time_before(Fault fault, std::int64_t budget_ms);
  boost::asio::awaitable<boost::json::object> verify_applied(FaultId id, std::vector<Link> links,
                                                             std::vector<RoundTrip> trips,
                                                             std::int64_t budget_ms);
  void journal_fault(std::string_view actor, std::string_view event, const Fault& fault);
  void arm_expiry();

  const ClusterPlan& plan_;
  Fabric& fabric_;
  Journal& journal_;
  RoleBoard& roles_;
  Changes& changes_;
  std::function<void(const Fault&)> end_process_fault_;
  FaultBook book_;
  ProbeLedger ledger_;
  FaultWatch watch_;
  FaultReports reports_;
  boost::asio::steady_timer expiry_;
  bool shut_down_ = false;
};

}  // namespace tinet
