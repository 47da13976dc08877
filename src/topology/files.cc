#include "src/topology/files.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/base/unique_fd.h"

namespace tinet {
namespace {

constexpr std::size_t kMaxUserFile = std::size_t{1} << 20;

[[noreturn]] void cannot_read(const std::string& path, const std::string& what, int error) {
  throw_usage(what + ": cannot read '" + path + "': " + std::strerror(error));
}

}  // namespace

bool SystemFiles::is_executable(const std::string& path) const {
  struct stat info {};
  // Any execute bit counts: whether the target user may run it is checked as that user later.
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         (info.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
}

bool SystemFiles::exists(const std::string& path) const {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

std::vector<std::string> SystemFiles::list(const std::string& directory) const {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  return names;
}

std::string read_user_file(const std::string& path, const std::string& what) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (const int error = errno; !file) {
    cannot_read(path, what, error);
  }
  std::string content;
  std::string buffer(64UL << 10U, '\0');
  for (;;) {
    const auto count = ::read(file.get(), buffer.data(), buffer.size());
    const int error = errno;
    if (count < 0 && error == EINTR) {
      continue;
    }
    if (count < 0) {
      cannot_read(path, what, error);
    }
    if (count == 0) {
      return content;
    }
    content.append(buffer, 0, static_cast<std::size_t>(count));
    if (content.size() > kMaxUserFile) {
      throw_usage(what + ": '" + path + "' is larger than 1 MiB");
    }
  }
}

Topology load_topology(const std::string& word) {
  if (!names_topology_file(word)) {
    return builtin_topology(word);
  }
  return parse_topology(read_user_file(word, "topology"), word);
}

}  // namespace tinet
