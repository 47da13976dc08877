#include "netns/userns_hint.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace tinet {
namespace {

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(UserNamespaceHint, NamesTheSysctlOfDebian) {
  EXPECT_TRUE(mentions(user_namespace_hint(false, EPERM, {.unprivileged_clone = "0"}),
                       "kernel.unprivileged_userns_clone=1"));
}

TEST(UserNamespaceHint, BlamesSeccompWhenNoSysctlForbids) {
  EXPECT_TRUE(mentions(user_namespace_hint(false, EPERM, {.unprivileged_clone = "1"}), "seccomp"));
}

// Ubuntu 24.04 grants the namespace and denies what is done in it.
TEST(UserNamespaceHint, BlamesAppArmorWhenTheNamespaceIsEmptyOfRights) {
  const UserNamespaceSettings ubuntu{.unprivileged_clone = "1", .apparmor_restrict = "1"};
  EXPECT_TRUE(mentions(user_namespace_hint(true, EPERM, ubuntu), "AppArmor"));
  EXPECT_TRUE(mentions(user_namespace_hint(true, EACCES, ubuntu), "AppArmor"));
}

TEST(UserNamespaceHint, NamesTheLimits) {
  EXPECT_TRUE(
      mentions(user_namespace_hint(false, ENOSPC, {.max_user = "0"}), "user.max_user_namespaces"));
  EXPECT_TRUE(mentions(user_namespace_hint(false, EUSERS, {}), "nested"));
}

TEST(Describe, ListsTheSysctlsThatExist) {
  EXPECT_EQ(describe(UserNamespaceSettings{.unprivileged_clone = "0", .max_user = "100"}),
            "kernel.unprivileged_userns_clone = 0, user.max_user_namespaces = 100");
  EXPECT_EQ(describe(UserNamespaceSettings{}), "");
}

}  // namespace
}  // namespace tinet
