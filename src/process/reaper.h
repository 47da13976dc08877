#pragma once
/// The enclosure with namespaces: a PID namespace, a mount namespace and, when asked for, a network
/// namespace, held by a process that does nothing else.

#include <memory>

#include "src/process/enclosure.h"
#include "src/process/sandbox.h"

namespace tinet {

/// A reaper process, "tinet-reaper", as the first process of a new PID namespace. It is a copy of
/// the caller made without exec that holds none of the caller's descriptors. When it dies, the
/// kernel kills everything in the namespace at once; and it dies with the caller
/// (PR_SET_PDEATHSIG).
class Reaper final : public Enclosure {
 public:
  /// As Sandbox::create().
  static std::shared_ptr<Reaper> create(const boost::asio::any_io_executor& executor,
                                        const SandboxOptions& options);

  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept override {
    return process_->executor();
  }
  [[nodiscard]] bool alive() const noexcept override;
  [[nodiscard]] pid_t reaper_pid() const noexcept override { return process_->pid(); }
  [[nodiscard]] EntryPlan entry() const noexcept override;
  [[nodiscard]] std::shared_ptr<ProcessWatch> admit(const boost::asio::any_io_executor& on,
                                                    pid_t pid) override;
  [[nodiscard]] std::vector<ProcessEntry> members() const override;
  void kill() noexcept override { process_->kill(); }
  EndWaiters::Id add_waiter(EndWaiters::Waiter waiter) override {
    return process_->add_waiter(std::move(waiter));
  }
  void cancel_waiter(EndWaiters::Id id) override { process_->cancel_waiter(id); }

 private:
  Reaper(std::shared_ptr<ProcessWatch> process, bool has_netns);

  std::shared_ptr<ProcessWatch> process_;
  bool has_netns_;
};

}  // namespace tinet
