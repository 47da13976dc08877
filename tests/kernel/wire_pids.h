#pragma once
/// The wire's processes that this test's fabrics have started, found from outside: a fabric does
/// not tell, and a frozen or killed one is nothing that it would do.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

#include <gtest/gtest.h>

namespace tinet::testing {

inline std::vector<pid_t> wire_pids() {
  std::vector<pid_t> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    // "PID (COMMAND) STATE PARENT ...", empty when the process has gone meanwhile.
    std::string line;
    std::getline(std::ifstream(entry.path() / "stat"), line);
    const auto command = line.find("(tinet-wire) ");
    const auto parent =
        command == std::string::npos ? command : line.find(' ', line.find(") ") + 2);
    if (parent != std::string::npos && line.at(parent - 1) != 'Z' &&
        std::stoi(line.substr(parent)) == ::getpid()) {
      pids.push_back(std::stoi(name));
    }
  }
  return pids;
}

/// Every wire, stopped until the end of this object.
class FrozenWire {
 public:
  FrozenWire() : pids_(wire_pids()) {
    for (const pid_t pid : pids_) {
      EXPECT_EQ(::kill(pid, SIGSTOP), 0);
    }
  }
  FrozenWire(const FrozenWire&) = delete;
  FrozenWire& operator=(const FrozenWire&) = delete;
  FrozenWire(FrozenWire&&) = delete;
  FrozenWire& operator=(FrozenWire&&) = delete;
  ~FrozenWire() {
    for (const pid_t pid : pids_) {
      // Its fabric may have ended it.
      static_cast<void>(::kill(pid, SIGCONT));
    }
  }

 private:
  std::vector<pid_t> pids_;
};

}  // namespace tinet::testing
