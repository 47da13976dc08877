#pragma once
/// The home of one instance's processes for one run.

#include <memory>
#include <string>
#include <utility>

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>

#include "src/process/enclosure.h"
#include "src/process/mount_plan.h"
#include "src/process/user.h"

namespace tinet {

/// What holds the processes of a sandbox together.
enum class Isolation {
  /// A PID namespace, a mount namespace and a given network namespace, held by a process named
  /// "tinet-reaper" (reaper.h). Needs CAP_SYS_ADMIN, CAP_SYS_CHROOT and CAP_SYS_PTRACE in the
  /// caller's user namespace: root, or any user inside a user namespace of his own.
  Namespaces,
  /// Who is whose child, and nothing else (family.h). Needs no privilege. Everything inside sees
  /// what the caller sees: network, files and processes.
  None,
};

struct SandboxOptions {
  std::string name{};  ///< the instance, for error messages
  int netns_fd = -1;   ///< network namespace to live in (borrowed); -1: the caller's
  MountPlan mounts{};
  const UserIds* owner = nullptr;  ///< who makes mount points in tmp_source; null: the caller
  /// With None, network namespace, mounts and owner are ignored.
  Isolation isolation = Isolation::Namespaces;
};

/// Every process spawned into the sandbox is a direct child of the *caller* (pidfd and exit status
/// are the caller's). It and whatever it forks, also double-forked daemons, belong to the sandbox
/// and are killed with it: on kill(), on destruction of the Sandbox, and when the caller dies, even
/// by SIGKILL. Without namespaces that last promise needs a guard over the caller (guard.h), and
/// what a program leaves behind is killed as soon as the program has ended; with them it runs on
/// until the sandbox is killed. With namespaces, killing the reaper kills the sandbox.
///
/// One sandbox serves one run: after the instance has stopped, make a new one. Processes die with
/// the *thread* that started them, so use it on the main thread, which is the loop's.
class Sandbox {
 public:
  /// Blocks until the mounts are in place (a few milliseconds, at most 10 s).
  /// @param executor of the loop that watches the reaper, and leftovers
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
  /// As the caller sees it; 0 without namespaces.
  [[nodiscard]] pid_t reaper_pid() const noexcept { return enclosure_->reaper_pid(); }
  /// False once it was killed, or the reaper has ended: it takes no program any more.
  [[nodiscard]] bool alive() const noexcept;

  /// SIGKILL to everything inside. Returns at once (without namespaces, after some scans of /proc);
  /// the kernel finishes when every Child of the sandbox has been reaped (the loop does that).
  /// Idempotent.
  void kill() noexcept;

  /// Completes with how the reaper ended (without namespaces: by SIGKILL), once nothing of the
  /// sandbox is left: after kill(), or because somebody killed the reaper, which the owner should
  /// report. Waits for the loop to reap the Children. Signature void(error_code, ExitStatus);
  /// operation_aborted when cancelled.
  template <typename Token>
  auto async_wait_gone(Token&& token) const {
    return async_wait_end(enclosure_, std::forward<Token>(token));
  }

  /// For the other parts of this module; outlives this object while something of it is left.
  [[nodiscard]] const std::shared_ptr<Enclosure>& enclosure() const noexcept { return enclosure_; }

 private:
  Sandbox(std::string name, std::shared_ptr<Enclosure> enclosure);

  std::string name_;
  std::shared_ptr<Enclosure> enclosure_;
};

}  // namespace tinet
