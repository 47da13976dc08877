#include "src/process/exit_status.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet {

namespace {

constexpr int kFirstRealtime = 32;  // of the kernel; glibc's SIGRTMIN is above it and not constant

}  // namespace

ExitStatus ExitStatus::from_wait(int wait_status) noexcept {
  if (WIFSIGNALED(wait_status)) {
    return killed(WTERMSIG(wait_status), WCOREDUMP(wait_status));
  }
  return exited(WEXITSTATUS(wait_status));
}

ExitStatus ExitStatus::exited(int code) noexcept {
  ExitStatus status;
  status.code_ = code;
  return status;
}

ExitStatus ExitStatus::killed(int signal, bool core) noexcept {
  ExitStatus status;
  status.signal_ = signal;
  status.core_ = core;
  return status;
}

int ExitStatus::shell_status() const noexcept {
  return signalled() ? 128 + signal_ : code_;
}

std::string ExitStatus::text() const {
  if (!signalled()) {
    return "exited with status " + std::to_string(code_);
  }
  return "killed by " + signal_name(signal_) + (core_ ? " (core dumped)" : "");
}

std::string signal_name(int signal) {
  if (const char* name = ::sigabbrev_np(signal); name != nullptr) {
    return std::string("SIG") + name;
  }
  if (signal >= SIGRTMIN && signal <= SIGRTMAX) {
    return signal == SIGRTMIN ? "SIGRTMIN" : "SIGRTMIN+" + std::to_string(signal - SIGRTMIN);
  }
  return "signal " + std::to_string(signal);
}

int parse_signal(std::string_view text, std::string_view what) {
  int number = 0;
  const auto* const end = text.data() + text.size();
  if (const auto [stop, error] = std::from_chars(text.data(), end, number);
      error == std::errc{} && stop == end && number >= 1 && number <= SIGRTMAX) {
    return number;
  }
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (!upper.starts_with("SIG")) {
    upper.insert(0, "SIG");
  }
  std::vector<std::string> names;
  for (int signal = 1; signal < kFirstRealtime; ++signal) {
    names.push_back(signal_name(signal));
    if (names.back() == upper) {
      return signal;
    }
  }
  const std::string close = nearest(upper, names);
  throw_usage(std::string(what) + ": unknown signal '" + std::string(text) + "'",
              close.empty() ? "write a name like 'TERM' or a number from 1 to 64"
                            : "did you mean '" + close.substr(3) + "'?");
}

}  // namespace tinet
