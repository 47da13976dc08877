/// Bridged packets in a queue of the switch: br_netfilter shows them to the inet family's forward
/// hook, where the xtables target hands them to a program. A mark that the bridge's own forward
/// chain set before comes along, and so do the two ports.

#include <cerrno>
#include <vector>

#include <sys/socket.h>

#include <gtest/gtest.h>

#include "tests/kernel/endpoints.h"
#include "tests/kernel/packet_queue.h"
#include "tests/kernel/small_network.h"

namespace tinet::testing {
namespace {

using namespace nft;

constexpr std::uint16_t kPort = 7200;
constexpr std::uint32_t kBridge = 2;
constexpr std::uint32_t kMark = 0x00030042;

Bytes word(std::uint32_t value) {
  return KeyBuilder().u32(value).take();
}

// TCP to port 1 gets the mark, in a bridge forward chain of that priority.
void mark_forwarded(SmallNetwork& network, std::int32_t priority) {
  const TableId table{Family::Bridge, "marks"};
  const Bytes to = KeyBuilder().index(SmallNetwork::port(1)).take();
  Batch batch;
  batch.add_table({.id = table, .owner = true})
      .add_chain({.table = table,
                  .name = "forward",
                  .hook = Hook{.number = kBridgeForward, .priority = priority}})
      .add_rule(
          {.table = table,
           .chain = "forward",
           .expressions = {MetaLoad{MetaKey::OutIndex, kR0}, Compare{CompareOp::Equal, kR0, to},
                           MetaLoad{MetaKey::L4Protocol, kR0},
                           Compare{CompareOp::Equal, kR0, {IPPROTO_TCP}},
                           Immediate{kR0, word(kMark)}, MetaSet{MetaKey::Mark, kR0}}});
  commit(*network.rules, std::move(batch).seal());
}

void queue_marked(SmallNetwork& network) {
  const TableId table{Family::Inet, "queue"};
  Batch batch;
  batch.add_table({.id = table, .owner = true})
      .add_chain(
          {.table = table, .name = "forward", .hook = Hook{.number = kInetForward, .priority = 0}})
      .add_rule(
          {.table = table,
           .chain = "forward",
           .expressions = {MetaLoad{MetaKey::Mark, kR0}, Bitwise{kR0, kR0, word(0xffff), word(0)},
                           Compare{CompareOp::NotEqual, kR0, word(0)},
                           CompatQueue{.number = 0, .total = 1, .bypass = true}}});
  commit(*network.rules, std::move(batch).seal());
}

// False where br_netfilter is a module that nobody loaded.
bool show_bridged_packets_to_inet(SmallNetwork& network) {
  return network.thread.run_in(network.switch_space, [] {
    return write_sysctl_if_present("net/bridge/bridge-nf-call-iptables", "1") &&
           write_sysctl_if_present("net/bridge/bridge-nf-call-ip6tables", "1") &&
           write_sysctl_if_present("net/bridge/bridge-nf-call-arptables", "0");
  });
}

class BridgedQueue : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Families, BridgedQueue, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& each) { return each.param == AF_INET ? "v4" : "v6"; });

// The first packet of that port; others (somebody sent again) pass.
std::optional<QueuedPacket> next_from(PacketQueue& queue, IfIndex port) {
  auto packet = queue.next(2000);
  while (packet && packet->physical_in != port.value) {
    queue.accept(*packet);
    packet = queue.next(2000);
  }
  return packet;
}

// Lets everything pass until the listener has a connection.
UniqueFd accept_through(PacketQueue& queue, const UniqueFd& listener) {
  constexpr int kPacketsMax = 50;
  for (int i = 0; i < kPacketsMax; ++i) {
    if (const auto packet = queue.next(100)) {
      queue.accept(*packet);
    }
    if (auto connection = tcp_accept(listener, 0)) {
      return connection;
    }
  }
  return {};
}

TEST_P(BridgedQueue, GetsTheMarkAndBothPortsAndLetsPacketsPass) {
  const int family = GetParam();
  SmallNetwork network(3, {.ipv6 = true});
  if (!show_bridged_packets_to_inet(network)) {
    GTEST_SKIP() << "br_netfilter is not loaded";
  }
  PacketQueue queue(network.thread.open_netlink(network.switch_space, NETLINK_NETFILTER), 0);
  mark_forwarded(network, -200);
  queue_marked(network);
  const auto listener = tcp_listener(network, 1, family, kPort);
  std::vector<Connected> open;
  for (const std::size_t from : {0U, 2U}) {
    const Connected& pending = open.emplace_back(tcp_connect(network, from, 1, family, kPort, 0));
    EXPECT_EQ(pending.error, ETIMEDOUT) << "the queue holds the first packet";
    const auto packet = next_from(queue, SmallNetwork::port(from));
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->mark, kMark);
    EXPECT_EQ(packet->physical_out, SmallNetwork::port(1).value);
    EXPECT_EQ(packet->in, kBridge);
    EXPECT_EQ(packet->out, kBridge);
    EXPECT_EQ(packet->hook, kInetForward);
    EXPECT_EQ(packet->protocol, family == AF_INET ? 0x0800 : 0x86dd);
    EXPECT_FALSE(tcp_accept(listener, 20));
    queue.accept(*packet);
    EXPECT_TRUE(accept_through(queue, listener));
  }
  // What has no mark does not wait.
  const auto other = tcp_listener(network, 2, family, kPort);
  EXPECT_EQ(tcp_connect(network, 0, 2, family, kPort, 2000).error, 0);
}

TEST_P(BridgedQueue, WithoutAProgramLetsPacketsPass) {
  const int family = GetParam();
  SmallNetwork network(2, {.ipv6 = true});
  if (!show_bridged_packets_to_inet(network)) {
    GTEST_SKIP() << "br_netfilter is not loaded";
  }
  mark_forwarded(network, -200);
  queue_marked(network);
  const auto listener = tcp_listener(network, 1, family, kPort);
  EXPECT_EQ(tcp_connect(network, 0, 1, family, kPort, 2000).error, 0);
}

// br_netfilter's own hook has priority 0 or -1: a mark has to be there before.
TEST_P(BridgedQueue, SeesOnlyMarksThatWereSetBeforeIt) {
  const int family = GetParam();
  for (const int priority : {-300, -2, 1, 200}) {
    SmallNetwork network(2, {.ipv6 = true});
    if (!show_bridged_packets_to_inet(network)) {
      GTEST_SKIP() << "br_netfilter is not loaded";
    }
    PacketQueue queue(network.thread.open_netlink(network.switch_space, NETLINK_NETFILTER), 0);
    mark_forwarded(network, priority);
    queue_marked(network);
    const auto listener = tcp_listener(network, 1, family, kPort);
    const auto connected = tcp_connect(network, 0, 1, family, kPort, priority > 0 ? 2000 : 0);
    EXPECT_EQ(connected.error, priority > 0 ? 0 : ETIMEDOUT) << "priority " << priority;
    EXPECT_EQ(queue.next(priority > 0 ? 0 : 2000).has_value(), priority < 0);
  }
}

}  // namespace
}  // namespace tinet::testing
