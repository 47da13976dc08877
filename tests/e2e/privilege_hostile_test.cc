// A program in an instance that attacks what holds it, and strangers at the cluster's door.

#include <algorithm>
#include <filesystem>
#include <sstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/people.h"

namespace tinet::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Where a control socket of this cluster is, and where others of the user may be.
std::vector<std::string> doors(const Scene& scene, const std::string& uid) {
  const auto status = scene.json({"status"});
  const std::string state = text_at(status, "/state_dir");
  return {text_at(status, "/control_socket"),
          state,
          state + "/netns/switch",
          state + "/netns/node-1",
          "/run/tinet/" + uid,
          "/run/user/" + uid + "/tinet",
          "/tmp/tinet-" + uid};
}

void expect_all_refused(const RunResult& attacks) {
  EXPECT_THAT(attacks.out, HasSubstr("\ndone\n"));
  std::istringstream lines(attacks.out);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_THAT(line, Not(HasSubstr("ALLOWED")));
  }
}

TEST(HostileInstance, GetsNowhere) {
  const Scene scene;
  ASSERT_TRUE(scene.start());
  const auto before = scene.json({"status"});
  std::vector<std::string> attack = {"exec", "node-0", "--", TINET_HOSTILE_PROGRAM,
                                     text_at(before, "/supervisor_pid")};
  const auto paths = doors(scene, std::to_string(::geteuid()));
  attack.insert(attack.end(), paths.begin(), paths.end());

  const auto attacks = scene.tinet(attack);
  SCOPED_TRACE(attacks.out);
  expect_all_refused(attacks);
  for (const char* line :
       {"signal the supervisor: ESRCH", "trace the reaper: EPERM", "open /proc/1/root: EACCES",
        "add a link: EPERM", "read the rules: EPERM", "mount: EPERM", "make a device: EPERM",
        "enter a network namespace: EPERM"}) {
    EXPECT_THAT(attacks.out, HasSubstr(line));
  }
  EXPECT_THAT(attacks.out, AnyOf(HasSubstr("userns: see the bridge: ENODEV"),
                                 HasSubstr("make a user namespace: ")));
  const auto after = scene.json({"status"});
  EXPECT_EQ(text_at(after, "/state"), "ready");
  EXPECT_EQ(text_at(named_in(after, "instances", "node-0"), "/pid"),
            text_at(named_in(before, "instances", "node-0"), "/pid"));
}

TEST(HostileInstance, SeesNoStateDirectoryOfAnyClusterOfTheUser) {
  const Scene scene;
  TempDir runtime;
  const Scene other;
  RunOptions elsewhere = other.options();
  elsewhere.env["XDG_RUNTIME_DIR"] = runtime.path();
  ASSERT_TRUE(scene.start());
  const auto started = other.tinet(other.start_words(), elsewhere);
  ASSERT_TRUE(started.ok()) << started;
  const auto mine = scene.json({"status"});
  const auto theirs = other.tinet({"status", "--json"}, elsewhere);
  const std::string socket = text_at(boost::json::parse(theirs.out), "/control_socket");
  ASSERT_TRUE(fs::exists(socket)) << socket;
  const auto seen = scene.tinet({"exec", "node-0", "--", "test", "-e", socket});
  EXPECT_NE(seen.exit_code, 0) << socket;
  const auto seen_back = other.tinet(
      {"exec", "node-0", "--", "test", "-e", text_at(mine, "/control_socket")}, elsewhere);
  EXPECT_NE(seen_back.exit_code, 0) << text_at(mine, "/control_socket");
  EXPECT_TRUE(other.tinet({"stop"}, elsewhere).ok());
}

TEST(ControlSocket, IsForItsUserAlone) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const User stranger{65534, 65534, "nobody", "/nonexistent"};
  for (const auto& owner : {current_user(), *user}) {
    SCOPED_TRACE(owner.name);
    const Scene scene(owner);
    ASSERT_TRUE(scene.start());
    const auto status = scene.json({"status"});
    const std::string socket = text_at(status, "/control_socket");
    EXPECT_THAT(errno_as(stranger, [&] { return connect_to(socket); }), AnyOf(EACCES, ECONNRESET));
    const std::string state = text_at(status, "/state_dir");
    for (const char* file : {"/state.json", "/journal.jsonl", "/lock", "/netns/switch"}) {
      const std::string path = state + file;
      ASSERT_EQ(::access((state + "/state.json").c_str(), F_OK), 0);
      EXPECT_EQ(errno_as(stranger, [&] { return ::open(path.c_str(), O_RDONLY); }), EACCES) << path;
      EXPECT_EQ(errno_as(stranger, [&] { return ::open(path.c_str(), O_WRONLY); }), EACCES) << path;
    }
    EXPECT_EQ(errno_as(stranger, [&] { return ::unlink(socket.c_str()); }), EACCES);
    EXPECT_EQ(text_at(scene.json({"status"}), "/state"), "ready");
  }
}

}  // namespace
}  // namespace tinet::test
