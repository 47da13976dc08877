#include "src/api/directory.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet {

namespace {

struct CloseDir {
  void operator()(DIR* dir) const noexcept { static_cast<void>(::closedir(dir)); }
};

[[noreturn]] void throw_in_the_way(const std::string& path, const std::string& why) {
  throw_conflict("cannot use state directory '" + path + "': " + why,
                 "remove it, or set XDG_RUNTIME_DIR to a directory of your own");
}

bool belongs_to_another(int parent, const std::string& name) {
  struct stat attributes {};
  return ::fstatat(parent, name.c_str(), &attributes, AT_SYMLINK_NOFOLLOW) == 0 &&
         attributes.st_uid != ::geteuid();
}

/// How often a directory may be removed between two steps of its making: more often than anybody
/// who does not mean to.
constexpr int kTriesMax = 10'000;

/// Opens `name` in `parent`, making it when it is missing.
/// @return empty when `parent` or the directory itself was removed meanwhile
UniqueFd enter(int parent, const std::string& name, const std::string& path, bool is_ours,
               mode_t mode) {
  if (::mkdirat(parent, name.c_str(), mode) != 0) {
    if (const int error = errno; error == ENOENT) {
      return {};
    } else if (error != EEXIST && error != EROFS && error != EACCES) {
      throw_errno(error, "cannot make directory '" + path + "'");
    }
  }
  const int follow = is_ours ? O_NOFOLLOW : 0;
  UniqueFd directory(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow));
  if (const int error = errno; !directory) {
    if (error == ENOENT) {
      return {};
    }
    if (is_ours && (error == ELOOP || error == ENOTDIR)) {
      throw_in_the_way(path, "it is no directory");
    }
    if (is_ours && error == EACCES && belongs_to_another(parent, name)) {
      throw_in_the_way(path, "it belongs to another user");
    }
    throw_errno(error, "cannot open directory '" + path + "'");
  }
  return directory;
}

/// One attempt to make and open all directories of a path.
/// @return empty when one of them was removed meanwhile
UniqueFd walk(const std::vector<std::string>& names, mode_t mode) {
  UniqueFd directory(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (const int error = errno; !directory) {
    throw_errno(error, "cannot open '/'");
  }
  std::string walked;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool is_ours = i + 2 >= names.size();
    walked += "/" + names[i];
    // Directories further up that are missing (/run/tinet) are made for everybody to walk through.
    directory = enter(directory.get(), names[i], walked, is_ours, is_ours ? mode : 0755);
    if (!directory) {
      return {};
    }
    if (!is_ours) {
      continue;
    }
    if (stat_of(directory.get()).st_uid != ::geteuid()) {
      throw_in_the_way(walked, "it belongs to another user");
    }
    if (::fchmod(directory.get(), mode) != 0) {
      const int error = errno;
      throw_errno(error, "cannot set the mode of directory '" + walked + "'");
    }
  }
  return directory;
}

}  // namespace

struct stat stat_of(int fd) noexcept {
  struct stat attributes {};
  if (::fstat(fd, &attributes) != 0) {
    attributes = {};
  }
  return attributes;
}

UniqueFd open_directory(int parent, const std::string& name) noexcept {
  return UniqueFd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

UniqueFd make_private_directory(const std::string& path, mode_t mode) {
  std::vector<std::string> names;
  for (auto& name : split(path, '/')) {
    if (!name.empty()) {
      names.push_back(std::move(name));
    }
  }
  if (path.empty() || path.front() != '/' || names.empty()) {
    throw_usage("state directory '" + path + "' is not an absolute path");
  }
  for (int attempt = 0; attempt < kTriesMax; ++attempt) {
    if (UniqueFd directory = walk(names, mode)) {
      return directory;
    }
  }
  throw_errno(ENOENT, "cannot make directory '" + path + "'");
}

void remove_empty_place(const std::string& state_path) noexcept {
  constexpr std::string_view kPrefix = "tinet-";
  const auto end = state_path.rfind('/');
  if (end == std::string::npos || end == 0) {
    return;
  }
  const std::string place = state_path.substr(0, end);
  const std::string_view name = std::string_view(place).substr(place.rfind('/') + 1);
  const std::string_view uid = name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : "";
  if (!uid.empty() && uid.find_first_not_of("0123456789") == std::string_view::npos) {
    static_cast<void>(::rmdir(place.c_str()));  // fails while anything is in it
  }
}

bool remove_contents(int directory, int depth, const char* keep) noexcept {
  // fdopendir(3) takes the descriptor over, and a duplicate would share its position.
  const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) {
    return false;
  }
  const std::unique_ptr<DIR, CloseDir> listing(::fdopendir(copy));
  if (!listing) {
    static_cast<void>(::close(copy));
    return false;
  }
  bool all_removed = true;
  while (const dirent* entry = ::readdir(listing.get())) {
    const char* name = entry->d_name;
    if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0 ||
        (keep != nullptr && std::strcmp(name, keep) == 0) || ::unlinkat(directory, name, 0) == 0) {
      continue;
    }
    const UniqueFd child(
        ::openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    const bool is_empty = child && depth > 0 && remove_contents(child.get(), depth - 1);
    all_removed &= is_empty && ::unlinkat(directory, name, AT_REMOVEDIR) == 0;
  }
  return all_removed;
}

}  // namespace tinet
