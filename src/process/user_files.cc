#include "src/process/user_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet {

namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { static_cast<void>(::closedir(directory)); }
};

void require_absolute(const std::string& path) {
  if (!path.starts_with('/')) {
    throw_usage("path '" + path + "' is not absolute");
  }
}

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

void make_directory(const std::string& path, mode_t mode) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    const bool last = slash == std::string::npos;
    const int result = ::mkdir(part.c_str(), last ? mode : 0755);
    const int error = errno;
    if (result != 0 && !is_directory(part)) {
      if (error == EEXIST) {
        throw_conflict("cannot make directory '" + path + "': '" + part + "' is no directory");
      }
      throw_errno(error, "cannot make directory '" + part + "'");
    }
    if (last) {
      return;
    }
  }
}

void write_all(int fd, const std::string& content, const std::string& path) {
  for (std::size_t done = 0; done < content.size();) {
    const ssize_t written = ::write(fd, content.data() + done, content.size() - done);
    if (const int error = errno; written < 0 && error != EINTR) {
      throw_errno(error, "cannot write '" + path + "'");
    }
    done += static_cast<std::size_t>(std::max<ssize_t>(written, 0));
  }
}

void write_one(const FileToWrite& file) {
  const std::string temporary = file.path + ".tmp-" + std::to_string(::getpid());
  UniqueFd fd(
      ::open(temporary.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (const int error = errno; !fd) {
    throw_errno(error, "cannot write '" + file.path + "'");
  }
  try {
    write_all(fd.get(), file.content, file.path);
    if (::fchmod(fd.get(), file.mode) != 0 || ::rename(temporary.c_str(), file.path.c_str()) != 0) {
      const int error = errno;
      throw_errno(error, "cannot write '" + file.path + "'");
    }
  } catch (const Error&) {
    static_cast<void>(::unlink(temporary.c_str()));
    throw;
  }
}

/// A regular file, open for reading. O_NONBLOCK: opening a FIFO must not wait for a writer.
UniqueFd open_regular(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (const int error = errno; !fd) {
    throw_errno(error, "cannot read '" + path + "'");
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    throw_operation("cannot read '" + path + "': not a regular file");
  }
  return fd;
}

/// Up to `limit` bytes from the present position.
std::string read_bytes(int fd, std::size_t limit, const std::string& path) {
  std::string content;
  char buffer[65536];
  while (content.size() < limit) {
    const ssize_t size = ::read(fd, buffer, std::min(sizeof buffer, limit - content.size()));
    if (const int error = errno; size < 0) {
      throw_errno(error, "cannot read '" + path + "'");
    }
    if (size == 0) {
      break;
    }
    content.append(buffer, static_cast<std::size_t>(size));
  }
  return content;
}

void rotate(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || info.st_size == 0) {
    return;
  }
  const std::string names[] = {path + ".3", path + ".2", path + ".1", path};
  for (std::size_t i = 1; i < std::size(names); ++i) {
    const int result = ::rename(names[i].c_str(), names[i - 1].c_str());
    if (const int error = errno; result != 0 && error != ENOENT) {
      throw_errno(error, "cannot rotate log '" + path + "'");
    }
  }
}

}  // namespace

void make_directories(const RunAs& as, const std::vector<std::string>& paths, mode_t mode) {
  std::for_each(paths.begin(), paths.end(), require_absolute);
  run_as_user(as, [&] {
    for (const std::string& path : paths) {
      make_directory(path, mode);
    }
    return RunResult{};
  });
}

void write_files(const RunAs& as, const std::vector<FileToWrite>& files) {
  for (const FileToWrite& file : files) {
    require_absolute(file.path);
  }
  run_as_user(as, [&] {
    std::for_each(files.begin(), files.end(), write_one);
    return RunResult{};
  });
}

