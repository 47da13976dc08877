#include "src/process/process_tree.h"

#include "src/process/kill_tree.h"

namespace tinet {

std::vector<pid_t> members(const Sandbox& sandbox) {
  std::vector<pid_t> pids;
  for (const ProcessEntry& entry : sandbox.enclosure()->members()) {
    pids.push_back(entry.pid);
  }
  return pids;
}

std::size_t signal_tree(const Sandbox& sandbox, int signal) {
  return signal_until_stable([&sandbox] { return sandbox.enclosure()->members(); }, signal);
}

}  // namespace tinet
