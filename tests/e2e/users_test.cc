// Several users, several clusters of one user, and users who lack what most have.

#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/people.h"

namespace tinet::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::string network_of(const boost::json::value& status, const std::string& instance) {
  return text_at(named_in(status, "instances", instance), "/network");
}

TEST(TwoUsers, HaveTheSameTagSideBySide) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const Scene of_root;
  const Scene of_user(*user);
  RunOptions options = of_user.options();
  options.env["TINET_TAG"] = of_root.tag();
  ASSERT_TRUE(of_root.start());
  const auto started = of_user.tinet(of_user.start_words(), options);
  ASSERT_TRUE(started.ok()) << started;

  ASSERT_TRUE(of_user.tinet({"partition", "node-0"}, options).ok());
  const auto status = of_user.tinet({"status", "--json"}, options);
  EXPECT_EQ(network_of(boost::json::parse(status.out), "node-0"), "cut");
  EXPECT_EQ(network_of(of_root.json({"status"}), "node-0"), "ok");

  EXPECT_TRUE(of_root.tinet({"stop", "--must-exist"}).ok());
  EXPECT_EQ(of_root.tinet({"status"}).exit_code, 4);
  EXPECT_TRUE(of_user.tinet({"status"}, options).ok());
  EXPECT_TRUE(of_user.tinet({"stop", "--must-exist"}, options).ok());
}

TEST(OneUser, HasClustersOfSeveralTags) {
  const Scene one;
  const Scene two;
  ASSERT_TRUE(one.start());
  ASSERT_TRUE(two.start());
  const auto list = one.tinet({"list"});
  EXPECT_THAT(list.out, AllOf(HasSubstr(one.tag()), HasSubstr(two.tag())));
  ASSERT_TRUE(one.tinet({"partition", "node-0"}).ok());
  EXPECT_EQ(network_of(one.json({"status"}), "node-0"), "cut");
  EXPECT_EQ(network_of(two.json({"status"}), "node-0"), "ok");
  ASSERT_TRUE(one.tinet({"stop", "--must-exist"}).ok());
  EXPECT_THAT(one.left(), IsEmpty());
  EXPECT_EQ(text_at(two.json({"status"}), "/state"), "ready");
}

TEST(OneUser, HasATagOnlyOnceAlsoAcrossBackends) {
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const Scene scene(*user);
  if (is_root()) {
    const auto started = scene.tinet(scene.start_words(), sudo_options(scene, *user));
    ASSERT_TRUE(started.ok()) << started;
  } else {
    ASSERT_TRUE(scene.start());
  }
  const auto again = scene.tinet(scene.start_words());
  EXPECT_EQ(again.exit_code, 4) << again;
  EXPECT_THAT(again.err, HasSubstr("is running already"));
  EXPECT_EQ(text_at(scene.json({"status"}), "/state"), "ready");
}

TEST(StateDirectory, IsPrivateInTmpWithoutXdgRuntimeDir) {
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const std::string id = std::to_string(user->uid);
  TINET_SKIP_UNLESS(!fs::exists("/run/user/" + id), "the user has /run/user/" + id);
  const Scene scene(*user);
  RunOptions options = scene.options();
  options.unset = {"XDG_RUNTIME_DIR"};
  const auto started = scene.tinet(scene.start_words(), options);
  ASSERT_TRUE(started.ok()) << started;
  const auto status = scene.json({"status"});
  EXPECT_EQ(text_at(status, "/state_dir"), "/tmp/tinet-" + id + "/" + scene.tag());
  struct stat attributes {};
  ASSERT_EQ(::stat(("/tmp/tinet-" + id).c_str(), &attributes), 0);
  EXPECT_EQ(attributes.st_uid, user->uid);
  EXPECT_EQ(attributes.st_mode & 07777U, 0700U);
}

TEST(StateDirectory, IsInXdgRuntimeDirWhenThatIsTheUsers) {
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const Scene scene(*user);
  const std::string runtime = scene.path("runtime");
  fs::create_directory(runtime);
  ASSERT_EQ(::chown(runtime.c_str(), user->uid, user->gid), 0);
  RunOptions options = scene.options();
  options.env["XDG_RUNTIME_DIR"] = runtime;
  const auto started = scene.tinet(scene.start_words(), options);
  ASSERT_TRUE(started.ok()) << started;
  const auto status = scene.tinet({"status", "--json"}, options);
  EXPECT_EQ(text_at(boost::json::parse(status.out), "/state_dir"),
            runtime + "/tinet/" + scene.tag());
  EXPECT_TRUE(scene.tinet({"stop", "--must-exist"}, options).ok());
}

