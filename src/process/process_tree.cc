#include "src/process/process_tree.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <dirent.h>
#include <sys/stat.h>

#include "src/base/error.h"
#include "src/process/pidfd.h"

namespace tinet {

namespace {

constexpr int kScansMax = 64;

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { static_cast<void>(::closedir(directory)); }
};

std::vector<pid_t> all_processes() {
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir("/proc"));
  if (const int error = errno; !directory) {
    throw_errno(error, "cannot read '/proc'");
  }
  std::vector<pid_t> pids;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name(entry->d_name);
    pid_t pid = 0;
    const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc{} && stop == name.data() + name.size()) {
      pids.push_back(pid);
    }
  }
  return pids;
}

/// Identity of a process's PID namespace; empty when the process is gone or a zombie.
std::optional<std::pair<dev_t, ino_t>> pid_namespace(pid_t pid) {
  struct stat info {};
  if (::stat(("/proc/" + std::to_string(pid) + "/ns/pid").c_str(), &info) != 0) {
    return std::nullopt;
  }
  return std::pair(info.st_dev, info.st_ino);
}

struct Kinship {
  pid_t parent = 0;
  pid_t group = 0;
};

/// Parent and process group from /proc/PID/stat, whose second field may hold blanks and brackets.
std::optional<Kinship> kinship(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line) || line.rfind(')') == std::string::npos) {
    return std::nullopt;
  }
  Kinship result;
  char state = 0;
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  if (!(fields >> state >> result.parent >> result.group)) {
    return std::nullopt;
  }
  return result;
}

std::vector<pid_t> descendants(pid_t root) {
  std::map<pid_t, Kinship> table;
  for (const pid_t pid : all_processes()) {
    if (const auto found = kinship(pid)) {
      table.emplace(pid, *found);
    }
  }
  std::set<pid_t> family{root};
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& [pid, kin] : table) {
      if ((family.contains(kin.parent) || kin.group == root) && family.insert(pid).second) {
        grown = true;
      }
    }
  }
  return {family.begin(), family.end()};
}

/// Signals whatever `scan` finds, each process once, until a scan finds nothing new.
template <typename Scan>
std::size_t signal_until_stable(const Scan& scan, int signal) {
  std::set<pid_t> signalled;
  for (int round = 0; round < kScansMax; ++round) {
    bool found_new = false;
    for (const pid_t pid : scan()) {
      if (signalled.contains(pid)) {
        continue;
      }
      // Opened first and looked up again: the pid may have passed to a stranger in between.
      const UniqueFd pidfd = open_pidfd(pid);
      if (!pidfd || !scan.still_holds(pid) || has_ended(pidfd.get())) {
        continue;
      }
      if (send_signal(pidfd.get(), signal) == Delivery::Sent) {
        signalled.insert(pid);
        found_new = true;
      }
    }
    if (!found_new) {
      return signalled.size();
    }
  }
  throw_operation("cannot signal every process: new ones appear too fast");
}

struct SandboxScan {
  const Sandbox& sandbox;

  std::vector<pid_t> operator()() const { return members(sandbox); }
  [[nodiscard]] bool still_holds(pid_t pid) const {
    return pid_namespace(pid) == pid_namespace(sandbox.reaper_pid());
  }
};

struct FamilyScan {
  pid_t root;

  std::vector<pid_t> operator()() const { return descendants(root); }
  [[nodiscard]] bool still_holds(pid_t pid) const {
    const std::vector<pid_t> family = descendants(root);
    return std::binary_search(family.begin(), family.end(), pid);
  }
};

}  // namespace

std::vector<pid_t> members(const Sandbox& sandbox) {
  std::vector<pid_t> found;
  const auto wanted = pid_namespace(sandbox.reaper_pid());
  if (!wanted || !sandbox.alive()) {
    return found;
  }
  for (const pid_t pid : all_processes()) {
    if (pid != sandbox.reaper_pid() && pid_namespace(pid) == wanted) {
      found.push_back(pid);
    }
  }
  return found;
}

std::size_t signal_tree(const Sandbox& sandbox, int signal) {
  return signal_until_stable(SandboxScan{sandbox}, signal);
}

std::size_t signal_descendants(pid_t root, int signal) {
  return signal_until_stable(FamilyScan{root}, signal);
}

}  // namespace tinet
