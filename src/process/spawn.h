#pragma once
/// Starts programs: as the target user, without any capability, inside a sandbox or outside.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>

#include "src/base/error.h"
#include "src/process/pidfd.h"
#include "src/process/process_watch.h"
#include "src/process/sandbox.h"
#include "src/process/user.h"

namespace tinet {

/// Descriptors are borrowed: they stay open in the caller and are duplicated in the child.
struct SpawnOptions {
  std::string program{};            ///< path, seen from inside the sandbox; no PATH lookup
  std::vector<std::string> args{};  ///< without the program's name
  std::string argv0{};              ///< empty: `program`
  std::vector<std::string> env{};   ///< "NAME=value"; the whole environment of the child
  std::string cwd = "/";            ///< seen from inside; entered with the user's rights
  int stdin_fd = -1;                ///< -1: /dev/null
  int stdout_fd = -1;               ///< -1: /dev/null
  int stderr_fd = -1;               ///< -1: /dev/null
  /// Slave end of a pty: becomes the controlling terminal of a session of the child's own, and
  /// stands in for each of the three descriptors above that is -1.
  int pty_slave_fd = -1;
  const Sandbox* sandbox = nullptr;  ///< null: none; what the program starts may outlive it
  int netns_fd = -1;                 ///< other network namespace than the sandbox's; -1: none
  /// Whose identity the program gets. Empty: the caller's. A user that is the caller already is
  /// no change, so that this may be given in every backend.
  std::optional<UserIds> user{};
  mode_t umask = 022;
};

/// The step of a start that failed.
enum class SpawnStep {
  Prepare,      ///< in the caller: descriptors, fork
  Sandbox,      ///< the sandbox is gone, or must not be entered
  Descriptors,  ///< stdin, stdout, stderr or the terminal
  Privileges,   ///< becoming the user, giving capabilities up
  Cwd,          ///< entering the working directory
  Exec,         ///< executing the program
};

/// Thrown by spawn(). A program or working directory that is missing or not usable as that user is
/// Unavailable; the message names the path.
class SpawnError : public Error {
 public:
  SpawnError(SpawnStep step, int error_number, ErrorKind kind, const std::string& message,
             std::string hint);

  [[nodiscard]] SpawnStep step() const noexcept { return step_; }
  /// errno of the failing call.
  [[nodiscard]] int error_number() const noexcept { return error_number_; }
  /// Exit status of a shell for this failure: 127 when the program was not found, 126 when it could
  /// not be executed, 125 when it did not get that far.
  [[nodiscard]] int shell_status() const noexcept;

 private:
  SpawnStep step_;
  int error_number_;
};

/// A running program: a direct child of the caller. Move-only; destroying it kills the process (not
/// its descendants: that is the sandbox's work), and the loop reaps it. While it runs it counts as
/// work of its loop. Single-threaded: use it from the loop's thread.
class Child {
 public:
  Child(Child&&) noexcept = default;
  Child& operator=(Child&&) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  /// As the caller sees it, whatever PID namespace the child is in.
  [[nodiscard]] pid_t pid() const noexcept { return watch_->pid(); }
  /// Borrowed; readable when the process has ended.
  [[nodiscard]] int pidfd() const noexcept { return watch_->pidfd(); }
  /// How it ended; empty until the loop has reaped it.
  [[nodiscard]] const std::optional<ExitStatus>& status() const noexcept {
    return watch_->status();
  }
  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept {
    return watch_->executor();
  }

  /// Sends a signal to this one process.
  /// @return Gone when it has ended and was reaped
  /// @throws Error Unavailable without permission
  [[nodiscard]] Delivery signal(int signal_number) const;

  /// Completes when the process has ended and was reaped; soon if that was before. Any number of
  /// waits may be pending; each may be cancelled (operation_aborted). Any completion token works:
  /// `const ExitStatus status = co_await child.async_wait(use_awaitable);`
  /// A wait that is pending when the Child is destroyed completes too (killed by SIGKILL).
  /// Signature void(error_code, ExitStatus).
  template <typename Token>
  auto async_wait(Token&& token) const {
    return async_wait_end(watch_, std::forward<Token>(token));
  }

  /// For async_stop(): the record that outlives this object.
  [[nodiscard]] const std::shared_ptr<ProcessWatch>& watch() const noexcept { return watch_; }

 private:
  friend Child spawn(const boost::asio::any_io_executor&, const SpawnOptions&);
  explicit Child(std::shared_ptr<ProcessWatch> watch);

  std::shared_ptr<ProcessWatch> watch_;
};

/// Starts a program. Returns when it has been executed (exec succeeded) or throws; blocks for the
/// few milliseconds until then. Call it on the main thread only: the child dies with the *thread*
/// that started it (PR_SET_PDEATHSIG SIGKILL).
///
/// The child: is in the sandbox's namespaces, or the parent of its orphaned descendants in a
/// sandbox without; leads a process group of its own (a session, with a pty); has the default
/// action for every signal, none blocked; soft limits raised to the hard ones; no descriptor but 0,
/// 1 and 2; the user's ids and supplementary groups; no capability in any set, bounding set
/// included, and none to be had (no_new_privs; SECBIT_NOROOT locked for uid 0); only the bounding
/// set of an unprivileged caller stays as it was, which no_new_privs makes void.
///
/// @throws SpawnError; no process is left behind
/// @see capabilities(7), prctl(2), pid_namespaces(7)
[[nodiscard]] Child spawn(const boost::asio::any_io_executor& executor,
                          const SpawnOptions& options);

}  // namespace tinet
