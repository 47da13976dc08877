#pragma once
/// Signals as a readable descriptor, so that a wait for a socket also ends at ^C.

#include <optional>
#include <vector>

#include "src/base/unique_fd.h"

namespace tinet {

/// Catches some signals for the time of a scope (without SA_RESTART) and restores what was set
/// before. A signal may be caught by one SignalPipe at a time. For the main thread.
class SignalPipe {
 public:
  /// @throws Error
  explicit SignalPipe(std::vector<int> signals);
  SignalPipe(const SignalPipe&) = delete;
  SignalPipe& operator=(const SignalPipe&) = delete;
  SignalPipe(SignalPipe&&) = delete;
  SignalPipe& operator=(SignalPipe&&) = delete;
  ~SignalPipe();

  /// Readable while a signal has arrived that was not taken. Borrowed.
  [[nodiscard]] int fd() const noexcept { return read_end_.get(); }
  /// The oldest signal that has arrived; empty when there is none. Never blocks.
  [[nodiscard]] std::optional<int> take() noexcept;

 private:
  struct Saved;
  UniqueFd read_end_;
  UniqueFd write_end_;
  std::vector<Saved> saved_;
};

/// SIGINT, SIGTERM and SIGHUP: "the user wants out". Stays raised.
class Interrupt {
 public:
  Interrupt();
  [[nodiscard]] int fd() const noexcept { return pipe_.fd(); }
  /// True once one of them has arrived.
  [[nodiscard]] bool raised() const noexcept;

 private:
  SignalPipe pipe_;
};

/// Waits until `fd` shows one of `events` (poll(2)). @param interrupt may be null
/// @throws Error Interrupted when the user wants out first
void wait_ready(int fd, short events, const Interrupt* interrupt);

}  // namespace tinet
