#pragma once
/// Processes by descriptor: a pid may be reused, a pidfd never names another process.

#include <chrono>
#include <optional>

#include <sys/types.h>

#include "src/base/unique_fd.h"
#include "src/process/exit_status.h"

namespace tinet {

/// Descriptor of the process `pid`; becomes readable when the process ends.
/// @return an empty descriptor when there is no such process
/// @throws Error for every other failure
/// @see pidfd_open(2)
[[nodiscard]] UniqueFd open_pidfd(pid_t pid);

/// What became of a signal.
enum class Delivery { Sent, Gone };

/// Sends `signal`.
/// @return Gone when the process has already been reaped
/// @throws Error Unavailable without permission
/// @see pidfd_send_signal(2)
Delivery send_signal(int pidfd, int signal);

/// True when the process has ended, reaped or not. Never blocks.
[[nodiscard]] bool has_ended(int pidfd) noexcept;

/// Waits until the process ends, at most `limit`; does not reap it.
/// @return false when the limit passed first
[[nodiscard]] bool wait_ended(int pidfd, std::chrono::milliseconds limit) noexcept;

/// Reaps a child of this process, which nobody has reaped yet, if it has ended; never blocks.
/// @return how it ended; empty while it runs, and while a debugger holds its end back
[[nodiscard]] std::optional<ExitStatus> reap(int pidfd) noexcept;

}  // namespace tinet
