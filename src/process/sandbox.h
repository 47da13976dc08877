#pragma once
/// The home of one instance's processes for one run: a PID namespace, a mount namespace and the
/// instance's network namespace, held by a reaper process that does nothing else.

#include <chrono>
#include <memory>
#include <string>

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>

#include "src/process/mount_plan.h"
#include "src/process/process_watch.h"
#include "src/process/user.h"

namespace tinet {

struct SandboxOptions {
  std::string name{};  ///< the instance, for error messages
  int netns_fd = -1;   ///< network namespace to live in (borrowed); -1: the caller's
  MountPlan mounts{};
  const UserIds* owner = nullptr;  ///< who makes mount points in tmp_source; null: the caller
};

/// A reaper process, "tinet-reaper", as the first process of a new PID namespace. It is a copy of
/// the caller made without exec that holds none of the caller's descriptors. Every process spawned
/// into the sandbox is a direct child of the *caller* (pidfd and exit status are the caller's) and
/// a member of the PID namespace, and so is whatever it forks, also double-forked daemons. When
/// the reaper dies, the kernel kills them all at once: on kill(), on destruction of the Sandbox,
/// when anybody kills the reaper, and when the caller dies, even by SIGKILL (PR_SET_PDEATHSIG; it
/// fires when the *thread* that made the sandbox ends, so make sandboxes on the main thread).
///
/// One sandbox serves one run: after the instance has stopped, make a new one.
/// Needs CAP_SYS_ADMIN, CAP_SYS_CHROOT and CAP_SYS_PTRACE in the caller's user namespace: root, or
/// any user inside a user namespace of his own. Single-threaded: use it from the loop's thread.
class Sandbox {
 public:
  /// Blocks until the mounts are in place (a few milliseconds, at most 10 s).
  /// @param executor of the loop that watches the reaper
  /// @throws Error naming the instance, the step that failed, its path and the cause; Unavailable
  ///         for missing privilege. Nothing is left behind.
  /// @see pid_namespaces(7), mount_namespaces(7), open_tree(2)
  static Sandbox create(const boost::asio::any_io_executor& executor,
                        const SandboxOptions& options);

  Sandbox(Sandbox&&) noexcept = default;
  Sandbox& operator=(Sandbox&&) noexcept;
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;
  /// Kills everything inside, as kill(); does not wait.
  ~Sandbox();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// As the caller sees it.
  [[nodiscard]] pid_t reaper_pid() const noexcept { return reaper_->pid(); }
  /// setns(2) takes it for CLONE_NEWPID, CLONE_NEWNS and CLONE_NEWNET. Borrowed.
  [[nodiscard]] int reaper_pidfd() const noexcept { return reaper_->pidfd(); }
  /// False once the reaper has ended, and with it every process inside.
  [[nodiscard]] bool alive() const noexcept;
  /// Flags for setns(reaper_pidfd(), ...) of a process that enters the sandbox without its PID
  /// namespace: CLONE_NEWNS, and CLONE_NEWNET when the sandbox has a network namespace of its own.
  [[nodiscard]] int enter_flags() const noexcept;

  /// SIGKILL to the reaper, and so to everything inside, atomically. Returns at once; the kernel
  /// finishes when every Child of the sandbox has been reaped (the loop does that). Idempotent.
  void kill() noexcept;

  /// Completes with how the reaper ended, once nothing of the sandbox is left: after kill(), or
  /// because somebody killed the reaper, which the owner should report. Waits for the loop to reap
  /// the Children. Signature void(error_code, ExitStatus); operation_aborted when cancelled.
  template <typename Token>
  auto async_wait_gone(Token&& token) const {
    return async_wait_process(reaper_, std::forward<Token>(token));
  }

  /// For spawn(): a Child keeps the reaper's record, which cannot end before the Child does.
  [[nodiscard]] const std::shared_ptr<ProcessWatch>& reaper() const noexcept { return reaper_; }

 private:
  Sandbox(const SandboxOptions& options, std::shared_ptr<ProcessWatch> reaper);

  std::string name_;
  bool has_netns_;
  std::shared_ptr<ProcessWatch> reaper_;
};

}  // namespace tinet
