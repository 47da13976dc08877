#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/process/user_files.h"

namespace tinet {

namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { static_cast<void>(::closedir(directory)); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

/// Opens a directory of `parent`; neither a symbolic link nor another mount gets past this.
Directory open_below(int parent, const char* name, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
  UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, parent, name, &how, sizeof how)));
  if (const int error = errno; !fd) {
    if (error == EXDEV) {
      throw_conflict("cannot remove '" + path + "': something is mounted on it",
                     "unmount it first");
    }
    throw_errno(error, "cannot remove '" + path + "'");
  }
  Directory directory(::fdopendir(fd.get()));
  if (const int error = errno; !directory) {
    throw_errno(error, "cannot remove '" + path + "'");
  }
  static_cast<void>(fd.release());
  return directory;
}

bool is_dot(const char* name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

void remove_entry(int parent, const char* name, const std::string& path) {
  if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) {
    return;
  }
  if (const int error = errno; error == EBUSY) {
    throw_conflict("cannot remove '" + path + "': something is mounted on it", "unmount it first");
  } else if (error != EISDIR && error != EPERM) {
    throw_errno(error, "cannot remove '" + path + "'");
  }
  const Directory directory = open_below(parent, name, path);
  while (const dirent* entry = ::readdir(directory.get())) {
    if (!is_dot(entry->d_name)) {
      remove_entry(::dirfd(directory.get()), entry->d_name, path + "/" + entry->d_name);
    }
  }
  const int result = ::unlinkat(parent, name, AT_REMOVEDIR);
  if (const int error = errno; result != 0 && error != ENOENT) {
    throw_errno(error, "cannot remove '" + path + "'");
  }
}

}  // namespace

void remove_tree(const RunAs& as, const std::string& path) {
  const auto slash = path.rfind('/');
  if (!path.starts_with('/') || slash + 1 == path.size()) {
    throw_usage("cannot remove '" + path + "': give an absolute path without a slash at its end");
  }
  run_as_user(as, [&] {
    const std::string parent_path = path.substr(0, slash + 1);
    const UniqueFd parent(::open(parent_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (const int error = errno; !parent) {
      if (error == ENOENT) {
        return RunResult{};
      }
      throw_errno(error, "cannot remove '" + path + "'");
    }
    remove_entry(parent.get(), path.c_str() + slash + 1, path);
    return RunResult{};
  });
}

}  // namespace tinet
