#include <algorithm>
#include <cerrno>
#include <deque>
#include <optional>

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/process/user_files.h"

namespace tinet {

namespace {

constexpr int kLinksMax = 40;  // as the kernel's own limit

std::optional<std::string> link_target(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  return size < 0 ? std::nullopt
                  : std::optional(std::string(target, static_cast<std::size_t>(size)));
}

/// The first directory on the way to `path`, through symbolic links, that cannot be searched; empty
/// when there is none.
std::string blocking_directory(const std::string& path) {
  std::string at;  // without a slash at its end
  std::deque<std::string> rest;
  const auto push_front = [&rest](const std::string& text) {
    const std::vector<std::string> parts = split(text, '/');
    rest.insert(rest.begin(), parts.begin(), parts.end());
  };
  push_front(path);
  for (int links = 0; !rest.empty();) {
    const std::string directory = at.empty() ? "/" : at;
    if (::access(directory.c_str(), X_OK) != 0) {
      return errno == EACCES ? directory : "";
    }
    const std::string name = rest.front();
    rest.pop_front();
    if (name == "..") {
      at.erase(std::min(at.rfind('/'), at.size()));
    } else if (!name.empty() && name != ".") {
      const std::string next = at + "/" + name;
      if (const auto target = link_target(next); target && ++links <= kLinksMax) {
        at = target->starts_with('/') ? "" : at;
        push_front(*target);
      } else {
        at = next;
      }
    }
  }
  return "";
}

std::string_view verb(Access access) {
  switch (access) {
    case Access::Execute:
      return "execute";
    case Access::Read:
      return "read";
    case Access::WriteDirectory:
      break;
  }
  return "make files in";
}

[[noreturn]] void refuse(const AccessCheck& check, const std::string& cause,
                         const std::string& hint = {}) {
  throw_unavailable("cannot " + std::string(verb(check.access)) + " '" + check.path + "': " + cause,
                    hint);
}

[[noreturn]] void explain(const AccessCheck& check, int error) {
  const std::string user = "user " + std::to_string(::geteuid());
  if (error != EACCES) {
    refuse(check, std::generic_category().message(error));
  }
  const std::string directory = blocking_directory(check.path);
  if (directory.empty()) {
    refuse(check, user + " has no permission", "check the file's mode: 'ls -l " + check.path + "'");
  }
  refuse(check, user + " cannot enter directory '" + directory + "'",
         "run 'chmod o+x " + shell_quote(directory) + "', or move the file elsewhere");
}

void check_one(const AccessCheck& check) {
  struct stat info {};
  if (::stat(check.path.c_str(), &info) != 0) {
    explain(check, errno);
  }
  if (check.access == Access::Execute && !S_ISREG(info.st_mode)) {
    refuse(check, "not a regular file");
  }
  if (check.access == Access::WriteDirectory && !S_ISDIR(info.st_mode)) {
    refuse(check, "not a directory");
  }
  const int mode = check.access == Access::Execute ? X_OK
                   : check.access == Access::Read  ? R_OK
                                                   : W_OK | X_OK;
  if (::access(check.path.c_str(), mode) != 0) {
    explain(check, errno);
  }
}

}  // namespace

void access_check(const RunAs& as, const std::vector<AccessCheck>& checks) {
  run_as_user(as, [&] {
    std::for_each(checks.begin(), checks.end(), check_one);
    return RunResult{};
  });
}

}  // namespace tinet
