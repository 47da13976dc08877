#pragma once
/// The wire's process of a fabric that lives in this process.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/unique_fd.h"

namespace tinet::testing {

/// A line of /proc/PID/status; empty when the process is gone.
inline std::string status_of(pid_t pid, const std::string& key) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ":")) {
      return line.substr(line.find_first_not_of(" \t", key.size() + 1));
    }
  }
  return {};
}

/// A child of this process that has named itself the wire; nullopt: there is none.
inline std::optional<pid_t> find_wire_child() {
  const std::string own = std::to_string(::getpid());
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    const pid_t pid = std::stoi(name);
    if (status_of(pid, "Name") == "tinet-wire" && status_of(pid, "PPid") == own) {
      return pid;
    }
  }
  return std::nullopt;
}

/// Kills a child and waits until it is dead; does not reap it.
inline bool kill_child(pid_t pid) {
  const UniqueFd watched(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd waiting{watched.get(), POLLIN, 0};
  return watched && ::kill(pid, SIGKILL) == 0 && ::poll(&waiting, 1, 5'000) == 1;
}

}  // namespace tinet::testing
