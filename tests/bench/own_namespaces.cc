#include "tests/bench/own_namespaces.h"

#include <cerrno>
#include <filesystem>

#include <sched.h>
#include <sys/mount.h>

#include "src/base/error.h"

namespace tinet::bench {

void enter_namespaces() {
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    const int error = errno;
    throw_errno(error, "cannot make namespaces", "run as root");
  }
  std::filesystem::create_directories("/run/netns");
  if (::mount("tmpfs", "/run/netns", "tmpfs", 0, nullptr) != 0) {
    const int error = errno;
    throw_errno(error, "cannot mount over /run/netns");
  }
}

}  // namespace tinet::bench
