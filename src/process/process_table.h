#pragma once
/// The machine's processes as /proc shows them: who is whose child. Snapshots, never the truth of
/// this moment; what is built on them looks again.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace tinet {

struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;           ///< 0 when it is not in the caller's PID namespace
  pid_t group = 0;            ///< process group
  std::uint64_t started = 0;  ///< clock ticks after boot; tells two users of one pid apart
  bool ended = false;         ///< waits to be reaped
};

/// One process; empty when there is none of that pid.
/// @see proc(5), /proc/PID/stat
[[nodiscard]] std::optional<ProcessEntry> read_process(pid_t pid);

/// The names in a directory that are numbers: /proc, /proc/PID/fd, /proc/PID/task. In no order.
/// @throws Error Unavailable without permission, Operation when it is gone or cannot be read
[[nodiscard]] std::vector<int> numbers_in(const std::string& path);

/// Pids of all processes, ended ones too.
/// @throws Error
[[nodiscard]] std::vector<pid_t> all_pids();

/// All processes, ended ones too: some 10 us for each.
/// A process that is there during the whole call is in the result.
/// @throws Error
[[nodiscard]] std::vector<ProcessEntry> read_processes();

/// Children of this process, ended ones too, of whichever of its threads. Exact as long as nobody
/// else in this process reaps: the kernel then only ever adds to the list. Some 20 us, where the
/// kernel lists children (CONFIG_PROC_CHILDREN); else as read_processes().
/// @throws Error
[[nodiscard]] std::vector<pid_t> own_children();

/// Those of `table` that are `roots` or descend from them, each parent before its children.
[[nodiscard]] std::vector<ProcessEntry> descendants(const std::vector<ProcessEntry>& table,
                                                    const std::vector<pid_t>& roots);

}  // namespace tinet
