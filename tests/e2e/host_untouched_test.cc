// Nothing is created or changed in the host's network namespace, whatever firewall it has. The host
// of these tests is a network namespace of their own, with Docker's policy for forwarded packets.

#include <filesystem>

#include <sched.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/scene.h"
#include "tests/support/host_snapshot.h"

namespace tinet::test {
namespace {

using ::testing::IsEmpty;

/// Makes this process's network namespace a host as Docker leaves it.
bool become_a_host_with_docker() {
  return ::unshare(CLONE_NEWNET) == 0 && run({"ip", "link", "set", "lo", "up"}).ok() &&
         run({"ip", "link", "add", "docker0", "type", "bridge"}).ok() &&
         run({"ip", "address", "add", "172.17.0.1/16", "dev", "docker0"}).ok() &&
         run({"nft", "-f", "-"},
             {.input = "table ip filter {\n"
                       "  chain FORWARD {\n"
                       "    type filter hook forward priority 0; policy drop;\n"
                       "  }\n"
                       "}\n"
                       "table bridge strict {\n"
                       "  chain forward { type filter hook forward priority 0; policy drop; }\n"
                       "}\n"})
             .ok();
}

void set_sysctl(const std::string& name, const std::string& value) {
  EXPECT_TRUE(run({"/bin/sh", "-c", "echo " + value + " > /proc/sys/net/" + name}).ok()) << name;
}

class HostUntouched : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "a network namespace to be the host needs root";
    }
    ASSERT_TRUE(become_a_host_with_docker());
    // As after `modprobe br_netfilter`: bridged packets go through iptables.
    if (std::filesystem::exists("/proc/sys/net/bridge/bridge-nf-call-iptables")) {
      set_sysctl("bridge/bridge-nf-call-iptables", "1");
      set_sysctl("bridge/bridge-nf-call-ip6tables", "1");
      set_sysctl("bridge/bridge-nf-call-arptables", "1");
    }
    before_ = host_snapshot();
  }

  void expect_untouched(const char* when) const {
    EXPECT_THAT(host_changes(before_, host_snapshot()), IsEmpty()) << when;
  }

  Facts before_;
};

RunResult ping(const Scene& scene, const std::string& from, const std::string& to) {
  return scene.tinet({"exec", from, "--", "ping", "-c", "1", "-W", "2", to});
}

TEST_F(HostUntouched, BeforeDuringAndAfterAClusterWithFaults) {
  const Scene scene;
  ASSERT_TRUE(scene.start());
  expect_untouched("while a cluster runs");
  EXPECT_TRUE(ping(scene, "node-0", "node-1").ok()) << "the host's policies reach the switch";
  EXPECT_TRUE(ping(scene, "client", "node-2").ok());

  EXPECT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  EXPECT_FALSE(ping(scene, "node-0", "node-1").ok());
  EXPECT_TRUE(scene.tinet({"partition", "node-1", "--for", "10m"}).ok());
  expect_untouched("while faults are active");

  EXPECT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_TRUE(ping(scene, "node-0", "node-1").ok());
  EXPECT_TRUE(scene.tinet({"restart", "node-2"}).ok());
  expect_untouched("after heal and restart");
  EXPECT_TRUE(scene.tinet({"stop"}).ok());
  EXPECT_THAT(scene.left(), IsEmpty());
  expect_untouched("after stop");
}

TEST_F(HostUntouched, ByAFailedStart) {
  const Scene scene;
  const RunResult start = scene.tinet(
      scene.start_words("tinet: 1\nname: broken\ncomponents:\n  node:\n    program: /bin/false\n"
                        "    ready: {exec: [/bin/false]}\n"));
  EXPECT_EQ(start.exit_code, 1) << start;
  EXPECT_THAT(scene.left(), IsEmpty());
  expect_untouched("after a failed start");
}

TEST_F(HostUntouched, ByAKilledSupervisor) {
  const Scene scene;
  ASSERT_TRUE(scene.start());
  EXPECT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  const auto pid = std::stol(text_at(scene.json({"status"}), "/supervisor_pid"));
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  EXPECT_THAT(scene.left(MayStay::DataAndState), IsEmpty());
  expect_untouched("after kill -9 of the supervisor");
}

TEST_F(HostUntouched, ByARootlessCluster) {
  const Scene scene;
  ASSERT_TRUE(scene.start(kSleepers, {"--network", "rootless"}));
  EXPECT_TRUE(ping(scene, "node-0", "node-1").ok());
  EXPECT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  EXPECT_FALSE(ping(scene, "node-0", "node-1").ok());
  expect_untouched("while a rootless cluster runs");
  EXPECT_TRUE(scene.tinet({"stop"}).ok());
  EXPECT_THAT(scene.left(), IsEmpty());
  expect_untouched("after stop");
}

}  // namespace
}  // namespace tinet::test
