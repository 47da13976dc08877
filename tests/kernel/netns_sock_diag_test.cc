/// TCP sockets of an instance as the kernel lists them, and what ending one does to both ends.

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>

#include <sys/socket.h>

#include <gtest/gtest.h>

#include "netns/sock_diag.h"
#include "tests/kernel/endpoints.h"
#include "tests/kernel/small_network.h"
#include "tests/support/eventually.h"

namespace tinet::testing {
namespace {

constexpr std::uint16_t kPort = 7300;

class SockDiag : public ::testing::TestWithParam<int> {
 protected:
  [[nodiscard]] netlink::Socket diag(std::size_t instance) {
    return network_.thread.open_netlink(network_.spaces[instance], NETLINK_SOCK_DIAG);
  }
  // The socket of `instance` with that state; nullopt unless there is exactly one.
  [[nodiscard]] static std::optional<TcpSocketInfo> find(netlink::Socket& socket, TcpState state) {
    std::optional<TcpSocketInfo> found;
    for (const TcpSocketInfo& each : list_tcp_sockets(socket)) {
      if (each.state == state) {
        EXPECT_FALSE(found) << to_string(each.local);
        found = each;
      }
    }
    return found;
  }

  SmallNetwork network_{2, {.ipv6 = true}};
};
INSTANTIATE_TEST_SUITE_P(Families, SockDiag, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& each) { return each.param == AF_INET ? "v4" : "v6"; });

TEST_P(SockDiag, ListsListenersAndConnectionsOfItsNamespaceOnly) {
  const int family = GetParam();
  const auto listener = tcp_listener(network_, 1, family, kPort);
  const auto client = tcp_connect(network_, 0, 1, family, kPort, 2000);
  ASSERT_EQ(client.error, 0);
  auto there = diag(1);
  auto here = diag(0);
  const auto listening = find(there, TcpState::Listen);
  ASSERT_TRUE(listening);
  EXPECT_EQ(listening->local, (TcpEnd{address_of(1, family), kPort}));
  EXPECT_EQ(listening->remote.port, 0);
  EXPECT_FALSE(find(here, TcpState::Listen));
  const auto connection = find(here, TcpState::Established);
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->local.address, address_of(0, family));
  EXPECT_EQ(connection->remote, (TcpEnd{address_of(1, family), kPort}));
  EXPECT_NE(connection->inode, 0U);
  const auto other_end = find(there, TcpState::Established);
  ASSERT_TRUE(other_end);
  EXPECT_EQ(other_end->remote, connection->local);
}

TEST_P(SockDiag, EndsOneConnectionAtBothEnds) {
  const int family = GetParam();
  const auto listener = tcp_listener(network_, 1, family, kPort);
  const auto client = tcp_connect(network_, 0, 1, family, kPort, 2000);
  ASSERT_EQ(client.error, 0);
  const auto accepted = tcp_accept(listener, 2000);
  ASSERT_TRUE(accepted);
  auto here = diag(0);
  const auto connection = find(here, TcpState::Established);
  ASSERT_TRUE(connection);
  netlink::Request request;
  put_destroy(request, *connection);
  if (const auto refused = here.try_execute(request); !refused.empty()) {
    ASSERT_EQ(refused[0].error, EOPNOTSUPP) << netlink::describe(refused[0]);
    GTEST_SKIP() << netlink::describe(refused[0]);
  }
  EXPECT_EQ(wait_readable(client.fd, 2000), ECONNABORTED);
  EXPECT_EQ(wait_readable(accepted, 2000), ECONNRESET);
  EXPECT_FALSE(find(here, TcpState::Established));
  EXPECT_EQ(here.try_execute(request).at(0).error, ENOENT);
}

TEST_P(SockDiag, CountsWhatIsSentAgain) {
  const int family = GetParam();
  const auto listener = tcp_listener(network_, 1, family, kPort);
  const auto client = tcp_connect(network_, 0, 1, family, kPort, 2000);
  ASSERT_EQ(client.error, 0);
  const auto accepted = tcp_accept(listener, 2000);
  ASSERT_TRUE(accepted);
  auto here = diag(0);
  const auto before = find(here, TcpState::Established);
  ASSERT_TRUE(before);
  EXPECT_EQ(before->retransmits, 0U);
  netlink::Request down;
  put_link_down(down, SmallNetwork::port(1));
  network_.links->execute(down);
  ASSERT_EQ(send_text(client.fd, "x"), 0);
  EXPECT_TRUE(test::eventually(
      [&] {
        const auto now = find(here, TcpState::Established);
        return now && now->retransmits > 0 && now->backoff > 0 && now->total_retransmits > 0 &&
               now->send_queue == 1 && now->timeout_ms > 0;
      },
      std::chrono::seconds(5)));
}

// A listener of both families, as Go programs make them: the connection is an IPv6 socket.
TEST(SockDiagMapped, ShowsAndEndsIpv4ConnectionsOfIpv6Sockets) {
  SmallNetwork network(2, {.ipv6 = true});
  const UniqueFd listener = network.thread.open_socket(network.spaces[1], AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  any.sin6_port = htons(kPort);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
  ASSERT_EQ(::listen(listener.get(), 4), 0);
  const auto client = tcp_connect(network, 0, 1, AF_INET, kPort, 2000);
  ASSERT_EQ(client.error, 0);
  auto socket = network.thread.open_netlink(network.spaces[1], NETLINK_SOCK_DIAG);
  const auto all = list_tcp_sockets(socket);
  const auto found = std::find_if(all.begin(), all.end(), [](const TcpSocketInfo& each) {
    return each.state == TcpState::Established;
  });
  ASSERT_NE(found, all.end());
  EXPECT_EQ(found->local, (TcpEnd{address_of(1, AF_INET), kPort}));
  EXPECT_EQ(found->remote.address, address_of(0, AF_INET));
  netlink::Request request;
  put_destroy(request, *found);
  if (const auto refused = socket.try_execute(request); !refused.empty()) {
    ASSERT_EQ(refused[0].error, EOPNOTSUPP) << netlink::describe(refused[0]);
    GTEST_SKIP() << netlink::describe(refused[0]);
  }
  EXPECT_EQ(wait_readable(client.fd, 2000), ECONNRESET);
}

}  // namespace
}  // namespace tinet::testing
