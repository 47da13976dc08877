// `sudo tinet start`, and then everything else without sudo, by the user who called it.

#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/people.h"

namespace tinet::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Paths at and below `directory` that are not the user's.
std::vector<std::string> foreign_files(const std::string& directory, const User& user) {
  std::vector<std::string> foreign;
  const auto check = [&](const std::string& path) {
    struct stat attributes {};
    if (::lstat(path.c_str(), &attributes) != 0 || attributes.st_uid != user.uid ||
        attributes.st_gid != user.gid) {
      foreign.push_back(path);
    }
  };
  check(directory);
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    check(entry.path());
  }
  return foreign;
}

bool start_with_sudo(const Scene& scene, const User& user,
                     const std::vector<std::string>& more = {}) {
  const auto started = scene.tinet(scene.start_words(kSleepers, more), sudo_options(scene, user));
  EXPECT_TRUE(started.ok()) << started;
  return started.ok();
}

/// Commands that a day with a cluster consists of, none of them with privilege.
void expect_all_commands_work(const Scene& scene, const User& user) {
  const auto status = scene.json({"status"});
  EXPECT_EQ(text_at(status, "/backend"), "netns");
  const auto partition = scene.tinet({"partition", "node-0"});
  EXPECT_TRUE(partition.ok()) << partition;
  EXPECT_EQ(text_at(named_in(scene.json({"status"}), "instances", "node-0"), "/network"), "cut");
  for (const std::vector<std::string>& words : {std::vector<std::string>{"links"},
                                                {"faults"},
                                                {"why", "node-0", "node-1"},
                                                {"heal"},
                                                {"restart", "node-1"},
                                                {"kill", "node-2"},
                                                {"start-instance", "node-2"},
                                                {"list"},
                                                {"events"},
                                                {"logs", "node-0"},
                                                {"pause", "node-0"},
                                                {"resume", "node-0"}}) {
    const auto result = scene.tinet(words);
    EXPECT_TRUE(result.ok()) << words.front() << ": " << result;
  }
  const auto who = scene.tinet({"exec", "node-0", "--", "id", "-u"});
  EXPECT_EQ(who.out, std::to_string(user.uid) + "\n") << who;
}

TEST(Sudo, IsNeededForTheStartAlone) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const Scene scene(*user);
  ASSERT_TRUE(start_with_sudo(scene, *user));
  EXPECT_THAT(foreign_files(scene.data_dir(), *user), IsEmpty());
  expect_all_commands_work(scene, *user);
  EXPECT_THAT(foreign_files(scene.data_dir(), *user), IsEmpty());
  const auto stopped = scene.tinet({"stop", "--must-exist"});
  EXPECT_TRUE(stopped.ok()) << stopped;
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(Sudo, MayAlsoBeUsedForEverythingElse) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const Scene scene(*user);
  ASSERT_TRUE(start_with_sudo(scene, *user));
  for (const std::vector<std::string>& words : {std::vector<std::string>{"status"},
                                                {"partition", "node-0"},
                                                {"restart", "node-1"},
                                                {"exec", "node-0", "--", "true"},
                                                {"logs", "node-0"},
                                                {"stop", "--must-exist"}}) {
    const auto result = scene.tinet(words, sudo_options(scene, *user));
    EXPECT_TRUE(result.ok()) << words.front() << ": " << result;
  }
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(Sudo, GivesInstancesTheUsersGroupsAndNotRoots) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const Scene scene(*user);
  std::vector<std::string> start = {"setpriv", "--groups", "0,1,4", tinet_binary()};
  const auto words = scene.start_words();
  start.insert(start.end(), words.begin(), words.end());
  const auto started = run(start, sudo_options(scene, *user));
  ASSERT_TRUE(started.ok()) << started;
  const auto groups_of_user = run({"id", "-G", user->name});
  const auto groups = scene.tinet({"exec", "node-0", "--", "id", "-G"});
  EXPECT_EQ(groups.out, groups_of_user.out) << groups;
  const std::string pid = text_at(named_in(scene.json({"status"}), "instances", "node-0"), "/pid");
  std::ifstream file("/proc/" + pid + "/status");
  const std::string status{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(status_field(status, "CapBnd"), "0000000000000000");
  EXPECT_EQ(status_field(status, "NoNewPrivs"), "1");
  EXPECT_THAT(" " + status_field(status, "Groups") + " ", Not(HasSubstr(" 0 ")));
}

TEST(Sudo, LeavesCollectedFilesAndKeptDataToTheUser) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const Scene scene(*user);
  ASSERT_TRUE(start_with_sudo(scene, *user));
  const std::string collected = scene.data_dir() + "-collected";
  const std::string saved = scene.data_dir() + "-saved";
  const auto collect = scene.tinet({"collect", collected}, sudo_options(scene, *user));
  EXPECT_TRUE(collect.ok()) << collect;
  EXPECT_THAT(foreign_files(collected, *user), IsEmpty());
  const auto stop =
      scene.tinet({"stop", "--keep-data", "--save", saved}, sudo_options(scene, *user));
  EXPECT_TRUE(stop.ok()) << stop;
  EXPECT_THAT(foreign_files(saved, *user), IsEmpty());
  EXPECT_THAT(foreign_files(scene.data_dir(), *user), IsEmpty());
  fs::remove_all(collected);
  fs::remove_all(saved);
}

TEST(Sudo, DoesNotReadOrWriteWhatTheUserMayNot) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const Scene scene(*user);
  const std::string secret = scene.write("secret", "only root may know\n", 0600);
  ASSERT_TRUE(start_with_sudo(scene, *user));
  const std::string log = text_at(named_in(scene.json({"status"}), "instances", "node-0"), "/log");
  const auto tricked = scene.tinet({"exec", "node-0", "--", "ln", "-sf", secret, log});
  ASSERT_TRUE(tricked.ok()) << tricked;
  const auto logs = scene.tinet({"logs", "node-0"}, sudo_options(scene, *user));
  EXPECT_THAT(logs.out + logs.err, Not(HasSubstr("only root may know")));
  static_cast<void>(scene.tinet({"restart", "node-0"}, sudo_options(scene, *user)));
  std::ifstream file(secret);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(content, "only root may know\n");
  struct stat attributes {};
  ASSERT_EQ(::stat(secret.c_str(), &attributes), 0);
  EXPECT_EQ(attributes.st_uid, 0U);
}

TEST(Sudo, OfTheSystemDoes) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  TINET_NEED(::access("/usr/bin/sudo", X_OK) == 0, "needs sudo");
  const Scene scene(*user);
  // The right to use sudo exists in a mount namespace that ends with this command.
  std::string script =
      "set -e; mount -t tmpfs -o mode=755 sudoers /etc/sudoers.d; umask 337; echo '" + user->name +
      " ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/tinet-test; umask 022; "
      "exec setpriv --reuid " +
      std::to_string(user->uid) + " --regid " + std::to_string(user->gid) +
      " --clear-groups --inh-caps=-all --reset-env sudo -n " + tinet_binary() + " -T " +
      scene.tag();
  for (const auto& word : scene.start_words()) {
    script += " '" + word + "'";
  }
  const auto started = run({"unshare", "--mount", "sh", "-c", script});
  ASSERT_TRUE(started.ok()) << started;
  expect_all_commands_work(scene, *user);
  EXPECT_THAT(foreign_files(scene.data_dir(), *user), IsEmpty());
  EXPECT_TRUE(scene.tinet({"stop", "--must-exist"}).ok());
  EXPECT_THAT(scene.left(), IsEmpty());
}

}  // namespace
}  // namespace tinet::test
