#pragma once
/// Who the tests about users and privileges run tinet as, and what they may look at.

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/e2e/scene.h"
#include "tests/support/run.h"

/// Skips the test where `condition`, which only another machine or user can change, does not hold.
#define TINET_SKIP_UNLESS(condition, why) \
  do {                                    \
    if (!(condition)) {                   \
      GTEST_SKIP() << (why);              \
    }                                     \
  } while (false)

/// The same for what could be had here: a failure when everything has to run.
#define TINET_NEED(condition, why)                          \
  do {                                                      \
    if (!(condition)) {                                     \
      if (std::getenv("TINET_REQUIRE_KERNEL") != nullptr) { \
        FAIL() << (why);                                    \
      }                                                     \
      GTEST_SKIP() << (why);                                \
    }                                                       \
  } while (false)

namespace tinet::test {

[[nodiscard]] inline bool is_root() {
  return ::geteuid() == 0;
}

/// An ordinary user with a home: who runs the test, or, for root, somebody root can become.
/// nullopt when root knows nobody but "nobody".
[[nodiscard]] inline std::optional<User> ordinary_user_with_home() {
  const auto user = is_root() ? ordinary_user() : std::optional(current_user());
  struct stat home {};
  const bool has_home = user && ::stat(user->home.c_str(), &home) == 0 && home.st_uid == user->uid;
  return has_home ? user : std::nullopt;
}

inline constexpr const char* kNeedsUser =
    "needs an ordinary user with a home, e.g. tinet-test, which scripts/test makes";
inline constexpr const char* kNeedsRoot = "needs root, to be more than one user";

/// What `sudo` by `user` gives to a program that root starts in the user's scene.
[[nodiscard]] inline RunOptions sudo_options(const Scene& scene, const User& user) {
  RunOptions options;
  options.env = {{"SUDO_UID", std::to_string(user.uid)},
                 {"SUDO_GID", std::to_string(user.gid)},
                 {"SUDO_USER", user.name},
                 {"HOME", "/root"},
                 {"USER", "root"},
                 {"LOGNAME", "root"},
                 {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                 {"TINET_TAG", scene.tag()}};
  options.unset = {"XDG_RUNTIME_DIR"};
  return options;
}

/// errno of `attempt` in a child that is `user` without any other group; 0 when it succeeds.
template <typename Attempt>
[[nodiscard]] int errno_as(const User& user, Attempt attempt) {
  const pid_t child = ::fork();
  if (child == 0) {
    const bool became = ::setgroups(0, nullptr) == 0 &&
                        ::setresgid(user.gid, user.gid, user.gid) == 0 &&
                        ::setresuid(user.uid, user.uid, user.uid) == 0;
    ::_exit(!became ? 255 : attempt() >= 0 ? 0 : errno);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

[[nodiscard]] inline int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int result = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  const int error = errno;
  // Accepted by the kernel is not yet accepted by tinet, which hangs up on strangers.
  char byte = 0;
  const bool hung_up = result == 0 && ::recv(fd.get(), &byte, 1, 0) <= 0;
  errno = hung_up ? ECONNRESET : error;
  return hung_up ? -1 : result;
}

/// The value of a line "NAME:  VALUE" of /proc/PID/status; empty if there is none.
[[nodiscard]] inline std::string status_field(const std::string& text, const std::string& name) {
  auto start = text.find("\n" + name + ":");
  if (start == std::string::npos) {
    return "";
  }
  start += name.size() + 2;
  const auto end = text.find('\n', start);
  std::string value = text.substr(start, end - start);
  const auto first = value.find_first_not_of(" \t");
  const auto last = value.find_last_not_of(" \t");
  return first == std::string::npos ? "" : value.substr(first, last - first + 1);
}

}  // namespace tinet::test
