#include "tests/support/host_snapshot.h"

#include <cstdlib>
#include <fstream>

#include <sched.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/run.h"

namespace tinet::test {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Eq;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::StartsWith;

/// A network namespace of this process's own, in which a test may do as it likes.
class HostSnapshotInNamespace : public testing::Test {
 protected:
  void SetUp() override {
    const int flags = ::geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET;
    if (::unshare(flags) == 0) {
      return;
    }
    if (std::getenv("TINET_REQUIRE_KERNEL") != nullptr) {
      FAIL() << "cannot make a network namespace";
    }
    GTEST_SKIP() << "cannot make a network namespace";
  }

  static void must(const std::vector<std::string>& argv) {
    const auto result = run(argv);
    ASSERT_TRUE(result.ok()) << result;
  }
};

TEST(HostSnapshot, SeesTheLoopbackAndSysctls) {
  const auto facts = host_snapshot();
  EXPECT_THAT(facts, Contains(Key(AnyOf(Eq("link lo"), StartsWith("ip -j -d link")))));
  EXPECT_THAT(facts, Contains(Key("sysctl net/core/somaxconn")));
}

TEST_F(HostSnapshotInNamespace, IsTheSameWhenNothingHappened) {
  EXPECT_THAT(host_changes(host_snapshot(), host_snapshot()), IsEmpty());
}

TEST_F(HostSnapshotInNamespace, ShowsALinkWithItsAddressAndRoutes) {
  const auto before = host_snapshot();
  must({"ip", "link", "add", "tn0", "type", "bridge"});
  must({"ip", "address", "add", "10.1.2.3/24", "dev", "tn0"});
  must({"ip", "link", "set", "tn0", "up"});
  const auto lines = host_changes(before, host_snapshot());
  EXPECT_THAT(lines, Contains(StartsWith("+ link tn0")));
  EXPECT_THAT(lines,
              Contains(testing::AllOf(StartsWith("+ addresses of tn0"), HasSubstr("10.1.2.3"))));
  EXPECT_THAT(lines, Contains(testing::AllOf(StartsWith("+ route"), HasSubstr("10.1.2.0/24"))));
  EXPECT_THAT(lines, Contains(StartsWith("+ sysctl net/ipv4/conf/tn0/")));

  must({"ip", "link", "del", "tn0"});
  EXPECT_THAT(host_changes(before, host_snapshot()), IsEmpty());
}

TEST_F(HostSnapshotInNamespace, ShowsAChangedSysctl) {
  const auto before = host_snapshot();
  const auto* path = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
  if (!(std::ofstream(path) << "7" << std::flush)) {
    GTEST_SKIP() << path << " is read-only here";
  }
  EXPECT_THAT(host_changes(before, host_snapshot()),
              ElementsAre("~ sysctl net/ipv4/ip_unprivileged_port_start: 1024 -> 7"));
}

TEST_F(HostSnapshotInNamespace, ShowsANftTable) {
  const auto before = host_snapshot();
  must({"nft", "add", "table", "bridge", "left"});
  EXPECT_THAT(host_changes(before, host_snapshot()),
              ElementsAre(testing::AllOf(StartsWith("+ nft"), HasSubstr("left"))));
}

TEST(HostChanges, LeaveOutSysctlsThatAModuleBrought) {
  const Facts before = {{"sysctl net/bridge/old", "0"}};
  const Facts after = {{"sysctl net/bridge/old", "1"},
                       {"sysctl net/bridge/bridge-nf-call-iptables", "1"},
                       {"sysctl net/netfilter/nf_conntrack_max", "1"},
                       {"sysctl net/ipv4/ip_forward", "1"}};
  EXPECT_THAT(host_changes(before, after),
              ElementsAre("~ sysctl net/bridge/old: 0 -> 1", "+ sysctl net/ipv4/ip_forward: 1"));
}

}  // namespace
}  // namespace tinet::test
