#include "src/cli/ending_cluster.h"

#include <fstream>
#include <string>

#include "src/process/pidfd.h"

namespace tinet::cli {

namespace {

/// The state letter of /proc/PID/stat, after the name in parentheses; 'X' when there is no process.
char process_state(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(") ");
  return name_end == std::string::npos || name_end + 2 >= line.size() ? 'X' : line[name_end + 2];
}

}  // namespace

bool wait_if_ending(const ClusterHandle& cluster, std::chrono::milliseconds limit) {
  std::ifstream lock(cluster.path + "/lock");
  pid_t pid = 0;
  if (!(lock >> pid) || pid <= 0) {
    return false;
  }
  // The first thread of a killed process is a zombie while others still end.
  const char state = process_state(pid);
  if (state != 'Z' && state != 'X') {
    return false;
  }
  const UniqueFd supervisor = open_pidfd(pid);
  return !supervisor || wait_ended(supervisor.get(), limit);
}

}  // namespace tinet::cli
