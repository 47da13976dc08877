#pragma once
/// What a tinet may leave behind on a machine: processes, network namespaces, mounts, sockets and
/// files. A test takes a picture before, and asks afterwards what is there that was not.

#include <chrono>
#include <string>
#include <vector>

#include "tests/support/facts.h"

namespace tinet::test {

/// What counts as ours. Other tests and other people use the machine too, so new things count only
/// when they bear a mark or lie in a given directory.
struct LeftoverScope {
  /// Texts that a process of ours has in its command line, executable, working directory or
  /// environment, a mount in its mount point, a socket in its path: a cluster's tag, a test's own
  /// directory. Empty: every process whose name begins with "tinet" or is "reaper" is ours.
  std::vector<std::string> marks;
  /// Every file in here is ours; a directory that does not exist holds none.
  std::vector<std::string> directories;
};

/// Facts named "process PID@START (name)", "network namespace INODE", "mount POINT", "socket PATH"
/// and "file PATH". Namespaces are those that our processes are in or hold by descriptor, except
/// this process's own. This process and its ancestors are nobody's leftovers. Root sees all; others
/// see what /proc shows them.
[[nodiscard]] Facts belongings(const LeftoverScope& scope);

/// What is there now and was not in `before`; waits until there is nothing, for at most `patience`,
/// because a killed tinet's processes need a moment to end and send no event to a stranger.
[[nodiscard]] std::vector<std::string> left_behind(const Facts& before, const LeftoverScope& scope,
                                                   std::chrono::milliseconds patience);

}  // namespace tinet::test
