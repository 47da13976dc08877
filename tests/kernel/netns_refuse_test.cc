/// Refusing the packets of one link: the switch gives them a source MAC that nobody has, and the
/// destination's own namespace rejects what comes from there. The answer takes the way of every
/// packet, so the sender believes that its peer gave it.

#include <cerrno>
#include <chrono>

#include <sys/socket.h>

#include <gtest/gtest.h>

#include "tests/kernel/endpoints.h"
#include "tests/kernel/small_network.h"

namespace tinet::testing {
namespace {

using namespace nft;
using Clock = std::chrono::steady_clock;

constexpr std::uint16_t kPort = 7100;
constexpr MacAddress kRefusedMac{{0x02, 0x74, 0x69, 0xfe, 0, 1}};
constexpr auto kAtOnce = std::chrono::milliseconds(900);

Bytes bytes(const MacAddress& mac) {
  return KeyBuilder().mac(mac).take();
}

// The switch's half: packets from port `from` to port `to` change their source MAC.
void mark_link(SmallNetwork& network, std::size_t from, std::size_t to) {
  const TableId table{Family::Bridge, "refuse"};
  const Bytes link = link_key(SmallNetwork::port(from), SmallNetwork::port(to));
  Batch batch;
  batch.add_table({.id = table, .owner = true})
      .add_chain({.table = table,
                  .name = "forward",
                  .hook = Hook{.number = kBridgeForward, .priority = 0}})
      .add_rule(
          {.table = table,
           .chain = "forward",
           .expressions = {MetaLoad{MetaKey::InIndex, kR0}, MetaLoad{MetaKey::OutIndex, kR1},
                           Compare{CompareOp::Equal, kR0, link}, Immediate{kR0, bytes(kRefusedMac)},
                           PayloadWrite{Header::Link, 6, 6, kR0}}});
  commit(*network.rules, std::move(batch).seal());
}

// The destination's half: rejects what comes from that MAC, a rule for each of `answers`.
Connection reject_marked(SmallNetwork& network, std::size_t at,
                         const std::vector<std::vector<Expression>>& answers) {
  Connection connection(network.thread.open_netlink(network.spaces[at], NETLINK_NETFILTER));
  const TableId table{Family::Inet, "refuse"};
  Batch batch;
  batch.add_table({.id = table, .owner = true})
      .add_chain({.table = table,
                  .name = "prerouting",
                  .hook = Hook{.number = kInetPrerouting, .priority = -300}});
  for (const auto& answer : answers) {
    std::vector<Expression> all{PayloadLoad{Header::Link, 6, 6, kR0},
                                Compare{CompareOp::Equal, kR0, bytes(kRefusedMac)}};
    all.insert(all.end(), answer.begin(), answer.end());
    batch.add_rule({.table = table, .chain = "prerouting", .expressions = std::move(all)});
  }
  commit(connection, std::move(batch).seal());
  return connection;
}

std::vector<Expression> reset() {
  return {MetaLoad{MetaKey::L4Protocol, kR0}, Compare{CompareOp::Equal, kR0, {IPPROTO_TCP}},
          Reject{Reject::Kind::TcpReset, 0}};
}

std::vector<Expression> unreachable(std::uint8_t code) {
  return {Reject{Reject::Kind::IcmpxUnreachable, code}};
}

class Refusal : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Families, Refusal, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& each) { return each.param == AF_INET ? "v4" : "v6"; });

TEST_P(Refusal, IsFeltAtOnceByNewAndOldConnectionsAndDatagrams) {
  const int family = GetParam();
  SmallNetwork network(3, {.ipv6 = true});
  const auto listener = tcp_listener(network, 1, family, kPort);
  auto old = tcp_connect(network, 0, 1, family, kPort, 1000);
  ASSERT_EQ(old.error, 0);
  const auto accepted = tcp_accept(listener, 1000);
  ASSERT_TRUE(accepted);

  mark_link(network, 0, 1);
  const auto rules = reject_marked(network, 1, {reset(), unreachable(1)});
  auto start = Clock::now();
  EXPECT_EQ(tcp_connect(network, 0, 1, family, kPort, 2000).error, ECONNREFUSED);
  EXPECT_LT(Clock::now() - start, kAtOnce);

  start = Clock::now();
  ASSERT_EQ(send_text(old.fd, "x"), 0);
  EXPECT_EQ(wait_readable(old.fd, 2000), ECONNRESET);
  EXPECT_LT(Clock::now() - start, kAtOnce);

  start = Clock::now();
  const auto datagrams = udp_connected(network, 0, 1, family, kPort);
  ASSERT_EQ(send_text(datagrams, "x"), 0);
  EXPECT_EQ(wait_readable(datagrams, 2000), ECONNREFUSED);
  EXPECT_LT(Clock::now() - start, kAtOnce);

  // Other links are untouched: another sender, and the way back.
  EXPECT_EQ(tcp_connect(network, 2, 1, family, kPort, 1000).error, 0);
  const auto back = tcp_listener(network, 2, family, kPort);
  EXPECT_EQ(tcp_connect(network, 1, 2, family, kPort, 1000).error, 0);
}

TEST_P(Refusal, ByAnUnreachableHostFailsNewConnectionsOnly) {
  const int family = GetParam();
  SmallNetwork network(2, {.ipv6 = true});
  const auto listener = tcp_listener(network, 1, family, kPort);
  auto old = tcp_connect(network, 0, 1, family, kPort, 1000);
  ASSERT_EQ(old.error, 0);
  mark_link(network, 0, 1);
  const auto rules = reject_marked(network, 1, {unreachable(2)});
  const auto start = Clock::now();
  EXPECT_EQ(tcp_connect(network, 0, 1, family, kPort, 5000).error, EHOSTUNREACH);
  // Over IPv6 it counts from the first retransmission on, after a second.
  EXPECT_LT(Clock::now() - start, family == AF_INET ? kAtOnce : 3 * kAtOnce);
  // An ICMP error never ends a connection, and this one is none for a datagram's sender either.
  ASSERT_EQ(send_text(old.fd, "x"), 0);
  const auto datagrams = udp_connected(network, 0, 1, family, kPort);
  ASSERT_EQ(send_text(datagrams, "x"), 0);
  EXPECT_EQ(wait_readable(datagrams, 100), ETIMEDOUT);
  EXPECT_EQ(wait_readable(old.fd, 100), ETIMEDOUT);
}

}  // namespace
}  // namespace tinet::testing
