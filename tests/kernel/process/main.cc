// Runs the tests of src/process with the privilege they need: root as it is; an ordinary user as a
// user of a namespace of his own, before any thread exists. With TINET_TEST_UID=N root becomes that
// ordinary user first. Where namespaces are forbidden the tests are skipped loudly, or fail when
// TINET_REQUIRE_KERNEL is set.

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace {

bool write_file(const char* path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  return static_cast<bool>(file.flush());
}

bool become(const char* uid_text) {
  const auto uid = static_cast<uid_t>(std::atoi(uid_text));
  return ::setgroups(0, nullptr) == 0 && ::setresgid(uid, uid, uid) == 0 &&
         ::setresuid(uid, uid, uid) == 0 &&
         ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;  // /proc/self is ours again
}

/// A user and a mount namespace in which this user is what he was, with all capabilities.
bool enter_user_namespace() {
  const std::string uid = std::to_string(::geteuid());
  const std::string gid = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER) != 0) {
    return false;
  }
  return write_file("/proc/self/setgroups", "deny") &&
         write_file("/proc/self/uid_map", uid + " " + uid + " 1") &&
         write_file("/proc/self/gid_map", gid + " " + gid + " 1");
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (::testing::GTEST_FLAG(list_tests)) {
    return RUN_ALL_TESTS();
  }
  if (const char* uid = std::getenv("TINET_TEST_UID");
      uid != nullptr && ::geteuid() == 0 && !become(uid)) {
    std::perror("cannot become the user of TINET_TEST_UID");
    return 1;
  }
  if (::geteuid() != 0 && !enter_user_namespace()) {
    std::printf("[  SKIPPED ] no user namespaces here: %s\n", std::strerror(errno));
    return std::getenv("TINET_REQUIRE_KERNEL") != nullptr ? 1 : 0;
  }
  return RUN_ALL_TESTS();
}
