#include "src/process/mount_steps.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet {

namespace {

// <sys/mount.h> has these only since glibc 2.36, and not next to <linux/mount.h>.
int open_tree(const char* path) noexcept {
  return static_cast<int>(
      ::syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
}

int move_mount(int tree, const char* target) noexcept {
  return static_cast<int>(::syscall(SYS_move_mount, tree, "", AT_FDCWD, target,
                                    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS));
}

int move_mount_to(int tree, int target) noexcept {
  return static_cast<int>(::syscall(SYS_move_mount, tree, "", target, "",
                                    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

/// Adds flags to every mount of this namespace.
int add_mount_flags_below_root(std::uint64_t flags) noexcept {
  mount_attr attributes{};
  attributes.attr_set = flags;
  return static_cast<int>(
      ::syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attributes, sizeof attributes));
}

/// Adds flags and clears none: those of a mount that another user namespace owns are locked.
int add_mount_flags(int tree, std::uint64_t flags) noexcept {
  mount_attr attributes{};
  attributes.attr_set = flags;
  return static_cast<int>(
      ::syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes));
}

/// Takes the owner's rights for path lookups and new files while it lives, keeping CAP_SYS_ADMIN.
class OwnerRights {
 public:
  explicit OwnerRights(const std::optional<UserIds>& owner) noexcept {
    if (owner && owner->uid != ::geteuid()) {
      static_cast<void>(::syscall(SYS_setgroups, owner->groups.size(), owner->groups.data()));
      gid_ = ::setfsgid(owner->gid);
      uid_ = ::setfsuid(owner->uid);
      changed_ = true;
    }
  }
  OwnerRights(const OwnerRights&) = delete;
  OwnerRights& operator=(const OwnerRights&) = delete;
  OwnerRights(OwnerRights&&) = delete;
  OwnerRights& operator=(OwnerRights&&) = delete;
  ~OwnerRights() {
    if (changed_) {
      static_cast<void>(::setfsuid(static_cast<uid_t>(uid_)));
      static_cast<void>(::setfsgid(static_cast<gid_t>(gid_)));
    }
  }

 private:
  int uid_ = 0;
  int gid_ = 0;
  bool changed_ = false;
};

MountFailure failure(MountStep step, int error, std::size_t index = 0) noexcept {
  return {.step = step, .error = error, .index = static_cast<int>(index)};
}

/// Opens `name` in `directory`, making it when it is missing: a directory, or an empty file.
/// Symbolic links are not followed: the directory belongs to the user.
int open_or_make(int directory, const char* name, bool is_directory) noexcept {
  const int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC | (is_directory ? O_DIRECTORY : 0);
  const int present = ::openat(directory, name, flags);
  if (present >= 0 || errno != ENOENT) {
    return present;
  }
  if (is_directory) {
    if (::mkdirat(directory, name, 0755) != 0) {
      return -1;
    }
  } else {
    const int file = ::openat(directory, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    if (file < 0) {
      return -1;
    }
    ::close(file);
  }
  return ::openat(directory, name, flags);
}

/// The mount point of a kept path below the private /tmp, or -1 with errno.
int open_mount_point(const KeptPath& kept) noexcept {
  struct stat info {};
  if (::fstat(kept.tree_fd, &info) != 0) {
    return -1;
  }
  int at = ::open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (std::size_t i = 0; at >= 0 && i < kept.components.size(); ++i) {
    const bool last = i + 1 == kept.components.size();
    const int next = open_or_make(at, kept.components[i].c_str(), !last || S_ISDIR(info.st_mode));
    const int error = errno;
    ::close(at);
    errno = error;
    at = next;
  }
  return at;
}

MountFailure cover_tmp(PreparedMounts& mounts) noexcept {
  if (mounts.plan.tmp_source.empty()) {
    return {};
  }
  const OwnerRights rights(mounts.owner);
  for (std::size_t i = 0; i < mounts.kept.size(); ++i) {
    mounts.kept[i].tree_fd = open_tree(mounts.kept[i].path.c_str());
    if (mounts.kept[i].tree_fd < 0) {
      return failure(MountStep::OpenKept, errno, i);
    }
  }
  const int tmp = open_tree(mounts.plan.tmp_source.c_str());
  if (tmp < 0) {
    return failure(MountStep::OpenTmp, errno);
  }
  if (add_mount_flags(tmp, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV) != 0 ||
      move_mount(tmp, "/tmp") != 0) {
    return failure(MountStep::CoverTmp, errno);
  }
  for (std::size_t i = 0; i < mounts.kept.size(); ++i) {
    const int point = open_mount_point(mounts.kept[i]);
    if (point < 0) {
      return failure(MountStep::MakeMountPoint, errno, i);
    }
    if (move_mount_to(mounts.kept[i].tree_fd, point) != 0) {
      return failure(MountStep::BindKept, errno, i);
    }
    ::close(point);
  }
  return {};
}

bool write_all(int fd, const std::string& text) noexcept {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t written = ::write(fd, text.data() + done, text.size() - done);
    if (written < 0) {
      return false;
    }
    done += static_cast<std::size_t>(written);
  }
  return true;
}

/// The file lives on a tmpfs that only this bind still refers to. /proc, which exists everywhere
/// and is covered afterwards anyway, lends its place for the moment of writing.
MountFailure bind_hosts(const PreparedMounts& mounts) noexcept {
  if (mounts.plan.hosts.empty()) {
    return {};
  }
  if (::mount("tinet-hosts", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755") !=
      0) {
    return failure(MountStep::WriteHosts, errno);
  }
  const int file = ::open("/proc/hosts", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
  if (file < 0 || ::fchmod(file, 0644) != 0 || !write_all(file, mounts.plan.hosts)) {
    return failure(MountStep::WriteHosts, errno);
  }
  ::close(file);
  const int tree = open_tree("/proc/hosts");
  if (tree < 0 || ::umount2("/proc", MNT_DETACH) != 0 ||
      add_mount_flags(tree, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                MOUNT_ATTR_NOEXEC) != 0 ||
      move_mount(tree, "/etc/hosts") != 0) {
    return failure(MountStep::BindHosts, errno);
  }
  return {};
}

MountFailure mask_directories(const PreparedMounts& mounts) noexcept {
  for (std::size_t i = 0; i < mounts.plan.masked.size(); ++i) {
    if (::mount("tinet-mask", mounts.plan.masked[i].c_str(), "tmpfs",
                MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,mode=0555") != 0 &&
        errno != ENOENT && errno != ENOTDIR) {
      return failure(MountStep::Mask, errno, i);
    }
  }
  return {};
}

std::vector<std::string> checked_components(const std::string& path) {
  if (!path.starts_with('/')) {
    throw_usage("path '" + path + "' is not absolute");
  }
  std::vector<std::string> parts = split(path, '/');
  std::erase_if(parts, [](const std::string& part) { return part.empty() || part == "."; });
  if (std::find(parts.begin(), parts.end(), "..") != parts.end()) {
    throw_usage("path '" + path + "' contains '..'");
  }
  return parts;
}

}  // namespace

PreparedMounts prepare_mounts(const MountPlan& plan, const UserIds* owner) {
  PreparedMounts mounts;
  mounts.plan = plan;
  if (owner != nullptr) {
    mounts.owner = *owner;
  }
  for (const std::string& path : plan.masked) {
    static_cast<void>(checked_components(path));
  }
  std::vector<std::vector<std::string>> under_tmp;
  for (const std::string& path : plan.kept_under_tmp) {
    std::vector<std::string> parts = checked_components(path);
    if (parts.size() > 1 && parts.front() == "tmp") {
      parts.erase(parts.begin());
      under_tmp.push_back(std::move(parts));
    }
  }
  // In order, a directory comes right before what it contains.
  std::sort(under_tmp.begin(), under_tmp.end());
  for (std::vector<std::string>& parts : under_tmp) {
    if (!mounts.kept.empty()) {
      const std::vector<std::string>& last = mounts.kept.back().components;
      if (last.size() <= parts.size() && std::equal(last.begin(), last.end(), parts.begin())) {
        continue;
      }
    }
    mounts.kept.push_back(
        {.path = "/tmp/" + join(parts, "/"), .components = std::move(parts), .tree_fd = -1});
  }
  return mounts;
}

MountFailure perform_mounts(PreparedMounts& mounts) noexcept {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return failure(MountStep::MakePrivate, errno);
  }
  // Nothing inside can gain a privilege anyway. Said at the mounts as well, the kernel ignores file
  // capabilities instead of refusing to execute a program that has some, like ping.
  if (add_mount_flags_below_root(MOUNT_ATTR_NOSUID) != 0) {
    return failure(MountStep::NoSuid, errno);
  }
  ::umask(022);
  if (const MountFailure failed = cover_tmp(mounts); failed.error != 0) {
    return failed;
  }
  if (const MountFailure failed = bind_hosts(mounts); failed.error != 0) {
    return failed;
  }
  if (mounts.plan.mount_proc &&
      ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return failure(MountStep::MountProc, errno);
  }
  return mask_directories(mounts);
}

std::string describe(const MountFailure& failure, const PreparedMounts& mounts) {
  const auto index = static_cast<std::size_t>(failure.index);
  switch (failure.step) {
    case MountStep::Done:
      break;
    case MountStep::MakePrivate:
      return "cannot make the mounts private";
    case MountStep::NoSuid:
      return "cannot make the mounts nosuid";
    case MountStep::OpenKept:
      return "cannot open '" + mounts.kept.at(index).path + "' to keep it visible under /tmp";
    case MountStep::OpenTmp:
      return "cannot open the private /tmp '" + mounts.plan.tmp_source + "'";
    case MountStep::CoverTmp:
      return "cannot bind '" + mounts.plan.tmp_source + "' over /tmp";
    case MountStep::MakeMountPoint:
      return "cannot make the mount point of '" + mounts.kept.at(index).path + "'";
    case MountStep::BindKept:
      return "cannot bind '" + mounts.kept.at(index).path + "' into the private /tmp";
    case MountStep::WriteHosts:
      return "cannot write the instance's hosts file";
    case MountStep::BindHosts:
      return "cannot bind the instance's hosts file over '/etc/hosts'";
    case MountStep::MountProc:
      return "cannot mount /proc";
    case MountStep::Mask:
      return "cannot mask '" + mounts.plan.masked.at(index) + "'";
  }
  return "cannot build the sandbox";
}

}  // namespace tinet
