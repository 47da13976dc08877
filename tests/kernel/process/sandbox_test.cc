#include "src/process/sandbox.h"

#include <filesystem>

#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <gmock/gmock.h>

#include "src/process/process_tree.h"
#include "tests/kernel/process/fixture.h"
#include "tests/support/eventually.h"

namespace tinet::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SandboxTest : public ProcessTest {
 protected:
  Sandbox make(MountPlan mounts = {}) {
    return Sandbox::create(executor(), {.name = "node-0",
                                        .netns_fd = netns_.get(),
                                        .mounts = std::move(mounts),
                                        .owner = user_ ? &*user_ : nullptr});
  }

  /// A directory of the target user below dir_.
  std::filesystem::path user_directory(const std::string& name) {
    const std::filesystem::path path = dir_ / name;
    std::filesystem::create_directories(path);
    if (user_) {
      EXPECT_EQ(::chown(path.c_str(), user_->uid, user_->gid), 0);
    }
    return path;
  }

  std::string shows(const Sandbox& sandbox, std::vector<std::string> words) {
    return run({.program = program("prints_status"),
                .args = std::move(words),
                .sandbox = &sandbox,
                .user = user_})
        .text;
  }

  UniqueFd netns_ = make_netns();
};

TEST_F(SandboxTest, ShowsOnlyItsOwnProcesses) {
  Sandbox sandbox = make();
  const std::string listing = shows(sandbox, {"list", "/proc"});
  EXPECT_THAT(listing, ::testing::StartsWith("1\n"));
  std::istringstream lines(listing);
  int processes = 0;
  for (std::string line; std::getline(lines, line);) {
    processes += line.find_first_not_of("0123456789") == std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(processes, 2) << "the reaper and the program itself";
  bury(sandbox);
}

TEST_F(SandboxTest, TakesThePrivilegesAwayToo) {
  Sandbox sandbox = make();
  const std::string text = shows(sandbox, {});
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_EQ(field(text, set), "0000000000000000") << set;
  }
  EXPECT_EQ(field(text, "NoNewPrivs"), "1");
  EXPECT_THAT(text, Not(HasSubstr("fd: 3")));
  bury(sandbox);
}

TEST_F(SandboxTest, LivesInTheGivenNetworkNamespace) {
  Sandbox sandbox = make();
  const std::string inside = shows(sandbox, {"file", "/proc/net/dev"});
  EXPECT_THAT(inside, HasSubstr("lo:"));
  EXPECT_THAT(inside, Not(HasSubstr("eth")));
  bury(sandbox);
}

