#include "src/api/state_dir.h"

#include <cerrno>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include <boost/json.hpp>

#include "src/api/cluster_lock.h"
#include "src/api/directory.h"
#include "src/base/error.h"

namespace tinet {

namespace {

/// STATE/netns/NAME, and one to spare.
constexpr int kDepthMax = 3;
/// How often the directory may vanish under us while clusters of the same tag end.
constexpr int kTriesMax = 16;

void write_all(int fd, std::string_view text, const std::string& what) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (const int error = errno; written < 0) {
      if (error == EINTR) {
        continue;
      }
      throw_errno(error, "cannot write " + what);
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

StateDir::StateDir(std::string path, StateOwner owner, UniqueFd directory, UniqueFd lock)
    : path_(std::move(path)),
      owner_(owner),
      directory_(std::move(directory)),
      lock_(std::move(lock)) {}

StateDir StateDir::create(const std::string& path, StateOwner owner) {
  const std::string tag = path.substr(path.rfind('/') + 1);
  check_tag(tag);
  const bool is_root = ::geteuid() == 0;
  for (int attempt = 0; attempt < kTriesMax; ++attempt) {
    UniqueFd directory = make_private_directory(path, is_root ? 0755 : 0700);
    auto locking = try_lock(directory.get());
    if (locking.directory_gone) {
      continue;
    }
    if (!locking.lock) {
      break;
    }
    static_cast<void>(remove_contents(directory.get(), kDepthMax, kLockName));
    StateDir state(path, owner, std::move(directory), std::move(locking.lock));
    // The owner asks whether the lock is held; nobody else can open it and so get in the way.
    state.give_to_owner(state.lock_.get(), 0600, kLockName);
    state.write_pid();
    return state;
  }
  throw_conflict("cluster '" + tag + "' is already running",
                 "stop it with 'tinet stop -T " + tag + "', or choose another --tag");
}

void StateDir::write_state(const boost::json::value& document) {
  const UniqueFd file = open_file("state.json.new", O_WRONLY | O_CREAT | O_TRUNC);
  write_all(file.get(), boost::json::serialize(document) + "\n", "'" + path_ + "/state.json'");
  const bool is_replaced =
      ::fsync(file.get()) == 0 &&
      ::renameat(directory_.get(), "state.json.new", directory_.get(), "state.json") == 0 &&
      ::fsync(directory_.get()) == 0;
  if (const int error = errno; !is_replaced) {
    throw_errno(error, "cannot replace '" + path_ + "/state.json'");
  }
}

UniqueFd StateDir::open_append(const std::string& name) {
  return open_file(name, O_WRONLY | O_CREAT | O_APPEND);
}

UniqueFd StateDir::open_file(const std::string& name, int flags) {
  UniqueFd file(::openat(directory_.get(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (const int error = errno; !file) {
    throw_errno(error, "cannot create '" + path_ + "/" + name + "'");
  }
  // Readable, not writable: root acts on what its supervisor wrote there.
  if (::geteuid() == 0 && (::fchown(file.get(), static_cast<uid_t>(-1), owner_.gid) != 0 ||
                           ::fchmod(file.get(), 0640) != 0)) {
    const int error = errno;
    throw_errno(error, "cannot set the owner of '" + path_ + "/" + name + "'");
  }
  return file;
}

void StateDir::give_to_owner(int fd, mode_t mode, const std::string& name) const {
  if (::geteuid() == 0 && (::fchown(fd, owner_.uid, owner_.gid) != 0 || ::fchmod(fd, mode) != 0)) {
    const int error = errno;
    throw_errno(error, "cannot set the owner of '" + path_ + "/" + name + "'");
  }
}

void StateDir::link_namespace(const std::string& name, int fd) {
  const std::string link = "netns/" + name;
  const std::string target = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd);
  if (::mkdirat(directory_.get(), "netns", 0755) != 0 && errno != EEXIST) {
    const int error = errno;
    throw_errno(error, "cannot make directory '" + path_ + "/netns'");
  }
  static_cast<void>(::unlinkat(directory_.get(), link.c_str(), 0));
  if (::symlinkat(target.c_str(), directory_.get(), link.c_str()) != 0) {
    const int error = errno;
    throw_errno(error, "cannot create '" + path_ + "/" + link + "'");
  }
}

void StateDir::remove() noexcept {
  if (!lock_) {
    return;
  }
  // The lock goes last, so that nobody takes the directory for a new cluster while it is emptied.
  static_cast<void>(remove_contents(directory_.get(), kDepthMax, kLockName));
  static_cast<void>(::unlinkat(directory_.get(), kLockName, 0));
  static_cast<void>(::rmdir(path_.c_str()));
  remove_empty_place(path_);
  lock_.reset();
  directory_.reset();
}

void StateDir::write_pid() const {
  const std::string text = std::to_string(::getpid()) + "\n";
  // Who reads it can do without: it only tells a supervisor that is ending from one that lives.
  static_cast<void>(::ftruncate(lock_.get(), 0));
  static_cast<void>(::pwrite(lock_.get(), text.data(), text.size(), 0));
}

}  // namespace tinet
