#pragma once
/// From a forked process to a running program. Planned in the parent, where memory may be
/// allocated; carried out in the child with plain system calls only.

#include <string>
#include <vector>

#include "src/base/unique_fd.h"
#include "src/process/privileges.h"
#include "src/process/spawn.h"

namespace tinet {

/// Everything that the child needs, allocated before the fork. Descriptors that are not UniqueFd
/// are borrowed.
struct ExecPlan {
  std::string program;
  std::string cwd;
  std::vector<char*> argv;  ///< into `words`, ends with null
  std::vector<char*> envp;  ///< likewise
  std::vector<std::string> words;
  UniqueFd null_device;
  int stdio[3] = {-1, -1, -1};
  int terminal_fd = -1;
  mode_t umask = 022;
  EntryPlan entry;  ///< into the sandbox
  int netns_fd = -1;
  UniqueFd parent_pidfd;
  int report_fd = -1;
  PrivilegePlan privileges;
};

/// What a failed child says through the pipe; a successful exec closes it without a word.
struct ExecReport {
  SpawnStep step = SpawnStep::Prepare;
  int error = 0;
};

/// @param report_fd write end of a close-on-exec pipe
/// @throws Error
[[nodiscard]] ExecPlan plan_exec(const SpawnOptions& options, int report_fd);

/// The rest of the child's life up to exec. Async-signal-safe; expects all signals blocked.
[[noreturn]] void run_exec(const ExecPlan& plan) noexcept;

}  // namespace tinet
