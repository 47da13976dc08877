/// Connections that are open when a fault comes, and those that are stuck when it goes.

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "netns/namespace.h"
#include "tests/kernel/fault_traffic.h"
#include "tests/support/eventually.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 7000;

Fault cutting(std::vector<Link> links, const Match& match = {}) {
  Fault fault = cut(1, std::move(links));
  fault.clauses.front().match = match;
  return fault;
}

bool arrives(const UniqueFd& from, const UniqueFd& to, std::chrono::milliseconds patience) {
  if (::send(from.get(), "x", 1, MSG_NOSIGNAL) != 1) {
    return false;
  }
  pollfd waiting{to.get(), POLLIN, 0};
  return ::poll(&waiting, 1, static_cast<int>(patience.count())) == 1;
}

TEST(Established, CutsTheOpenConnectionsAndLetsNewOnesIn) {
  for (const int family : {AF_INET, AF_INET6}) {
    World world(2, true);
    Listener listener(world, 1, kPort, family);
    ASSERT_EQ(listener.dial(0, 1s), Dialled::Connected);
    const Stream open = listener.take();
    Match match;
    match.protocol = Protocol::Tcp;
    match.connections = Connections::Established;
    match.owner = {1};
    Fault fault = cutting({{0, 1}, {1, 0}}, match);
    fault.flows = world.fabric->flows(fault.links);
    EXPECT_EQ(fault.flows.size(), 2U) << "one connection, both directions";
    world.fabric->apply({fault}, now());
    EXPECT_FALSE(arrives(open.client, open.server, 200ms));
    ASSERT_EQ(listener.dial(0, 1s), Dialled::Connected);
    const Stream fresh = listener.take();
    EXPECT_TRUE(arrives(fresh.client, fresh.server, 1s));
    world.fabric->apply({}, now());
    EXPECT_TRUE(arrives(open.client, open.server, 3s));
  }
}

TEST(Kick, EndsWhatWaitsToSendAgainAndNothingElse) {
  World world(3);
  Listener listener(world, 1, kPort);
  ASSERT_EQ(listener.dial(0, 1s), Dialled::Connected);
  const Stream stuck = listener.take();
  ASSERT_EQ(listener.dial(2, 1s), Dialled::Connected);
  const Stream other = listener.take();
  const std::vector<Link> links = {{0, 1}, {1, 0}};
  world.fabric->apply({cutting(links)}, now());
  EXPECT_EQ(world.fabric->kick(links).destroyed, 0U) << "nobody has tried to send";
  ASSERT_EQ(::send(stuck.client.get(), "x", 1, MSG_NOSIGNAL), 1);
  // The first retransmission comes after some 200 ms.
  std::size_t destroyed = 0;
  EXPECT_TRUE(
      test::eventually([&] { return (destroyed = world.fabric->kick(links).destroyed) > 0; }, 5s));
  EXPECT_EQ(destroyed, 1U);
  char byte = 0;
  EXPECT_EQ(::recv(stuck.client.get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNABORTED);
  world.fabric->apply({}, now());
  EXPECT_TRUE(arrives(other.client, other.server, 1s));
}

TEST(BackOff, IsLimitedInEveryEndpoint) {
  if (read_sysctl("net/ipv4/tcp_rto_max_ms").empty()) {
    GTEST_SKIP() << "this kernel has no net.ipv4.tcp_rto_max_ms";
  }
  FabricPlan plan = plan_of(1);
  plan.tcp_rto_max_ms = 2'000;
  const auto fabric = make_netns_fabric(plan, test_options());
  NamespaceThread thread;
  const Namespace space(UniqueFd(::fcntl(fabric->namespace_fd(0), F_DUPFD_CLOEXEC, 0)));
  EXPECT_EQ(thread.run_in(space, [] { return read_sysctl("net/ipv4/tcp_rto_max_ms"); }), "2000");
  EXPECT_EQ(thread.run_in(space, [] { return read_sysctl("net/ipv4/tcp_retries2"); }), "255");
  EXPECT_EQ(thread.run_in(space, [] { return read_sysctl("net/ipv4/tcp_syn_retries"); }), "63");
}

}  // namespace
}  // namespace tinet::testing
