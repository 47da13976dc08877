#pragma once
/// The wire's process, standing still.

#include <csignal>
#include <optional>

#include <sys/types.h>

#include <gtest/gtest.h>

#include "tests/kernel/wire_child.h"

namespace tinet::testing {

/// The wire of this process's fabric, if it has one, stopped until the end of this object.
class FrozenWire {
 public:
  FrozenWire() : pid_(find_wire_child()) {
    if (pid_) {
      EXPECT_EQ(::kill(*pid_, SIGSTOP), 0);
    }
  }
  FrozenWire(const FrozenWire&) = delete;
  FrozenWire& operator=(const FrozenWire&) = delete;
  FrozenWire(FrozenWire&&) = delete;
  FrozenWire& operator=(FrozenWire&&) = delete;
  ~FrozenWire() {
    if (pid_) {
      // Its fabric may have ended it.
      static_cast<void>(::kill(*pid_, SIGCONT));
    }
  }

 private:
  std::optional<pid_t> pid_;
};

}  // namespace tinet::testing
