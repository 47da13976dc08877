/// Corruption concerns pings, too, whose payload no transport header announces.

#include <array>
#include <cstring>
#include <numeric>

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "tests/kernel/fabric_world.h"
#include "tests/kernel/fault_actions.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

/// An echo request of either family; both headers have the same form.
struct Echo {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint16_t checksum = 0;
  std::uint16_t id = 0x7131;
  std::uint16_t sequence = 0;
  std::array<std::uint8_t, 8> payload{1, 2, 3, 4, 5, 6, 7, 8};
};

std::uint16_t internet_checksum(const Echo& echo) {
  std::array<std::uint16_t, sizeof echo / 2> words{};
  std::memcpy(words.data(), &echo, sizeof echo);
  std::uint32_t sum = std::accumulate(words.begin(), words.end(), 0U);
  sum = (sum >> 16U) + (sum & 0xffffU);
  sum += sum >> 16U;
  return static_cast<std::uint16_t>(~sum);
}

class Pings {
 public:
  Pings(World& world, int family)
      : world_(world),
        family_(family),
        socket_(world.fabric->open_socket(
            kLink.from, family, SOCK_RAW,
            family == AF_INET ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6})) {}

  /// The payload of the reply to one request; nullopt when none comes.
  std::optional<std::array<std::uint8_t, 8>> ping(std::chrono::milliseconds patience) {
    Echo request;
    request.sequence = ++sequence_;
    request.type = family_ == AF_INET ? std::uint8_t{ICMP_ECHO} : std::uint8_t{ICMP6_ECHO_REQUEST};
    if (family_ == AF_INET) {
      request.checksum = internet_checksum(request);  // of ICMPv6 the kernel's business
    }
    send(request);
    const std::uint8_t wanted =
        family_ == AF_INET ? std::uint8_t{ICMP_ECHOREPLY} : std::uint8_t{ICMP6_ECHO_REPLY};
    const auto until = now() + patience;
    for (auto left = patience; left.count() > 0;
         left = std::chrono::ceil<std::chrono::milliseconds>(until - now())) {
      pollfd waiting{socket_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) {
        break;
      }
      const auto reply = receive();
      if (reply && reply->type == wanted && reply->sequence == request.sequence) {
        return reply->payload;
      }
    }
    return std::nullopt;
  }

 private:
  void send(const Echo& request) {
    const FabricEndpoint& peer = world_.plan.endpoints.at(kLink.to);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(peer.address.value);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    if (peer.address6) {
      std::memcpy(&v6.sin6_addr, peer.address6->bytes.data(), sizeof v6.sin6_addr);
    }
    const auto* address = family_ == AF_INET ? reinterpret_cast<const sockaddr*>(&v4)
                                             : reinterpret_cast<const sockaddr*>(&v6);
    const auto size = static_cast<socklen_t>(family_ == AF_INET ? sizeof v4 : sizeof v6);
    EXPECT_EQ(::sendto(socket_.get(), &request, sizeof request, 0, address, size),
              static_cast<ssize_t>(sizeof request));
  }

  std::optional<Echo> receive() {
    std::array<char, 256> bytes{};
    const ssize_t size = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    const std::size_t before = family_ == AF_INET ? sizeof(iphdr) : 0;
    if (size < static_cast<ssize_t>(before + sizeof(Echo))) {
      return std::nullopt;
    }
    Echo echo;
    std::memcpy(&echo, bytes.data() + before, sizeof echo);
    return echo;
  }

  World& world_;
  int family_;
  UniqueFd socket_;
  std::uint16_t sequence_ = 0;
};

class CorruptPings : public ::testing::TestWithParam<int> {};

TEST_P(CorruptPings, AreDroppedByTheReceiverUnlessItCannotNotice) {
  World world(2, true);
  Pings pings(world, GetParam());
  ASSERT_TRUE(pings.ping(5s)) << "without a fault";
  LinkAction action;
  action.corrupt = Ppm{1'000'000};
  world.fabric->apply({acting(1, action)}, now());
  EXPECT_FALSE(pings.ping(200ms));
  // The kernel itself may talk ICMPv6 meanwhile.
  EXPECT_GE(world.fabric->packets({1}).corrupted, 1U);

  action.silent_corruption = true;
  world.fabric->apply({acting(2, action)}, now());
  const auto payload = pings.ping(5s);
  ASSERT_TRUE(payload);
  EXPECT_NE(*payload, Echo{}.payload);
  EXPECT_GE(world.fabric->packets({2}).corrupted, 1U);
}

INSTANTIATE_TEST_SUITE_P(Of, CorruptPings, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& of) { return of.param == AF_INET ? "IPv4" : "IPv6"; });

}  // namespace
}  // namespace tinet::testing
