#include "netns/user_namespace.h"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/base/unique_fd.h"

namespace tinet {

namespace {

void write_once(const char* path, const std::string& text) {
  const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (const int error = errno; !file) {
    throw_errno(error, std::string("cannot open '") + path + "'");
  }
  if (::write(file.get(), text.data(), text.size()) < 0) {
    const int error = errno;
    throw_errno(error, std::string("cannot write '") + path + "'",
                "see what blocks user namespaces: tinet doctor");
  }
}

std::string identity_map(unsigned id) {
  return std::to_string(id) + " " + std::to_string(id) + " 1\n";
}

}  // namespace

void enter_user_namespace() {
  // Read before unshare(): afterwards both are the overflow id until the maps are written.
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (::unshare(CLONE_NEWUSER) < 0) {
    const int error = errno;
    throw_errno(error, "cannot make a user namespace",
                "see what blocks user namespaces: tinet doctor");
  }
  write_once("/proc/self/setgroups", "deny");
  write_once("/proc/self/uid_map", identity_map(uid));
  write_once("/proc/self/gid_map", identity_map(gid));
}

}  // namespace tinet
