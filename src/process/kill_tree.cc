#include "src/process/kill_tree.h"

#include <cerrno>
#include <exception>
#include <set>
#include <utility>

#include <signal.h>
#include <sys/prctl.h>

#include "src/base/error.h"
#include "src/process/pidfd.h"

namespace tinet {

namespace {

constexpr int kScansMax = 64;

/// @return false when that process is gone
bool deliver(const ProcessEntry& target, int signal) {
  // Opened first and looked up again: the pid may have passed to a stranger in between.
  const UniqueFd pidfd = open_pidfd(target.pid);
  const auto present = pidfd ? read_process(target.pid) : std::nullopt;
  return present && present->started == target.started && !has_ended(pidfd.get()) &&
         send_signal(pidfd.get(), signal) == Delivery::Sent;
}

std::vector<ProcessEntry> running_trees(const std::vector<pid_t>& roots) {
  std::vector<ProcessEntry> found = descendants(read_processes(), roots);
  std::erase_if(found, [](const ProcessEntry& entry) { return entry.ended; });
  return found;
}

/// At once, before any look around: a process that forks and ends, again and again, is there for
/// some 100 us only. And a signal to a process group reaches all of it at one moment, also what is
/// just being forked.
void stop_roots(const std::vector<pid_t>& roots) noexcept {
  for (const pid_t root : roots) {
    static_cast<void>(::kill(root, SIGSTOP));
    static_cast<void>(::kill(-root, SIGSTOP));  // ESRCH for one that leads no group
  }
}

void stop_all(const std::vector<pid_t>& roots) noexcept {
  try {
    static_cast<void>(signal_until_stable([&roots] { return running_trees(roots); }, SIGSTOP));
  } catch (const std::exception&) {
    // What could not be stopped is killed all the same; the caller looks again.
  }
}

void kill_all(const std::vector<pid_t>& roots) noexcept {
  try {
    const std::vector<ProcessEntry> found = running_trees(roots);
    // Children before their parents: the end of a parent may leave a stopped process group without
    // one, and the kernel wakes such a group.
    for (auto target = found.rbegin(); target != found.rend(); ++target) {
      try {
        static_cast<void>(deliver(*target, SIGKILL));
      } catch (const Error&) {
        continue;  // of another user, or no descriptor is left
      }
    }
  } catch (const std::exception&) {
    for (const pid_t root : roots) {
      static_cast<void>(::kill(-root, SIGKILL));
    }
  }
}

}  // namespace

void become_subreaper() {
  const int result = ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (const int error = errno; result != 0) {
    throw_errno(error, "cannot become the parent of orphaned processes");
  }
}

std::size_t signal_until_stable(const std::function<std::vector<ProcessEntry>()>& scan,
                                int signal) {
  std::set<std::pair<pid_t, std::uint64_t>> signalled;
  for (int round = 0; round < kScansMax; ++round) {
    bool found_new = false;
    for (const ProcessEntry& target : scan()) {
      const std::pair identity(target.pid, target.started);
      if (!signalled.contains(identity) && deliver(target, signal)) {
        signalled.insert(identity);
        found_new = true;
      }
    }
    if (!found_new) {
      return signalled.size();
    }
  }
  throw_operation("cannot signal every process: new ones appear too fast");
}

void kill_trees(const std::vector<pid_t>& roots) noexcept {
  stop_roots(roots);
  stop_all(roots);
  kill_all(roots);
  for (const pid_t root : roots) {
    static_cast<void>(::kill(root, SIGKILL));  // unreaped, so the pid still names it
  }
}

}  // namespace tinet
