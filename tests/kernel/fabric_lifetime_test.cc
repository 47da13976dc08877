/// Making and unmaking the fabric: whatever fails, nothing stays behind; no privilege is needed
/// beyond a user namespace.

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "netns/link.h"
#include "netns/namespace.h"
#include "src/base/error.h"
#include "src/fabric/wiring.h"
#include "tests/kernel/countdown.h"
#include "tests/kernel/fabric_world.h"
#include "tests/support/eventually.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

std::size_t entries(const char* directory) {
  const std::filesystem::directory_iterator begin(directory);
  return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
}

TEST(Lifetime, NothingStaysWhicheverCallFails) {
  Countdown gate;
  NetnsOptions options;
  options.gate = &gate;
  const FabricPlan plan = plan_of(2, true);
  const std::size_t descriptors = entries("/proc/self/fd");
  const std::size_t threads = entries("/proc/self/task");
  int call = 0;
  for (;; ++call) {
    SCOPED_TRACE(call);
    gate.arm(call);
    bool failed = false;
    try {
      static_cast<void>(make_netns_fabric(plan, options));
    } catch (const Error&) {
      failed = true;
    }
    ASSERT_EQ(entries("/proc/self/fd"), descriptors);
    // A joined thread leaves /proc a moment later.
    ASSERT_TRUE(test::eventually([&] { return entries("/proc/self/task") == threads; }, 5s));
    if (gate.pending()) {
      ASSERT_FALSE(failed);
      break;
    }
    ASSERT_TRUE(failed);
    ASSERT_LT(call, 1000);
  }
  EXPECT_GT(call, 20);
}

TEST(Lifetime, AnEndpointThatIsStillInUseLosesItsNetwork) {
  World world(2);
  const Namespace kept(UniqueFd(::fcntl(world.fabric->namespace_fd(0), F_DUPFD_CLOEXEC, 0)));
  NamespaceThread thread;
  netlink::Socket links = thread.open_netlink(kept, NETLINK_ROUTE);
  netlink::Socket events = thread.open_netlink(kept, NETLINK_ROUTE);
  events.join(RTNLGRP_LINK);
  ASSERT_TRUE(find_link(links, "eth0"));
  world.fabric.reset();
  const auto until = now() + 10s;
  while (find_link(links, "eth0") && now() < until) {
    static_cast<void>(events.wait_event(100ms));
  }
  EXPECT_FALSE(find_link(links, "eth0"));
}

TEST(Lifetime, RefusesMoreEndpointsThanABridgeHasPorts) {
  try {
    static_cast<void>(make_netns_fabric(plan_of(fabric::kEndpointsMax)));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Unavailable);
    EXPECT_NE(std::string(error.what()).find("1022"), std::string::npos) << error.what();
  }
}

TEST(Lifetime, HostNetworkIsReadOnlyAsked) {
  // This test's own namespace: an address here is in use there.
  netlink::Socket socket = netlink::Socket::open(NETLINK_ROUTE);
  EXPECT_TRUE(subnets_in_use().empty());
  EXPECT_EQ(list_links(socket).size(), 1U);
  const World world(2);
  EXPECT_TRUE(subnets_in_use().empty());
  EXPECT_EQ(list_links(socket).size(), 1U) << "something was made outside";
}

bool write_file(const char* path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

/// Runs in a child process: an ordinary user who enters a user namespace. 0 when all went well.
int use_fabric_without_root() {
  constexpr uid_t kNobody = 65534;
  // EINVAL: already in a user namespace, which knows of no other user.
  if (::geteuid() == 0 && ::setresgid(kNobody, kNobody, kNobody) != 0 && errno != EINVAL) {
    return 2;
  }
  if (::getegid() == kNobody &&
      (::setresuid(kNobody, kNobody, kNobody) != 0 || ::prctl(PR_SET_DUMPABLE, 1) != 0)) {
    return 2;
  }
  const std::string uid = std::to_string(::geteuid());
  const std::string gid = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return 77;
  }
  if (!write_file("/proc/self/setgroups", "deny") ||
      !write_file("/proc/self/uid_map", "0 " + uid + " 1") ||
      !write_file("/proc/self/gid_map", "0 " + gid + " 1")) {
    return 77;
  }
  NetnsOptions options;
  options.privilege = NetnsPrivilege::UserNamespace;
  World world(3, true, options);
  if (world.fabric->backend() != "rootless" || !world.cut_links().empty()) {
    return 3;
  }
  world.fabric->apply({cut(1, {{0, 1}, {1, 0}}), cut(2, {{0, 2}}, now() + 60s)}, now());
  if (world.cut_links() != std::set<Link>{{0, 1}, {1, 0}, {0, 2}}) {
    return 4;
  }
  const auto drifts = world.fabric->audit(now());
  for (const Drift& drift : drifts) {
    std::fprintf(stderr, "%s\n", drift.what.c_str());
  }
  return drifts.empty() ? 0 : 5;
}

TEST(Lifetime, NeedsNoRoot) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    int status = 6;
    try {
      status = use_fabric_without_root();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    ::_exit(status);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) {
    GTEST_SKIP() << "user namespaces are not allowed here";
  }
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

/// More counters than go into one transaction go ahead in parts.
TEST(Lifetime, ChangesThousandsOfLinksAtOnce) {
  World world(40);
  const auto links = all_links(world.plan);
  const auto report = world.fabric->apply({cut(1, links), cut(2, links, now() + 60s)}, now());
  EXPECT_EQ(report.links_changed, links.size());
  EXPECT_EQ(world.cut_links().size(), links.size());
  world.fabric->apply({}, now());
  EXPECT_EQ(world.cut_links(), std::set<Link>{});
}

}  // namespace
}  // namespace tinet::testing
