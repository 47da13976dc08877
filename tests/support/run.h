#pragma once
/// Runs programs the way a user does: arguments, environment, input and user go in; output, exit
/// code and what was left hanging come out. For tests only; nothing here is part of tinet.

#include <chrono>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <sys/types.h>

#include "src/base/unique_fd.h"

namespace tinet::test {

/// Who a program runs as.
struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;
  std::string home;
};

/// The user of this process.
[[nodiscard]] User current_user();
/// An ordinary user that a root test may become: $TINET_TEST_USER, else "tinet-test", else
/// "nobody". nullopt when this process is not root, so it cannot become anybody.
[[nodiscard]] std::optional<User> ordinary_user();

struct RunOptions {
  std::map<std::string, std::string> env = {};  ///< replaces or adds to the inherited environment
  std::vector<std::string> unset = {};          ///< variables the program must not see
  std::string input = {};                       ///< its standard input; then end of file
  std::string directory = {};                   ///< its working directory; empty: this one's
  /// Become this user, without supplementary groups; HOME, USER and LOGNAME follow, XDG_RUNTIME_DIR
  /// and SUDO_* are removed. Needs root unless it is the current user.
  std::optional<User> user = {};
  /// The program and its process group are killed after this long.
  std::chrono::milliseconds timeout = std::chrono::seconds(60);
};

struct RunResult {
  int exit_code = 0;  ///< 128+n when a signal ended it, as a shell says it
  bool timed_out = false;
  /// The program ended but something it left running still held its stdout or stderr, so that
  /// `x=$(program)` would hang.
  bool output_held = false;
  std::string out;
  std::string err;
  std::chrono::milliseconds duration{0};

  [[nodiscard]] bool ok() const { return exit_code == 0 && !timed_out && !output_held; }
};

/// Everything a reader of a failed assertion needs.
std::ostream& operator<<(std::ostream& stream, const RunResult& result);

/// A program that runs beside the test. It is in a process group of its own and dies with the test.
class Program {
 public:
  /// @param argv argv[0] is looked up in PATH when it has no slash
  /// @throws Error when the program cannot be started
  explicit Program(const std::vector<std::string>& argv, RunOptions options = {});
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  Program(Program&&) = delete;
  Program& operator=(Program&&) = delete;
  /// Kills the process group and reaps the program.
  ~Program();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Signals the program alone.
  void signal(int number) const;
  /// Waits until stdout contains `text`. @return false when it ended, or time was up, without
  [[nodiscard]] bool wait_for_output(const std::string& text, std::chrono::milliseconds timeout);
  /// Waits for its end, within what is left of the options' timeout. To be called once.
  [[nodiscard]] RunResult finish();

 private:
  using Clock = std::chrono::steady_clock;

  /// One round of reading and writing; returns after something happened or at `until`.
  void pump(Clock::time_point until);
  [[nodiscard]] bool ended() const noexcept { return !pidfd_; }
  void reap(int flags);

  RunOptions options_;
  Clock::time_point started_ = Clock::now();
  pid_t pid_ = -1;
  UniqueFd pidfd_;  ///< empty once the program was reaped
  UniqueFd in_;
  UniqueFd out_;
  UniqueFd err_;
  RunResult result_;
};

/// Runs a program to its end.
[[nodiscard]] RunResult run(const std::vector<std::string>& argv, RunOptions options = {});

/// The tinet under test: $TINET_BINARY, else what the build made. Always absolute.
[[nodiscard]] std::string tinet_binary();
/// `tinet ARGS...`
[[nodiscard]] RunResult tinet(const std::vector<std::string>& args, RunOptions options = {});

}  // namespace tinet::test
