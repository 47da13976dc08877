/// TCP through the wire: what arrives is what was sent, and super-packets stay whole.

#include <array>
#include <thread>

#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "src/wire/random.h"
#include "tests/kernel/wire_world.h"

namespace tinet::testing {
namespace {

using std::chrono::milliseconds;

constexpr std::uint16_t kForth = 3;
constexpr std::uint16_t kBack = 4;
constexpr std::size_t kBytes = 32U << 20U;
constexpr std::size_t kSegment = 1448;

/// FNV-1a over 64-bit words.
class Hash {
 public:
  void add(std::uint64_t word) { value_ = (value_ ^ word) * 0x100000001b3U; }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

constexpr std::size_t kWords = 8192;
using Block = std::array<std::uint64_t, kWords>;

std::uint64_t send_stream(const UniqueFd& socket, std::uint64_t seed) {
  Hash hash;
  WireRandom random(seed);
  Block block{};
  for (std::size_t done = 0; done < kBytes; done += sizeof block) {
    for (std::uint64_t& word : block) {
      word = random.next();
      hash.add(word);
    }
    const auto* bytes = reinterpret_cast<const char*>(block.data());
    for (std::size_t sent = 0; sent < sizeof block;) {
      const ssize_t size = ::send(socket.get(), bytes + sent, sizeof block - sent, MSG_NOSIGNAL);
      if (size <= 0) {
        return 0;
      }
      sent += static_cast<std::size_t>(size);
    }
  }
  ::shutdown(socket.get(), SHUT_WR);
  return hash.value();
}

struct Stream {
  std::size_t bytes = 0;
  std::uint64_t hash = 0;
};

Stream receive_stream(const UniqueFd& socket) {
  Stream stream;
  Hash hash;
  Block block{};
  auto* bytes = reinterpret_cast<char*>(block.data());
  for (;;) {
    const ssize_t size = ::recv(socket.get(), bytes, sizeof block, MSG_WAITALL);
    if (size <= 0) {
      break;
    }
    stream.bytes += static_cast<std::size_t>(size);
    for (std::size_t i = 0; i < static_cast<std::size_t>(size) / sizeof(std::uint64_t); ++i) {
      hash.add(block[i]);
    }
  }
  stream.hash = hash.value();
  return stream;
}

void limit_waits(const UniqueFd& socket) {
  const timeval limit{20, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

class WireTcp : public ::testing::TestWithParam<int> {
 protected:
  void shape(const WireShape& forth, const WireShape& back) {
    world.wire.ensure();
    world.wire.set_class(kForth, forth);
    world.wire.set_class(kBack, back);
    world.classify(0, 1, kForth);
    world.classify(1, 0, kBack);
  }

  /// Sends kBytes from instance 0 to 1 and compares.
  void transfer() {
    const UniqueFd listener = world.socket(1, GetParam(), SOCK_STREAM);
    const UniqueFd sender = world.socket(0, GetParam(), SOCK_STREAM);
    limit_waits(listener);
    limit_waits(sender);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    ASSERT_EQ(::connect(sender.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    const UniqueFd receiver(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(receiver);
    limit_waits(receiver);
    std::uint64_t sent = 0;
    std::thread sending([&] { sent = send_stream(sender, 5); });
    const Stream arrived = receive_stream(receiver);
    sending.join();
    EXPECT_EQ(arrived.bytes, kBytes);
    EXPECT_EQ(arrived.hash, sent);
  }

  WireWorld world{2};
};
INSTANTIATE_TEST_SUITE_P(Families, WireTcp, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& family) { return family.param == AF_INET ? "V4" : "V6"; });

WireShape delayed(milliseconds delay, milliseconds jitter = {}) {
  WireShape shape;
  shape.delay = Delay{.delay = delay, .jitter = jitter};
  return shape;
}

TEST_P(WireTcp, DelayKeepsContentAndSuperPackets) {
  shape(delayed(milliseconds(5)), delayed(milliseconds(5)));
  transfer();
  const WireCounters counted = world.counters(0, 1, kForth);
  // Split into segments it would be more than 23000.
  EXPECT_GT(counted.packets, 100U);
  EXPECT_LT(counted.packets, kBytes / kSegment / 3);
  EXPECT_EQ(counted.overflowed, 0U);
}

TEST_P(WireTcp, JitterReordersWithoutHarm) {
  shape(delayed(milliseconds(3), milliseconds(2)), {});
  transfer();
}

TEST_P(WireTcp, BurstsAreMadeUpFor) {
  WireShape losing;
  losing.bursts = {{.begin = {5'000}, .end = {500'000}}};
  losing.seed = 11;
  shape(losing, {});
  transfer();
  EXPECT_GT(world.counters(0, 1, kForth).lost, 0U);
}

}  // namespace
}  // namespace tinet::testing
