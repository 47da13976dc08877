#include "netns/sock_diag.h"

#include <array>
#include <cstring>
#include <vector>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>

#include <gtest/gtest.h>

namespace tinet {
namespace {

using netlink::ByteSpan;

std::optional<TcpSocketInfo> read(const netlink::Request& request) {
  ByteSpan rest = request.bytes();
  const auto message = netlink::next_message(rest);
  return message ? read_tcp_socket(*message) : std::nullopt;
}

// A connection of an IPv6 socket to an IPv4 peer, as Go programs have them.
inet_diag_msg mapped_connection() {
  inet_diag_msg header{};
  header.idiag_family = AF_INET6;
  header.idiag_state = 1;
  header.idiag_timer = 1;
  header.idiag_expires = 1600;
  header.idiag_wqueue = 12;
  header.id.idiag_sport = htons(4000);
  header.id.idiag_dport = htons(50'000);
  header.id.idiag_src[2] = header.id.idiag_dst[2] = htonl(0xffff);
  header.id.idiag_src[3] = htonl(0xc6120001);
  header.id.idiag_dst[3] = htonl(0xc6120002);
  header.id.idiag_cookie[0] = 7;
  header.id.idiag_cookie[1] = 8;
  return header;
}

TEST(SockDiag, ReadsEndsStateAndRetransmissions) {
  tcp_info tcp{};
  tcp.tcpi_retransmits = 3;
  tcp.tcpi_backoff = 4;
  tcp.tcpi_total_retrans = 5;
  netlink::Request request;
  request.begin(SOCK_DIAG_BY_FAMILY, 0, "socket")
      .put_header(mapped_connection())
      .put_value(INET_DIAG_INFO, tcp);
  const auto info = read(request);
  ASSERT_TRUE(info);
  EXPECT_EQ(to_string(info->local), "198.18.0.1:4000");
  EXPECT_EQ(to_string(info->remote), "198.18.0.2:50000");
  EXPECT_EQ(info->state, TcpState::Established);
  EXPECT_EQ(info->retransmits, 3);
  EXPECT_EQ(info->backoff, 4);
  EXPECT_EQ(info->total_retransmits, 5U);
  EXPECT_EQ(info->timeout_ms, 1600U);
  EXPECT_EQ(info->send_queue, 12U);
}

TEST(SockDiag, DestroysTheVerySocketThatWasListed) {
  netlink::Request listed;
  listed.begin(SOCK_DIAG_BY_FAMILY, 0, "socket").put_header(mapped_connection());
  netlink::Request request;
  put_destroy(request, *read(listed));
  ByteSpan rest = request.bytes();
  const auto message = netlink::next_message(rest);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->type, SOCK_DESTROY);
  const auto header = netlink::read_value<inet_diag_req_v2>(message->payload);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->sdiag_family, AF_INET);
  EXPECT_EQ(header->sdiag_protocol, IPPROTO_TCP);
  EXPECT_EQ(header->id.idiag_sport, htons(4000));
  EXPECT_EQ(header->id.idiag_dport, htons(50'000));
  EXPECT_EQ(header->id.idiag_src[0], htonl(0xc6120001));
  EXPECT_EQ(header->id.idiag_dst[0], htonl(0xc6120002));
  EXPECT_EQ(header->id.idiag_cookie[0], 7U);
  EXPECT_EQ(header->id.idiag_cookie[1], 8U);
  EXPECT_EQ(request.what(0), "end the TCP socket 198.18.0.1:4000 of 198.18.0.2:50000");
}

TEST(SockDiag, DoesNotReadWhatIsTooShortOrSomethingElse) {
  netlink::Request request;
  request.begin(SOCK_DIAG_BY_FAMILY, 0, "socket").put_header(std::array<char, 71>{});
  EXPECT_TRUE(read(request)) << "72 bytes with the padding";
  request.clear();
  request.begin(SOCK_DIAG_BY_FAMILY, 0, "socket").put_header(std::array<char, 68>{});
  EXPECT_FALSE(read(request));
  request.clear();
  request.begin(99, 0, "other").put_header(mapped_connection());
  EXPECT_FALSE(read(request));
}

}  // namespace
}  // namespace tinet
