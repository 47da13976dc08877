#pragma once
/// How a process ended, and signals by name.

#include <string>
#include <string_view>

namespace tinet {

/// How a process ended: it exited with a status, or a signal killed it.
class ExitStatus {
 public:
  /// From the status word of waitpid(2).
  [[nodiscard]] static ExitStatus from_wait(int wait_status) noexcept;
  [[nodiscard]] static ExitStatus exited(int code) noexcept;
  [[nodiscard]] static ExitStatus killed(int signal, bool core = false) noexcept;

  /// True for exit status 0 only.
  [[nodiscard]] bool success() const noexcept { return signal_ == 0 && code_ == 0; }
  [[nodiscard]] bool signalled() const noexcept { return signal_ != 0; }
  /// Exit status 0..255; 0 when a signal killed the process.
  [[nodiscard]] int code() const noexcept { return code_; }
  /// The signal that killed the process; 0 when it exited.
  [[nodiscard]] int signal() const noexcept { return signal_; }
  [[nodiscard]] bool core_dumped() const noexcept { return core_; }
  /// As a shell reports it: the exit status, or 128 + the signal.
  [[nodiscard]] int shell_status() const noexcept;
  /// "exited with status 3", "killed by SIGKILL", "killed by SIGSEGV (core dumped)".
  [[nodiscard]] std::string text() const;

  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;

 private:
  int code_ = 0;
  int signal_ = 0;
  bool core_ = false;
};

/// "SIGTERM"; "SIGRTMIN+3"; "signal 99" for a number that has no name.
[[nodiscard]] std::string signal_name(int signal);

/// Parses "TERM", "SIGTERM" (any case) or "15".
/// @param what names the word in the error, e.g. "--signal"
/// @throws Error Usage for an unknown name, with the nearest one as hint
[[nodiscard]] int parse_signal(std::string_view text, std::string_view what);

}  // namespace tinet
