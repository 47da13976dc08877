/// Feature probes report what this kernel does, and leave nothing; privileges go for good.

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "netns/capability.h"
#include "netns/link.h"
#include "netns/namespace.h"
#include "netns/nft/connection.h"
#include "netns/probe.h"

namespace tinet {
namespace {

TEST(ProbeFeatures, FindsWhatEveryKernelHasAndLeavesNothing) {
  auto links = netlink::Socket::open(NETLINK_ROUTE);
  const auto before = list_links(links).size();
  const FeatureReport report = probe_features();
  for (const Feature& feature : report.features) {
    std::printf("%-16s %-3s %s%s%s\n", feature.name.c_str(), feature.usable ? "yes" : "no",
                feature.why.c_str(), feature.hint.empty() ? "" : " -> ", feature.hint.c_str());
    EXPECT_EQ(feature.usable, feature.why.empty()) << feature.name;
  }
  EXPECT_EQ(report.features.size(), 21U);
  // The test runs inside a namespace that it could make, with bridge and nf_tables in it.
  for (const char* name : {"netns", "veth", "bridge", "bridge-table", "element-timeout",
                           "counter-objects", "mac-rewrite", "numgen", "limit", "quota"}) {
    EXPECT_TRUE(report.usable(name)) << name;
  }
  EXPECT_EQ(report.find("no such feature"), nullptr);
  EXPECT_EQ(list_links(links).size(), before);
  auto rules = nft::Connection::open();
  EXPECT_TRUE(nft::list_tables(rules).empty());
}

TEST(ProbeNamespaces, AgreesWithTheFullReport) {
  const FeatureReport report = probe_features();
  EXPECT_EQ(probe_namespaces().usable, report.usable("netns"));
  EXPECT_EQ(probe_user_namespaces().usable, report.usable("userns"));
}

// Status of a child that drops everything and then runs `check`.
template <typename Check>
int exit_status_after_drop(const TargetUser& user, Check&& check) {
  const pid_t child = ::fork();
  if (child == 0) {
    const DropFailure failure = drop_privileges(user);
    ::_exit(failure.step != DropStep::None ? 100 + static_cast<int>(failure.step) : check());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(DropPrivileges, LeavesNoCapabilityInAnySet) {
  ASSERT_TRUE(has_capability(CAP_NET_ADMIN));
  TargetUser user;  // uid 0: the one that execve(2) would give everything back to
  user.set_groups = false;
  const int status = exit_status_after_drop(user, [] {
    const auto sets = capabilities_of(::getpid());
    return sets && sets->none() && sets->no_new_privileges && !has_capability(CAP_NET_ADMIN) ? 0
                                                                                             : 1;
  });
  EXPECT_EQ(status, 0);
}

TEST(DropPrivileges, GivesNothingBackByExecutingAProgramAsRoot) {
  TargetUser user;
  user.set_groups = false;
  const int status = exit_status_after_drop(user, [] {
    ::execl("/bin/sh", "sh", "-c", "grep -q '^CapEff:.0*$' /proc/self/status", nullptr);
    return 126;
  });
  EXPECT_EQ(status, 0);
}

TEST(DropPrivileges, BecomesTheUserAndNamesTheStepThatFails) {
  TargetUser user;
  user.uid = 65534;
  user.gid = 65534;
  user.set_groups = false;
  const int status = exit_status_after_drop(
      user, [] { return ::getuid() == 65534 && ::getgid() == 65534 && ::setuid(0) < 0 ? 0 : 1; });
  // In a user namespace with one mapped id the other does not exist: the group goes first.
  const int unmapped = 100 + static_cast<int>(DropStep::Gid);
  std::ifstream map("/proc/self/uid_map");
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  map >> inside >> outside >> count;
  EXPECT_EQ(status, count > 65534 ? 0 : unmapped);
  EXPECT_STREQ(describe(DropStep::Gid), "set the group id");
}

TEST(CapabilitiesOf, IsNothingForAProcessThatIsNot) {
  EXPECT_FALSE(capabilities_of(1 << 30));
}

}  // namespace
}  // namespace tinet
