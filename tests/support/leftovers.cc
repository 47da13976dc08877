#include "tests/support/leftovers.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include <unistd.h>

#include "src/base/text.h"
#include "tests/support/eventually.h"

namespace tinet::test {

namespace {

namespace fs = std::filesystem;

/// Content of a file of /proc; empty when it vanished or may not be read.
std::string slurp(const fs::path& path) {
  const std::ifstream file(path, std::ios::binary);
  // Not by iterators: those throw when the process ends between opening and reading.
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::string link_target(const fs::path& path) {
  std::error_code error;
  return fs::read_symlink(path, error).string();
}

std::optional<pid_t> pid_from(const std::string& name) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  const bool whole = error == std::errc{} && end == name.data() + name.size();
  return whole ? std::optional(pid) : std::nullopt;
}

/// What /proc/PID/stat says that is of use here.
struct Stat {
  std::string name;
  pid_t parent = 0;
  std::string start;  ///< ticks since boot: together with the pid an identity
};

std::optional<Stat> stat_of(const fs::path& process) {
  const auto text = slurp(process / "stat");
  // The name is in parentheses and may hold anything, also parentheses.
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos) {
    return std::nullopt;
  }
  const auto fields = split(trim(std::string_view(text).substr(close + 1)), ' ');
  constexpr std::size_t kParent = 1;
  constexpr std::size_t kStart = 19;
  if (fields.size() <= kStart) {
    return std::nullopt;
  }
  return Stat{text.substr(open + 1, close - open - 1), pid_from(fields[kParent]).value_or(0),
              fields[kStart]};
}

bool bears_mark(const std::string& text, const LeftoverScope& scope) {
  return std::any_of(scope.marks.begin(), scope.marks.end(),
                     [&](const std::string& mark) { return text.find(mark) != std::string::npos; });
}

bool is_ours(const fs::path& process, const Stat& stat, const LeftoverScope& scope) {
  if (scope.marks.empty()) {
    return stat.name.starts_with("tinet") || stat.name == "reaper";
  }
  return bears_mark(slurp(process / "cmdline"), scope) ||
         bears_mark(link_target(process / "exe"), scope) ||
         bears_mark(link_target(process / "cwd"), scope) ||
         bears_mark(slurp(process / "environ"), scope);
}

/// This process and all it descends from.
std::set<pid_t> self_and_ancestors() {
  std::set<pid_t> line;
  for (pid_t pid = ::getpid(); pid > 0 && line.insert(pid).second;) {
    const auto stat = stat_of(fs::path("/proc") / std::to_string(pid));
    pid = stat ? stat->parent : 0;
  }
  return line;
}

/// Namespaces that a process is in or holds open, as "net:[4026531840]".
std::set<std::string> namespaces_of(const fs::path& process) {
  std::set<std::string> found = {link_target(process / "ns/net")};
  std::error_code error;
  for (fs::directory_iterator entry(process / "fd", error), end; entry != end;
       entry.increment(error)) {
    if (error) {
      break;
    }
    found.insert(link_target(entry->path()));
  }
  std::erase_if(found, [](const std::string& name) { return !name.starts_with("net:["); });
  return found;
}

void add_processes(Facts& facts, const LeftoverScope& scope) {
  const auto own_namespace = link_target("/proc/self/ns/net");
  const auto exempt = self_and_ancestors();
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto pid = pid_from(entry.path().filename().string());
    const auto stat = pid && !exempt.contains(*pid) ? stat_of(entry.path()) : std::nullopt;
    if (!stat || !is_ours(entry.path(), *stat, scope)) {
      continue;
    }
    auto command = slurp(entry.path() / "cmdline");
    std::replace(command.begin(), command.end(), '\0', ' ');
    facts["process " + std::to_string(*pid) + "@" + stat->start + " (" + stat->name + ")"] =
        std::string(trim(command));
    for (const auto& name : namespaces_of(entry.path())) {
      if (name != own_namespace) {
        facts["network namespace " + name] = "";
      }
    }
  }
}

void add_mounts(Facts& facts, const LeftoverScope& scope) {
  std::istringstream mounts(slurp("/proc/self/mountinfo"));
  for (std::string line; std::getline(mounts, line);) {
    const auto fields = split(line, ' ');
    constexpr std::size_t kMountPoint = 4;
    if (fields.size() <= kMountPoint) {
      continue;
    }
    const auto& point = fields[kMountPoint];
    const bool inside =
        std::any_of(scope.directories.begin(), scope.directories.end(),
                    [&](const auto& directory) { return point.starts_with(directory); });
    if (inside || bears_mark(point, scope)) {
      facts["mount " + point] = "";
    }
  }
}

void add_sockets(Facts& facts, const LeftoverScope& scope) {
  std::istringstream sockets(slurp("/proc/net/unix"));
  for (std::string line; std::getline(sockets, line);) {
    const auto space = line.rfind(' ');
    const auto path = space == std::string::npos ? "" : line.substr(space + 1);
    const bool inside =
        std::any_of(scope.directories.begin(), scope.directories.end(),
                    [&](const auto& directory) { return path.starts_with(directory); });
    if (inside || bears_mark(path, scope)) {
      facts["socket " + path] = "";
    }
  }
}

void add_files(Facts& facts, const LeftoverScope& scope) {
  for (const auto& directory : scope.directories) {
    std::error_code error;
    constexpr auto kOptions = fs::directory_options::skip_permission_denied;
    for (fs::recursive_directory_iterator entry(directory, kOptions, error), end; entry != end;
         entry.increment(error)) {
      if (error) {
        break;
      }
      facts["file " + entry->path().string()] = "";
    }
  }
}

}  // namespace

Facts belongings(const LeftoverScope& scope) {
  Facts facts;
  add_processes(facts, scope);
  add_mounts(facts, scope);
  add_sockets(facts, scope);
  add_files(facts, scope);
  return facts;
}

std::vector<std::string> left_behind(const Facts& before, const LeftoverScope& scope,
                                     std::chrono::milliseconds patience) {
  std::vector<std::string> lines;
  const auto nothing_left = [&] {
    lines = changes(before, belongings(scope));
    // What went away meanwhile was somebody's, but is not left behind.
    std::erase_if(lines, [](const std::string& line) { return line.starts_with("- "); });
    return lines.empty();
  };
  static_cast<void>(eventually(nothing_left, patience));
  return lines;
}

}  // namespace tinet::test
