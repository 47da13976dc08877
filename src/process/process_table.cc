#include "src/process/process_table.h"

#include <cerrno>
#include <charconv>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/base/unique_fd.h"

namespace tinet {

namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { static_cast<void>(::closedir(directory)); }
};

/// The fields behind the program's name, which may hold blanks and brackets itself.
std::optional<std::string> stat_fields(pid_t pid) {
  const UniqueFd file(
      ::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  char text[1024];  // 52 numbers and a name of at most 64 bytes
  const ssize_t size = file ? ::read(file.get(), text, sizeof text) : -1;
  if (size <= 0) {
    return std::nullopt;
  }
  const std::string_view line(text, static_cast<std::size_t>(size));
  const auto end = line.rfind(')');
  return end == std::string_view::npos ? std::nullopt
                                       : std::optional<std::string>(line.substr(end + 1));
}

std::vector<pid_t> own_children_by_parent() {
  std::vector<pid_t> found;
  const pid_t self = ::getpid();
  for (const ProcessEntry& entry : read_processes()) {
    if (entry.parent == self) {
      found.push_back(entry.pid);
    }
  }
  return found;
}

}  // namespace

std::optional<ProcessEntry> read_process(pid_t pid) {
  const auto text = stat_fields(pid);
  if (!text) {
    return std::nullopt;
  }
  std::istringstream fields(*text);
  const auto skip = [&fields](int count) {
    for (std::string word; count > 0 && fields >> word; --count) {
    }
  };
  ProcessEntry entry{.pid = pid};
  char state = 0;
  long threads = 0;
  fields >> state >> entry.parent >> entry.group;
  skip(14);
  fields >> threads;
  skip(1);
  if (!(fields >> entry.started)) {
    return std::nullopt;
  }
  // A first thread that has ended shows as a zombie while the others run on.
  entry.ended = (state == 'Z' || state == 'X') && threads <= 1;
  return entry;
}

std::vector<int> numbers_in(const std::string& path) {
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (const int error = errno; !directory) {
    throw_errno(error, "cannot read '" + path + "'");
  }
  std::vector<int> numbers;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name(entry->d_name);
    int number = 0;
    const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{} && stop == name.data() + name.size()) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

std::vector<pid_t> all_pids() {
  return numbers_in("/proc");
}

std::vector<pid_t> own_children() {
  std::vector<pid_t> found;
  for (const pid_t thread : numbers_in("/proc/self/task")) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/children");
    if (!file) {
      return own_children_by_parent();
    }
    for (pid_t pid = 0; file >> pid;) {
      found.push_back(pid);
    }
  }
  return found;
}

std::vector<ProcessEntry> read_processes() {
  std::vector<ProcessEntry> table;
  for (const pid_t pid : all_pids()) {
    if (const auto entry = read_process(pid)) {
      table.push_back(*entry);
    }
  }
  return table;
}

std::vector<ProcessEntry> descendants(const std::vector<ProcessEntry>& table,
                                      const std::vector<pid_t>& roots) {
  std::multimap<pid_t, const ProcessEntry*> children;
  const std::set<pid_t> wanted(roots.begin(), roots.end());
  std::vector<ProcessEntry> found;
  std::set<pid_t> seen;
  for (const ProcessEntry& entry : table) {
    children.emplace(entry.parent, &entry);
    if (wanted.contains(entry.pid) && seen.insert(entry.pid).second) {
      found.push_back(entry);
    }
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto [begin, end] = children.equal_range(found[i].pid);
    for (auto child = begin; child != end; ++child) {
      if (seen.insert(child->second->pid).second) {
        found.push_back(*child->second);
      }
    }
  }
  return found;
}

}  // namespace tinet
