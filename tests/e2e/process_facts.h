#pragma once
/// What /proc tells about one process, for the tests about security.

#include <fstream>
#include <sstream>
#include <string>

#include <sys/types.h>

#include "tests/e2e/people.h"

namespace tinet::test {

[[nodiscard]] inline std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The most memory that a process ever had resident, in KiB; 0 for one that is gone.
[[nodiscard]] inline long peak_memory_kib(pid_t pid) {
  const std::string status = content_of("/proc/" + std::to_string(pid) + "/status");
  return std::strtol(status_field(status, "VmHWM").c_str(), nullptr, 10);
}

[[nodiscard]] inline pid_t supervisor_of(const Scene& scene) {
  return static_cast<pid_t>(
      std::strtol(text_at(scene.json({"status"}), "/supervisor_pid").c_str(), nullptr, 10));
}

}  // namespace tinet::test