std::string read_file(const RunAs& as, const std::string& path, std::size_t limit) {
  require_absolute(path);
  return run_as_user(as,
                     [&] {
                       const UniqueFd fd = open_regular(path);
                       RunResult result{.bytes = read_bytes(fd.get(), limit + 1, path)};
                       if (result.bytes.size() > limit) {
                         throw_operation("cannot read '" + path + "': larger than " +
                                         std::to_string(limit) + " bytes");
                       }
                       return result;
                     })
      .bytes;
}

std::string read_tail(const RunAs& as, const std::string& path, std::size_t bytes) {
  require_absolute(path);
  return run_as_user(
             as,
             [&] {
               if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
                 return RunResult{};
               }
               const UniqueFd fd = open_regular(path);
               const off_t size = ::lseek(fd.get(), 0, SEEK_END);
               const auto wanted = static_cast<off_t>(bytes);
               static_cast<void>(::lseek(fd.get(), std::max<off_t>(size - wanted, 0), SEEK_SET));
               return RunResult{.bytes = read_bytes(fd.get(), bytes, path)};
             })
      .bytes;
}

UniqueFd open_for_reading(const RunAs& as, const std::string& path) {
  require_absolute(path);
  RunResult result = run_as_user(as, [&] {
    RunResult opened;
    // Without O_NONBLOCK, a named pipe would wait for its writer.
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (const int error = errno; !fd && error != ENOENT) {
      throw_errno(error, "cannot open '" + path + "'");
    }
    if (fd) {
      struct stat info {};
      if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
        throw_operation("'" + path + "' is not a regular file");
      }
      opened.fds.push_back(std::move(fd));
    }
    return opened;
  });
  return result.fds.empty() ? UniqueFd() : std::move(result.fds.front());
}

UniqueFd open_log_append(const RunAs& as, const std::string& path, Rotate rotation) {
  require_absolute(path);
  RunResult result = run_as_user(as, [&] {
    if (rotation == Rotate::Yes) {
      rotate(path);
    }
    // Without O_NONBLOCK, a named pipe in its place would wait for a reader.
    UniqueFd fd(::open(path.c_str(),
                       O_CREAT | O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644));
    if (const int error = errno; !fd) {
      throw_errno(error, "cannot open log '" + path + "'");
    }
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
      throw_operation("cannot open log '" + path + "': not a regular file");
    }
    static_cast<void>(::fcntl(fd.get(), F_SETFL, O_APPEND));
    RunResult opened;
    opened.fds.push_back(std::move(fd));
    return opened;
  });
  return std::move(result.fds.at(0));
}

PathKind path_kind(const RunAs& as, const std::string& path) {
  require_absolute(path);
  const RunResult result = run_as_user(as, [&] {
    struct stat info {};
    const int failed = ::lstat(path.c_str(), &info);
    if (const int error = errno; failed != 0 && error != ENOENT && error != ENOTDIR) {
      throw_errno(error, "cannot look at '" + path + "'");
    }
    PathKind kind = PathKind::Other;
    if (failed != 0) {
      kind = PathKind::Missing;
    } else if (S_ISREG(info.st_mode)) {
      kind = PathKind::File;
    } else if (S_ISDIR(info.st_mode)) {
      kind = PathKind::Directory;
    } else if (S_ISLNK(info.st_mode)) {
      kind = PathKind::Symlink;
    }
    return RunResult{.bytes = std::string(1, static_cast<char>(kind))};
  });
  return static_cast<PathKind>(result.bytes.at(0));
}

std::vector<std::string> list_directory(const RunAs& as, const std::string& path) {
  require_absolute(path);
  const RunResult result = run_as_user(as, [&] {
    const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
    if (const int error = errno; !directory) {
      if (error == ENOENT) {
        return RunResult{};
      }
      throw_errno(error, "cannot list '" + path + "'");
    }
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(directory.get())) {
      const std::string name(entry->d_name);
      if (name != "." && name != "..") {
        names.push_back(name);
      }
    }
    std::sort(names.begin(), names.end());
    return RunResult{.bytes = join(names, "/")};  // the one character that no name contains
  });
  return split(result.bytes, '/');
}

}  // namespace tinet
