/// Real protocols over the fabric: TCP, ICMP, IPv6, and a flood of packets during changes.

#include <array>
#include <atomic>
#include <cstring>
#include <thread>

#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "src/base/scope_exit.h"
#include "tests/kernel/fabric_world.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 80;  // below 1024: allowed to everybody inside an endpoint

sockaddr_in address_of(const World& world, Endpoint endpoint, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(world.plan.endpoints[endpoint].address.value);
  return address;
}

template <typename Address>
const sockaddr* generic(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

bool readable(const UniqueFd& socket, std::chrono::milliseconds timeout) {
  pollfd poll{socket.get(), POLLIN, 0};
  return ::poll(&poll, 1, static_cast<int>(timeout.count())) == 1;
}

/// Both ends of a connection from `from` to a server on `to`; empty when it can't be made.
std::pair<UniqueFd, UniqueFd> connect_tcp(World& world, Endpoint from, Endpoint to) {
  const UniqueFd listener = world.fabric->open_socket(to, AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = address_of(world, to, kPort);
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(listener.get(), generic(address), sizeof address) != 0 ||
      ::listen(listener.get(), 1) != 0) {
    return {};
  }
  UniqueFd near = world.fabric->open_socket(from, AF_INET, SOCK_STREAM, 0);
  if (::connect(near.get(), generic(address), sizeof address) != 0) {
    return {};
  }
  return {std::move(near), UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC))};
}

TEST(Traffic, TcpHangsWhileCutAndGoesOnAfterHealing) {
  World world(2);
  const auto [near, far] = connect_tcp(world, 0, 1);
  ASSERT_TRUE(near && far);
  ASSERT_EQ(::send(near.get(), "a", 1, 0), 1);
  ASSERT_TRUE(readable(far, 1000ms));
  std::array<char, 8> text{};
  ASSERT_EQ(::recv(far.get(), text.data(), text.size(), 0), 1);

  world.fabric->apply({cut(1, {{0, 1}, {1, 0}})}, now());
  ASSERT_EQ(::send(near.get(), "b", 1, 0), 1);
  EXPECT_FALSE(readable(far, 100ms));
  world.fabric->apply({}, now());
  EXPECT_TRUE(readable(far, 5000ms)) << "TCP did not go on";
}

TEST(Traffic, AnEndpointReachesItsOwnAddressWhateverIsCut) {
  World world(2);
  world.fabric->apply({cut(1, all_links(world.plan))}, now());
  const auto [near, far] = connect_tcp(world, 0, 0);
  EXPECT_TRUE(near && far);
}

TEST(Traffic, PingIsAnswered) {
  World world(2);
  const UniqueFd socket = world.fabric->open_socket(0, AF_INET, SOCK_RAW, IPPROTO_ICMP);
  icmphdr echo{};
  echo.type = ICMP_ECHO;
  echo.checksum = static_cast<std::uint16_t>(~htons(ICMP_ECHO << 8));
  const sockaddr_in to = address_of(world, 1, 0);
  ASSERT_EQ(::sendto(socket.get(), &echo, sizeof echo, 0, generic(to), sizeof to),
            static_cast<ssize_t>(sizeof echo));
  EXPECT_TRUE(readable(socket, 1000ms));
}

TEST(Traffic, NothingAnswersAtAddressesOfNobody) {
  World world(2);
  const UniqueFd socket = world.fabric->open_socket(0, AF_INET, SOCK_DGRAM, 0);
  sockaddr_in to = address_of(world, 0, kPort);
  to.sin_addr.s_addr = htonl(world.plan.subnet.base.value + 200);
  EXPECT_EQ(::sendto(socket.get(), "x", 1, 0, generic(to), sizeof to), 1);
  to.sin_addr.s_addr = htonl(0x08080808);
  EXPECT_EQ(::sendto(socket.get(), "x", 1, 0, generic(to), sizeof to), -1) << "a way out";
}

TEST(Traffic, Ipv6IsCutAndHealedAlong) {
  World world(2, true);
  const UniqueFd receiver = world.fabric->open_socket(1, AF_INET6, SOCK_DGRAM, 0);
  const UniqueFd sender = world.fabric->open_socket(0, AF_INET6, SOCK_DGRAM, 0);
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(kPort);
  std::memcpy(&to.sin6_addr, world.plan.endpoints[1].address6->bytes.data(), 16);
  ASSERT_EQ(::bind(receiver.get(), generic(to), sizeof to), 0);
  std::array<char, 8> text{};
  ASSERT_EQ(::sendto(sender.get(), "a", 1, 0, generic(to), sizeof to), 1);
  ASSERT_TRUE(readable(receiver, 1000ms));
  ASSERT_EQ(::recv(receiver.get(), text.data(), text.size(), 0), 1);
  world.fabric->apply({cut(1, {{0, 1}})}, now());
  ASSERT_EQ(::sendto(sender.get(), "b", 1, 0, generic(to), sizeof to), 1);
  EXPECT_FALSE(readable(receiver, 50ms));
  world.fabric->apply({}, now());
  ASSERT_EQ(::sendto(sender.get(), "c", 1, 0, generic(to), sizeof to), 1);
  EXPECT_TRUE(readable(receiver, 1000ms));
}

/// While one cut is exchanged for another, over and over, not one packet gets through in between,
/// and each is counted exactly once.
TEST(Traffic, NoPacketSlipsThroughWhileCutsAreExchanged) {
  World world(2);
  const UniqueFd receiver = world.fabric->open_socket(1, AF_INET, SOCK_DGRAM, 0);
  const sockaddr_in to = address_of(world, 1, kPort);
  ASSERT_EQ(::bind(receiver.get(), generic(to), sizeof to), 0);
  const UniqueFd sender = world.fabric->open_socket(0, AF_INET, SOCK_DGRAM, 0);

  const auto permanent = cut(1, {{0, 1}});
  world.fabric->apply({permanent}, now());
  std::atomic<bool> stop = false;
  const std::uint64_t before = world.fabric->traffic().value();
  std::uint64_t sent = 0;
  std::thread flood([&] {
    while (!stop) {
      sent += ::sendto(sender.get(), "x", 1, 0, generic(to), sizeof to) == 1 ? 1U : 0U;
    }
  });
  ScopeExit end_flood([&] {
    stop = true;
    flood.join();
  });
  std::uint32_t id = 2;
  const auto until = now() + 2s;
  int changes = 0;
  std::vector<Fault> faults = {permanent};
  // A slow machine takes longer for enough of them.
  while (now() < until || changes <= 20) {
    // Alternately one permanent cut, and several that uncover one another within milliseconds.
    faults = {cut(id, {{0, 1}})};
    if (changes % 2 == 0) {
      faults.push_back(cut(id + 1, {{0, 1}}, now() + 5ms));
      faults.push_back(cut(id + 2, {{0, 1}}, now() + 9ms));
    }
    world.fabric->apply(faults, now());
    id += 3;
    ++changes;
  }
  end_flood.run();
  EXPECT_FALSE(readable(receiver, 20ms)) << "a packet slipped through in " << changes << " changes";
  EXPECT_GT(sent, 1000U);
  EXPECT_GT(changes, 20);
  const auto links = world.fabric->links(now());
  ASSERT_EQ(links.size(), 1U);
  // A busy kernel drops some between the sender's call and the switch, when its backlog is full.
  const std::uint64_t arrived = world.fabric->traffic().value() - before;
  EXPECT_LE(arrived, sent);
  EXPECT_EQ(links[0].packets.dropped, arrived);
}

}  // namespace
}  // namespace tinet::testing