/// `tinet start` of an ordinary user who finds in a /tmp of his own what `prepare` makes there.
RunResult start_with_prepared_tmp(const Scene& scene, const User& user,
                                  const std::string& prepare) {
  const std::string uid = std::to_string(user.uid);
  const std::string gid = std::to_string(user.gid);
  scene.write("topology.yaml", kSleepers);
  const std::string become = is_root() ? "setpriv --reuid " + uid + " --regid " + gid +
                                             " --clear-groups --inh-caps=-all env HOME='" +
                                             user.home + "'"
                                       : "unshare --user --map-user=" + uid + " --map-group=" + gid;
  const std::string script =
      // Opened before the new /tmp hides it: the build may lie there.
      "set -e; exec 9<'" + tinet_binary() + "'; topology=$(cat '" + scene.path("topology.yaml") +
      "'); mount -t tmpfs tmpfs /tmp; chmod 1777 /tmp; echo \"$topology\" >/tmp/topology.yaml; " +
      prepare + "; exec " + become + " /proc/self/fd/9 start /tmp/topology.yaml --subnet " +
      scene.subnet();
  std::vector<std::string> argv = {"unshare", "--mount"};
  if (!is_root()) {
    argv.insert(argv.end(), {"--user", "--map-root-user"});
  }
  argv.insert(argv.end(), {"sh", "-c", script});
  RunOptions options = scene.options();
  options.user.reset();
  options.unset = {"XDG_RUNTIME_DIR"};
  return run(argv, options);
}

TEST(StateDirectory, ThatSomebodyElsePutInTmpIsRefused) {
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const std::string id = std::to_string(user->uid);
  TINET_SKIP_UNLESS(!fs::exists("/run/user/" + id), "the user has /run/user/" + id);
  const Scene scene(*user);
  const std::string directory = "/tmp/tinet-" + id;
  std::vector<std::string> traps = {"mkdir -m 777 /tmp/trap; ln -s /tmp/trap " + directory,
                                    "touch " + directory};
  if (is_root()) {
    traps.push_back("mkdir -m 777 " + directory);
    traps.push_back("mkdir -m 700 " + directory);
  }
  for (const auto& trap : traps) {
    SCOPED_TRACE(trap);
    const auto refused = start_with_prepared_tmp(scene, *user, trap);
    EXPECT_EQ(refused.exit_code, 4) << refused;
    EXPECT_THAT(refused.err, HasSubstr(directory));
    EXPECT_THAT(refused.err, HasSubstr("tinet: hint: "));
  }
  EXPECT_THAT(scene.left(MayStay::Data), IsEmpty());
}

TEST(EverythingUnderTmp, StillWorks) {
  const Scene scene;
  const User owner = current_user();
  const std::string program = scene.path("my-sleep");
  fs::copy_file("/bin/sleep", program);
  const std::string config = scene.write("settings", "of the user\n");
  const std::string work = scene.path("work");
  fs::create_directory(work);
  RunOptions options = scene.options();
  options.directory = work;
  const std::string topology = R"(tinet: 1
name: in-tmp
components:
  node:
    count: 2
    program: )" + program + R"(
    args: ["1000000"]
)";
  const auto started = scene.tinet(scene.start_words(topology, {"--data-dir", "data"}), options);
  ASSERT_TRUE(started.ok()) << started;
  const auto status = scene.json({"status"});
  EXPECT_EQ(text_at(status, "/data_dir"), work + "/data");
  EXPECT_EQ(text_at(status, "/instances/0/binary"), program);
  EXPECT_TRUE(scene.tinet({"restart", "node-0"}).ok());
  const auto written = scene.tinet({"exec", "node-0", "--", "sh", "-c", "echo here >>written"});
  EXPECT_TRUE(written.ok()) << written;
  EXPECT_TRUE(fs::exists(work + "/data/node-0/written"));
  EXPECT_TRUE(scene.tinet({"stop", "--must-exist"}).ok());
  EXPECT_TRUE(fs::exists(work + "/data/cluster.json"));
}

TEST(Home, ComesFromThePasswordDatabaseWhenTheVariableIsMissing) {
  const Scene scene;
  RunOptions options = scene.options();
  options.unset = {"HOME"};
  const auto started = scene.tinet(scene.start_words(), options);
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_EQ(text_at(scene.json({"status"}), "/data_dir"), scene.data_dir());
}

TEST(Home, ThatCannotBeWrittenIsAnErrorThatNamesTheWayOut) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const User nobody{65534, 65534, "nobody", "/nonexistent"};
  const Scene scene(nobody);
  const auto refused = scene.tinet(scene.start_words());
  EXPECT_EQ(refused.exit_code, 3) << refused;
  EXPECT_THAT(refused.err, AllOf(HasSubstr("/nonexistent"), HasSubstr("--data-dir")));
  EXPECT_THAT(scene.left(), IsEmpty());
}

}  // namespace
}  // namespace tinet::test
