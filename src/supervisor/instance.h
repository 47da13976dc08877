#pragma once
/// One instance while the cluster lives: its process, its sandbox, its state, and the operations on
/// them. It keeps name, address, data and network namespace through restarts.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "src/fabric/fabric.h"
#include "src/model/plan.h"
#include "src/process/run_as.h"
#include "src/process/sandbox.h"
#include "src/process/spawn.h"
#include "src/supervisor/changes.h"
#include "src/supervisor/instance_state.h"
#include "src/supervisor/journal.h"

namespace tinet {

/// What every instance of a cluster shares. Outlives the instances.
struct InstanceContext {
  boost::asio::any_io_executor executor;
  const ClusterPlan& plan;
  Fabric& fabric;
  Journal& journal;
  Changes& changes;                 ///< rung at every change of a state or of waiting_for
  UserIds user;                     ///< whom the instances run as
  std::string hosts;                ///< content of their /etc/hosts
  std::vector<std::string> masked;  ///< tinet's state directories
};

/// Used from the loop's thread only. Detached coroutines refer to it: it must live until the loop
/// has ended.
class Instance : public std::enable_shared_from_this<Instance> {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  Instance(InstanceContext& context, const InstancePlan& plan, Endpoint endpoint);

  [[nodiscard]] const InstancePlan& plan() const noexcept { return plan_; }
  [[nodiscard]] Endpoint endpoint() const noexcept { return endpoint_; }
  [[nodiscard]] InstanceState state() const noexcept { return state_; }
  [[nodiscard]] const std::string& waiting_for() const noexcept { return waiting_for_; }
  [[nodiscard]] int restarts() const noexcept { return restarts_; }
  /// As the caller of tinet sees it; 0 without a process.
  [[nodiscard]] pid_t pid() const noexcept { return child_ ? child_->pid() : 0; }
  /// Whether a process operation is under way (a second one is a conflict).
  [[nodiscard]] bool busy() const noexcept { return busy_; }

  /// Makes directories, files and the sandbox, checks access as the target user in the final
  /// namespaces and executes the program: afterwards the state is Running and checks are being
  /// made. Blocks for some tens of milliseconds.
  /// @throws Error about this instance; the state is then what it was before
  void start(std::string_view actor);

  /// True when the state is Ready, false while it may still become so.
  /// @throws Error Operation about this instance, with the log's end, when it has ended or the
  ///         deadline (or the instance's own ready timeout) has passed
  [[nodiscard]] bool is_ready_by(Deadline deadline) const;
  /// The earlier of `deadline` and the instance's own ready timeout.
  [[nodiscard]] Deadline ready_limit(Deadline deadline) const;

  /// Signal, grace, then SIGKILL to everything in the sandbox; returns when nothing of it is left.
  /// While another stop is under way it waits for that one.
  [[nodiscard]] boost::asio::awaitable<void> stop(std::string actor, int signal,
                                                  std::chrono::milliseconds grace);
  /// SIGKILL to the whole tree at once; returns when nothing of it is left.
  [[nodiscard]] boost::asio::awaitable<void> kill(std::string actor);
  /// A signal to the program alone.
  /// @throws Error Conflict when there is no process
  void signal(int signal_number);

  /// SIGSTOP or SIGCONT to every process of the tree.
  /// @throws Error Conflict when the state does not allow it
  void pause();
  /// What pause() would throw for the state.
  void check_can_pause() const;
  void resume();

  /// How a sandbox with this instance's view is made.
  [[nodiscard]] SandboxOptions sandbox_options() const;
  /// Makes the instance's directories and files. @throws Error
  void prepare_files() const;
  /// Environment of the program as "NAME=value".
  [[nodiscard]] std::vector<std::string> environment() const;
  [[nodiscard]] RunAs run_as() const { return {context_.user, nullptr, std::chrono::seconds(30)}; }
  /// Last lines of the log.
  [[nodiscard]] std::string log_tail() const;

  /// Marks the instance busy for a scope; keeps it alive meanwhile.
  class Busy {
   public:
    /// @throws Error Conflict when it is busy already
    explicit Busy(Instance& instance);
    Busy(Busy&&) noexcept = default;
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;
    Busy& operator=(Busy&&) = delete;
    ~Busy() {
      if (instance_) {
        instance_->busy_ = false;
      }
    }

   private:
    std::shared_ptr<Instance> instance_;
  };

 private:
  void move_to(InstanceState next, std::string_view actor, std::string_view text);
  void wait_for(std::string reason);
  void check_access(const Sandbox& sandbox) const;
  void execute(const UniqueFd& log);
  void drop_process();
  /// For a second stop while one is under way: only a SIGKILL makes the first one quicker.
  boost::asio::awaitable<void> join_stop(int signal_number);
  boost::asio::awaitable<void> watch_exit(std::uint64_t run);
  boost::asio::awaitable<void> watch_ready(std::uint64_t run);
  boost::asio::awaitable<std::optional<std::string>> first_unmet();
  boost::asio::awaitable<bool> command_succeeds(std::vector<std::string> command);
  [[nodiscard]] bool log_shows_ready();

  InstanceContext& context_;
  const InstancePlan& plan_;
  Endpoint endpoint_;
  InstanceState state_ = InstanceState::Planned;
  std::string waiting_for_;
  std::string last_exit_;
  int restarts_ = 0;
  bool busy_ = false;
  std::uint64_t run_ = 0;  ///< number of this run; late coroutines of older runs give up
  std::chrono::steady_clock::time_point started_at_{};
  std::shared_ptr<Sandbox> sandbox_;
  std::optional<Child> child_;
  UniqueFd log_reader_;   ///< at the place where this run's log begins; only for log checks
  std::string log_rest_;  ///< an unfinished line
  bool log_matched_ = false;
};

}  // namespace tinet
