#include "src/process/user.h"

#include <cstdlib>

#include <unistd.h>

#include <gmock/gmock.h>

namespace tinet {
namespace {

/// SUDO_UID and SUDO_GID for the time of a test.
class SudoEnvironment {
 public:
  SudoEnvironment(const char* uid, const char* gid) {
    ::setenv("SUDO_UID", uid, 1);
    ::setenv("SUDO_GID", gid, 1);
  }
  SudoEnvironment(const SudoEnvironment&) = delete;
  SudoEnvironment& operator=(const SudoEnvironment&) = delete;
  SudoEnvironment(SudoEnvironment&&) = delete;
  SudoEnvironment& operator=(SudoEnvironment&&) = delete;
  ~SudoEnvironment() {
    ::unsetenv("SUDO_UID");
    ::unsetenv("SUDO_GID");
  }
};

TEST(InvokingUser, IsTheCallerWithoutSudo) {
  const UserIds user = invoking_user();
  EXPECT_EQ(user.uid, ::geteuid());
  EXPECT_EQ(user.gid, ::getegid());
  EXPECT_THAT(user.groups, ::testing::Contains(user.gid));
  EXPECT_THAT(user.home, ::testing::StartsWith("/"));
}

TEST(InvokingUser, IsSudosUserForRootOnly) {
  const SudoEnvironment sudo("1234567", "7654321");
  const UserIds user = invoking_user();
  if (::geteuid() == 0) {
    EXPECT_EQ(user.uid, 1234567U);
    EXPECT_EQ(user.gid, 7654321U);
    EXPECT_EQ(user.home, "/") << "unknown to the password database";
    EXPECT_THAT(user.groups, ::testing::ElementsAre(7654321U));
  } else {
    EXPECT_EQ(user.uid, ::geteuid());
  }
}

TEST(InvokingUser, IgnoresNonsense) {
  for (const char* word : {"", "-1", "0", "12x", "4294967295", "99999999999"}) {
    const SudoEnvironment sudo(word, "1000");
    EXPECT_EQ(invoking_user().uid, ::geteuid()) << word;
  }
}

TEST(UserWithIds, ReadsThePasswordDatabase) {
  const UserIds root = user_with_ids(0, 0);
  EXPECT_EQ(root.name, "root");
  EXPECT_EQ(root.home, "/root");
}

}  // namespace
}  // namespace tinet
