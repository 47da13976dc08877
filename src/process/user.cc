#include "src/process/user.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "src/base/error.h"

namespace tinet {

namespace {

/// A plain decimal id; -1 is no id for setresuid(2) and chown(2), so it is refused.
std::optional<unsigned> parse_id(const char* text) {
  if (text == nullptr) {
    return std::nullopt;
  }
  const std::string_view word(text);
  unsigned value = 0;
  const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || stop != word.data() + word.size() || word.empty() ||
      value == static_cast<unsigned>(-1)) {
    return std::nullopt;
  }
  return value;
}

void sort_groups(UserIds& user) {
  user.groups.push_back(user.gid);
  std::sort(user.groups.begin(), user.groups.end());
  user.groups.erase(std::unique(user.groups.begin(), user.groups.end()), user.groups.end());
}

void fill_from_password_database(UserIds& user) {
  user.home = "/";
  user.shell = "/bin/sh";
  std::vector<char> buffer(1024);
  passwd entry{};
  passwd* found = nullptr;
  int error = 0;
  while ((error = ::getpwuid_r(user.uid, &entry, buffer.data(), buffer.size(), &found)) == ERANGE) {
    buffer.resize(buffer.size() * 2);
  }
  if (error != 0 || found == nullptr) {
    return;  // a uid without an entry is usual in containers
  }
  user.name = entry.pw_name;
  if (entry.pw_dir != nullptr && *entry.pw_dir == '/') {
    user.home = entry.pw_dir;
  }
  if (entry.pw_shell != nullptr && *entry.pw_shell == '/') {
    user.shell = entry.pw_shell;
  }
}

std::vector<gid_t> groups_of(const std::string& name, gid_t gid) {
  int count = 32;
  std::vector<gid_t> groups;
  do {
    groups.resize(static_cast<std::size_t>(count));
  } while (::getgrouplist(name.c_str(), gid, groups.data(), &count) < 0 &&
           static_cast<std::size_t>(count) > groups.size());
  groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  return groups;
}

}  // namespace

UserIds user_with_ids(uid_t uid, gid_t gid) {
  UserIds user;
  user.uid = uid;
  user.gid = gid;
  fill_from_password_database(user);
  if (!user.name.empty()) {
    user.groups = groups_of(user.name, gid);
  }
  sort_groups(user);
  return user;
}

UserIds current_user() {
  UserIds user;
  user.uid = ::geteuid();
  user.gid = ::getegid();
  fill_from_password_database(user);
  const int count = ::getgroups(0, nullptr);
  if (const int error = errno; count < 0) {
    throw_errno(error, "cannot read this process's groups");
  }
  user.groups.resize(static_cast<std::size_t>(count));
  const int read = ::getgroups(count, user.groups.data());
  if (const int error = errno; read < 0) {
    throw_errno(error, "cannot read this process's groups");
  }
  sort_groups(user);
  return user;
}

UserIds invoking_user() {
  const auto uid = parse_id(std::getenv("SUDO_UID"));
  const auto gid = parse_id(std::getenv("SUDO_GID"));
  if (::geteuid() != 0 || !uid || !gid || *uid == 0) {
    return current_user();
  }
  return user_with_ids(*uid, *gid);
}

}  // namespace tinet
