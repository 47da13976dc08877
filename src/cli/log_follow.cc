#include "src/cli/log_follow.h"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "src/base/error.h"
#include "src/process/user_files.h"

namespace tinet::cli {

namespace {

void read_rest(int fd, std::string& text) {
  char buffer[16384];
  ssize_t got = 0;
  while ((got = ::read(fd, buffer, sizeof(buffer))) > 0) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

}  // namespace

LogFollower::LogFollower(UserIds reader, std::string path)
    : reader_(std::move(reader)), path_(std::move(path)) {
  watch_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (const int error = errno; !watch_) {
    throw_errno(error, "cannot watch '" + path_ + "'");
  }
  // The directory, not the file: a rotated log is another file under the same name.
  const std::string directory = std::filesystem::path(path_).parent_path().string();
  const std::uint32_t events = IN_MODIFY | IN_CREATE | IN_MOVED_TO;
  const int added = ::inotify_add_watch(watch_.get(), directory.c_str(), events);
  if (const int error = errno; added < 0) {
    throw_errno(error, "cannot watch '" + directory + "'");
  }
}

void LogFollower::drain_watch() noexcept {
  char buffer[4096];
  while (::read(watch_.get(), buffer, sizeof(buffer)) > 0) {
  }
}

bool LogFollower::was_replaced() const {
  struct stat open_file {};
  struct stat named_file {};
  return ::fstat(file_.get(), &open_file) != 0 ||
         (::stat(path_.c_str(), &named_file) == 0 &&
          (open_file.st_ino != named_file.st_ino || open_file.st_dev != named_file.st_dev));
}

std::string LogFollower::read_new() {
  // First the events, then the file: what is appended in between raises a new event.
  drain_watch();
  std::string text;
  if (file_) {
    const bool replaced = was_replaced();
    read_rest(file_.get(), text);
    if (!replaced) {
      return text;
    }
  }
  file_ = open_for_reading({.user = reader_}, path_);
  if (file_) {
    read_rest(file_.get(), text);
  }
  return text;
}

}  // namespace tinet::cli
