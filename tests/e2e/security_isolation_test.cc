// What an instance cannot reach: another cluster of the same user, and the namespaces of what holds
// it together.

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/exchange.h"
#include "tests/e2e/people.h"
#include "tests/e2e/process_facts.h"

namespace tinet::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string dial_address(const Scene& scene, const std::string& address) {
  const RunResult result = scene.tinet(
      {"exec", "node-0", "--", support_program("tcp_dial"), address, EchoScene::kPort, "500"});
  EXPECT_TRUE(result.ok()) << result;
  return result.out;
}

TEST(TwoClusters, ExchangeNoPacket) {
  const EchoScene first(2);
  const EchoScene second(2);
  ASSERT_TRUE(first.up() && second.up());
  const std::string target = second.address("node-0");
  ASSERT_EQ(dial_address(second, second.address("node-1")), "connected\n");
  EXPECT_THAT(dial_address(first, target), AnyOf("unreachable\n", "silence\n"));

  const auto links = [&] { return boost::json::serialize(second.json({"links"})); };
  const std::string before = links();
  const RunResult burst = first.tinet(
      {"exec", "node-0", "--", support_program("udp_burst"), target, EchoScene::kPort, "100"});
  EXPECT_NE(burst.exit_code, 0) << "datagrams had a way to go: " << burst;
  EXPECT_EQ(links(), before);
}

TEST(TwoClusters, OfTwoUsersWithTheSameAddressesEachReachTheirOwn) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const EchoScene first(2);
  ASSERT_TRUE(first.up());
  const Scene second(*user);
  const RunResult started =
      second.tinet({"start", second.write("topology.yaml", kSleepers), "--subnet", first.subnet()});
  ASSERT_TRUE(started.ok()) << started;
  const std::string address = first.address("node-1");
  ASSERT_EQ(text_at(named_in(second.json({"status"}), "instances", "node-1"), "/address"), address);
  EXPECT_EQ(dial_address(first, address), "connected\n");
  EXPECT_EQ(dial_address(second, address), "refused\n") << "nothing listens in the second cluster";
}

/// The attacks of the program `hostile` on what belongs to another cluster.
TEST(TwoClusters, GiveAnInstanceOfOneNoHoldOnTheOther) {
  const Scene first;
  const Scene second;
  ASSERT_TRUE(first.start());
  ASSERT_TRUE(second.start());
  const auto other = second.json({"status"});
  const std::string state = text_at(other, "/state_dir");
  const std::string instance = text_at(named_in(other, "instances", "node-0"), "/pid");
  for (const auto& pid : {text_at(other, "/supervisor_pid"), instance}) {
    const auto attacks = first.tinet({"exec", "node-0", "--", TINET_HOSTILE_PROGRAM, pid,
                                      text_at(other, "/control_socket"), state,
                                      state + "/netns/switch", state + "/netns/node-0"});
    EXPECT_THAT(attacks.out, HasSubstr("\ndone\n"));
    EXPECT_THAT(attacks.out, HasSubstr("signal the supervisor: ESRCH"));
    EXPECT_THAT(attacks.out, Not(HasSubstr("ALLOWED")));
  }
  const auto after = second.json({"status"});
  EXPECT_EQ(text_at(after, "/state"), "ready");
  EXPECT_EQ(text_at(named_in(after, "instances", "node-0"), "/pid"), instance);
}

/// A process of the user outside of every instance, e.g. any program of a desktop.
TEST(Supervisor, OfRootIsClosedToItsUsersProcesses) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const Scene scene(*user);
  const auto started = scene.tinet(scene.start_words(), sudo_options(scene, *user));
  ASSERT_TRUE(started.ok()) << started;
  const pid_t supervisor = supervisor_of(scene);
  const std::string process = "/proc/" + std::to_string(supervisor);
  for (const char* file : {"/ns/net", "/ns/mnt", "/ns/user", "/root", "/cwd", "/fd/0", "/mem"}) {
    const std::string path = process + file;
    ASSERT_NE(errno_as(current_user(), [&] { return ::open(path.c_str(), O_RDONLY); }), ENOENT);
    EXPECT_EQ(errno_as(*user, [&] { return ::open(path.c_str(), O_RDONLY); }), EACCES) << path;
  }
  const std::string state = text_at(scene.json({"status"}), "/state_dir");
  for (const char* name : {"switch", "node-0"}) {
    const std::string path = state + "/netns/" + name;
    EXPECT_EQ(errno_as(*user, [&] { return ::open(path.c_str(), O_RDONLY); }), EACCES) << path;
  }
  EXPECT_EQ(errno_as(*user, [&] { return ::kill(supervisor, SIGTERM); }), EPERM);
  EXPECT_EQ(text_at(scene.json({"status"}), "/state"), "ready");
}

}  // namespace
}  // namespace tinet::test