TEST_F(SandboxTest, CoversTmpAndKeepsWhatIsAskedFor) {
  const auto tmp = user_directory("private");
  const auto data = user_directory("data/deep");
  std::ofstream(dir_ / "data/deep/kept") << "kept content\n";
  std::ofstream(dir_ / "config") << "config content\n";
  std::ofstream(tmp / "own") << "";
  Sandbox sandbox = make({.tmp_source = tmp,
                          .kept_under_tmp = {data, dir_ / "config", dir_ / "data", "/usr/bin",
                                             program("prints_status")},
                          .hosts = "",
                          .masked = {}});
  EXPECT_EQ(shows(sandbox, {"file", data / "kept"}), "kept content\n");
  EXPECT_EQ(shows(sandbox, {"file", dir_ / "config"}), "config content\n");
  // The build may lie under /tmp as well, so there may be more.
  const std::string listed = shows(sandbox, {"list", "/tmp"});
  EXPECT_NE(listed.find("own\n"), std::string::npos) << listed;
  EXPECT_NE(listed.find(dir_.filename().string() + "\n"), std::string::npos) << listed;
  EXPECT_EQ(shows(sandbox, {"list", dir_}), "config\ndata\n") << "only what was kept";
  bury(sandbox);

  struct stat info {};
  ASSERT_EQ(::stat((tmp / dir_.filename()).c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, user_ ? user_->uid : ::geteuid()) << "mount points are the user's";

  Sandbox again =
      make({.tmp_source = tmp, .kept_under_tmp = {dir_ / "config", program("prints_status")}});
  EXPECT_EQ(shows(again, {"file", dir_ / "config"}), "config content\n") << "points are reused";
  bury(again);
}

TEST_F(SandboxTest, DoesNotFollowLinksThatTheUserLeftInHisTmp) {
  const auto tmp = user_directory("private");
  const auto victim = user_directory("victim");
  std::ofstream(dir_ / "config") << "";
  std::filesystem::create_symlink(victim, tmp / dir_.filename());
  EXPECT_THROW(make({.tmp_source = tmp, .kept_under_tmp = {dir_ / "config"}}), Error);
  EXPECT_TRUE(std::filesystem::is_empty(victim));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a failed sandbox left its reaper";
}

TEST_F(SandboxTest, BindsItsOwnHostsFile) {
  const auto before = std::filesystem::last_write_time("/etc/hosts");
  std::string hosts(100'000, '#');
  hosts += "\n198.18.0.11 node-0\n";
  Sandbox sandbox = make({.hosts = hosts});
  EXPECT_EQ(shows(sandbox, {"file", "/etc/hosts"}), hosts);
  EXPECT_THAT(shows(sandbox, {"file", "/proc/mounts"}), HasSubstr("/etc/hosts tmpfs ro,"));
  bury(sandbox);
  EXPECT_EQ(std::filesystem::last_write_time("/etc/hosts"), before);
}

TEST_F(SandboxTest, MasksDirectories) {
  const auto secret = user_directory("secret");
  std::ofstream(secret / "control.sock") << "";
  Sandbox sandbox = make({.masked = {secret, "/nonexistent/directory"}});
  EXPECT_EQ(shows(sandbox, {"list", secret}), "");
  EXPECT_THAT(shows(sandbox, {"list", dir_}), HasSubstr("secret"));
  bury(sandbox);
}

TEST_F(SandboxTest, NamesTheStepAndPathThatFailed) {
  try {
    const Sandbox sandbox = make({.tmp_source = "/nonexistent/tmp"});
    ADD_FAILURE() << "the sandbox was made";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "cannot make the sandbox of 'node-0': cannot open the private /tmp "
                 "'/nonexistent/tmp': No such file or directory");
  }
  EXPECT_THROW(make({.tmp_source = dir_, .kept_under_tmp = {"relative"}}), Error);
  EXPECT_THROW(make({.tmp_source = dir_, .kept_under_tmp = {"/tmp/../etc"}}), Error);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(SandboxTest, ReportsThePidThatTheHostSees) {
  Sandbox sandbox = make();
  const Child child = spawn(
      executor(), {.program = program("ignores_sigterm"), .sandbox = &sandbox, .user = user_});
  std::ifstream file("/proc/" + std::to_string(child.pid()) + "/comm");
  std::string name;
  std::getline(file, name);
  EXPECT_EQ(name, "ignores_sigterm");
  EXPECT_EQ(members(sandbox), std::vector<pid_t>{child.pid()});
  bury(sandbox);
}

TEST_F(SandboxTest, ReaperHoldsNoDescriptors) {
  Sandbox sandbox = make();
  // The pipe on which it said that it is ready is closed right after that word.
  const std::string descriptors = "/proc/" + std::to_string(sandbox.reaper_pid()) + "/fd";
  EXPECT_TRUE(test::eventually([&] { return std::filesystem::is_empty(descriptors); },
                               std::chrono::seconds(5)));
  std::ifstream file("/proc/" + std::to_string(sandbox.reaper_pid()) + "/comm");
  std::string name;
  std::getline(file, name);
  EXPECT_EQ(name, "tinet-reaper");
  bury(sandbox);
}

TEST_F(SandboxTest, RefusesProgramsOnceItIsDead) {
  Sandbox sandbox = make();
  bury(sandbox);
  EXPECT_FALSE(sandbox.alive());
  EXPECT_TRUE(members(sandbox).empty());
  try {
    const Child child = spawn(executor(), {.program = "/bin/true", .sandbox = &sandbox});
    ADD_FAILURE() << "a dead sandbox took a program";
  } catch (const SpawnError& error) {
    EXPECT_EQ(error.step(), SpawnStep::Sandbox);
    EXPECT_THAT(error.what(), HasSubstr("the sandbox is gone"));
  }
}

}  // namespace
}  // namespace tinet::testing
