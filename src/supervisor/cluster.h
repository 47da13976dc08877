#pragma once
/// One started cluster: its instances, its faults and what may be done to them. The only owner of
/// the cluster's state; everything happens on one event loop.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "src/api/requests.h"
#include "src/fabric/fabric.h"
#include "src/model/plan.h"
#include "src/supervisor/changes.h"
#include "src/supervisor/exec_session.h"
#include "src/supervisor/fault_desk.h"
#include "src/supervisor/instance.h"
#include "src/supervisor/journal.h"
#include "src/supervisor/publisher.h"
#include "src/supervisor/role_board.h"

namespace tinet {

/// Where the cluster lives, for `status`.
struct ClusterPlace {
  std::string state_dir;
  std::string control_socket;
  std::vector<std::string> masked;  ///< directories that instances must not see
  /// Without namespaces: who stands guard over the supervisor (src/process/guard.h) and ends last.
  std::optional<pid_t> guard_pid;
};

class Cluster : public ExecHost {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  Cluster(const boost::asio::any_io_executor& executor, ClusterPlan plan,
          std::unique_ptr<Fabric> fabric, Journal& journal, ClusterPlace place);

  /// Applies `faults`, then starts all components in their order and waits until the cluster is
  /// ready. Under plan.paused only the faults are applied.
  /// @throws Error naming what failed; nothing is undone here: call stop()
  [[nodiscard]] boost::asio::awaitable<void> start(std::vector<api::FaultRequest> faults);

  /// Stops everything in the plan's stop order, closes published ports and removes the network.
  [[nodiscard]] boost::asio::awaitable<void> stop(bool force);
  /// The start failed and the cluster is kept for a look (--on-failure keep).
  void mark_failed(std::string_view why);

  /// The status object.
  [[nodiscard]] boost::asio::awaitable<boost::json::object> status();
  /// POST /v1/instances/VERB
  /// @throws Error
  [[nodiscard]] boost::asio::awaitable<boost::json::object> instance_verb(
      std::string verb, api::InstanceRequest request);
  /// POST /v1/wait
  /// @throws Error Operation at the deadline
  [[nodiscard]] boost::asio::awaitable<boost::json::object> wait(api::WaitRequest request);

  [[nodiscard]] const ClusterPlan& plan() const noexcept { return plan_; }
  [[nodiscard]] FaultDesk& faults() noexcept { return faults_; }
  [[nodiscard]] Fabric& fabric() noexcept { return *fabric_; }
  [[nodiscard]] Journal& journal() noexcept { return journal_; }
  /// Rung when anything that `status` shows has changed.
  [[nodiscard]] Changes& changes() noexcept { return changes_; }
  [[nodiscard]] std::vector<std::shared_ptr<Instance>>& instances() noexcept { return instances_; }
  /// @throws Error Usage with the nearest name as hint
  [[nodiscard]] Instance& instance(std::string_view name);
  /// Ports of the host that were really taken, "INSTANCE:SERVICE" -> port.
  [[nodiscard]] const std::map<std::string, std::uint16_t>& published() const noexcept {
    return published_;
  }
  [[nodiscard]] ExecPlace exec_place(const std::string& target) override;
  /// A socket in the network of an instance or of the client. @throws Error
  [[nodiscard]] UniqueFd open_target_socket(const std::string& target, int domain, int type,
                                            int protocol);
  /// What a component as a whole still waits for; empty when nothing.
  [[nodiscard]] const std::string& settling() const noexcept { return settling_; }
  [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }

 private:
  enum class Phase { Starting, Up, Failed, Stopping, Stopped };

  [[nodiscard]] std::string state() const;
  [[nodiscard]] boost::json::object instance_document(const Instance& instance,
                                                      const RoleResult& roles,
                                                      const std::string& network) const;
  /// @throws Error Conflict once a stop has begun
  void refuse_when_stopping() const;
  /// The start that --paused put off.
  boost::asio::awaitable<void> start_unstarted(std::string wait, std::vector<std::string>& notes);
  void come_up();
  void forget_reference_data();
  /// @param wait as InstanceRequest::wait: which instances become ready before it returns
  boost::asio::awaitable<void> start_components(std::string wait, Deadline deadline);
  boost::asio::awaitable<void> start_level(std::vector<const ComponentPlan*> level,
                                           std::string wait, Deadline deadline, bool more_follow);
  boost::asio::awaitable<void> start_batch(std::vector<Instance*> batch, std::string wait,
                                           Deadline deadline, bool more_follow);
  boost::asio::awaitable<void> give_order_a_chance(std::vector<Instance*> batch, Deadline deadline);
  [[nodiscard]] bool awaits(const Instance& instance, std::string_view wait) const;
  [[nodiscard]] std::vector<Instance*> awaited_of(const std::vector<Instance*>& instances,
                                                  std::string_view wait) const;
  void note_not_awaited(const std::vector<Instance*>& instances, std::string_view wait,
                        std::vector<std::string>& notes) const;
  /// Instance::is_ready_by(), whose error also names the faults that touch the instance.
  [[nodiscard]] bool is_ready_by(const Instance& instance, Deadline deadline);
  boost::asio::awaitable<void> until_ready(std::vector<Instance*> waited, Deadline deadline);
  boost::asio::awaitable<std::optional<std::string>> unsettled(const ComponentPlan& component);
  boost::asio::awaitable<void> until_settled(const ComponentPlan& component, Deadline deadline);
  void open_published();
  [[nodiscard]] std::vector<Instance*> of_component(const std::string& name);
  boost::asio::awaitable<std::vector<Instance*>> selected(std::string selector,
                                                          std::optional<std::uint64_t> seed,
                                                          std::vector<std::string>& notes);
  boost::asio::awaitable<void> restart(std::vector<Instance*> chosen, api::InstanceRequest request);
  boost::asio::awaitable<void> end_processes(std::vector<Instance*> chosen,
                                             api::InstanceRequest request, bool kill);
  boost::asio::awaitable<void> start_again(std::vector<Instance*> chosen,
                                           api::InstanceRequest request,
                                           std::vector<std::string>& notes);
  void pause(const std::vector<Instance*>& chosen, const api::InstanceRequest& request);
  boost::asio::awaitable<void> resume(std::vector<Instance*> chosen, std::string wait,
                                      std::vector<std::string>& notes);
  void let_go_on(const std::vector<Instance*>& paused);
  void end_process_fault(const Fault& fault);
  /// What is not there yet (empty: nothing), and the sentence once it is.
  struct Awaited {
    std::string missing;
    std::string text;
  };
  Awaited awaited_fault(const std::string& word);
  static Awaited awaited_ready(const std::vector<Instance*>& chosen);
  boost::asio::awaitable<Awaited> awaited_role(std::string role, std::vector<Instance*> chosen,
                                               const std::vector<std::string>* before);

  boost::asio::any_io_executor executor_;
  ClusterPlan plan_;
  std::unique_ptr<Fabric> fabric_;
  Journal& journal_;
  ClusterPlace place_;
  Changes changes_;
  InstanceContext context_;
  std::vector<std::shared_ptr<Instance>> instances_;
  RoleBoard roles_;
  FaultDesk faults_;
  std::vector<std::unique_ptr<Publisher>> publishers_;
  std::map<std::string, std::uint16_t> published_;
  Phase phase_ = Phase::Starting;
  std::string settling_;
  std::vector<std::string> notes_;
};

}  // namespace tinet
