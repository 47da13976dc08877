#pragma once
/// Where faults come and go: takes the words of a request, resolves who is meant, hands the set of
/// active faults to the fabric as one change, and keeps the book. Changes are serialised by the one
/// loop and never wait for a process.

#include <functional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "src/api/requests.h"
#include "src/fabric/fabric.h"
#include "src/model/plan.h"
#include "src/model/selector.h"
#include "src/supervisor/changes.h"
#include "src/supervisor/documents.h"
#include "src/supervisor/fault_book.h"
#include "src/supervisor/journal.h"
#include "src/supervisor/role_board.h"

namespace tinet {

class FaultDesk {
 public:
  /// @param changes rung after every change of the active faults
  /// @param end_process_fault undoes a fault that is no network fault (resumes a paused instance)
  FaultDesk(const boost::asio::any_io_executor& executor, const ClusterPlan& plan, Fabric& fabric,
            Journal& journal, RoleBoard& roles, Changes& changes,
            std::function<void(const Fault&)> end_process_fault);

  /// Applies the fault (or, with dry_run, only says what would be sent). Nothing changes on error,
  /// except that a fault whose verification cannot be made stays; the message then says so.
  /// @return the answer of POST /v1/faults
  /// @throws Error Usage, Conflict, Operation
  [[nodiscard]] boost::asio::awaitable<boost::json::object> create(api::FaultRequest request);

  /// @return the answer of POST /v1/heal
  /// @throws Error Conflict for an id that was never given out; Check with require_effect
  [[nodiscard]] boost::asio::awaitable<boost::json::object> heal(api::HealRequest request);

  /// Books a process fault that the caller has just made real.
  Fault add_process_fault(FaultKind kind, std::vector<std::string> target, std::string summary,
                          std::optional<MonoTime> end);
  /// Ends the process faults on this instance without undoing them (its process is gone or was
  /// resumed).
  void forget_process_faults(const std::string& instance, FaultKind kind);

  /// Active faults as documents; `all` adds ended ones with "ended":"healed|expired".
  [[nodiscard]] boost::json::array documents(bool all);
  [[nodiscard]] boost::json::array links();
  [[nodiscard]] boost::json::object why(const std::string& from, const std::string& to);

  /// Members, live roles of the words, and a seed (chosen when absent), for select().
  [[nodiscard]] boost::asio::awaitable<SelectorScope> scope_for(std::vector<std::string> role_words,
                                                                std::optional<std::uint64_t> seed);

  [[nodiscard]] const FaultBook& book() const noexcept { return book_; }
  /// Per instance "ok", "cut" or "impaired".
  [[nodiscard]] std::map<Endpoint, std::string> network();

  /// Books every fault whose end has passed (its timer may be a moment late).
  void expire_due();
  /// Stops the expiry timer; the fabric may go away afterwards.
  void shut_down();

 private:
  [[nodiscard]] FaultFacts facts(const Fault& fault);
  [[nodiscard]] boost::json::object document(const Fault& fault);
  boost::asio::awaitable<boost::json::object> verify_applied(FaultId id, std::vector<Link> links,
                                                             std::int64_t budget_ms);
  boost::asio::awaitable<boost::json::object> verify(std::vector<Link> links,
                                                     std::chrono::milliseconds budget);
  void journal_fault(std::string_view actor, std::string_view event, const Fault& fault);
  void arm_expiry();

  const ClusterPlan& plan_;
  Fabric& fabric_;
  Journal& journal_;
  RoleBoard& roles_;
  Changes& changes_;
  std::function<void(const Fault&)> end_process_fault_;
  FaultBook book_;
  boost::asio::steady_timer expiry_;
  bool shut_down_ = false;
};

}  // namespace tinet
