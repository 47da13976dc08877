/// Atomicity over many links: while two partitions take turns, a flood over all links never sees a
/// mixture of them.

#include <array>
#include <atomic>
#include <thread>

#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "src/base/scope_exit.h"
#include "tests/kernel/fabric_world.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kChanges = 1'000;
constexpr std::uint16_t kPort = 80;
constexpr Endpoint kInstances = 4;
/// No partition concerns the client, so what is sent to it tells that all before it was judged.
constexpr Endpoint kClient = kInstances;

/// {0,1 / 2,3} and {0,2 / 1,3} take turns, so every link but four is open in one of them only.
struct Probe {
  Link link;
  bool open_in_first;
};
constexpr std::array<Probe, 8> kProbes = {{{{0, 1}, true},
                                           {{0, 2}, false},
                                           {{3, 2}, true},
                                           {{3, 1}, false},
                                           {{1, 0}, true},
                                           {{2, 0}, false},
                                           {{2, 3}, true},
                                           {{1, 3}, false}}};
/// Shut in both.
constexpr std::array<Link, 4> kShut = {{{0, 3}, {3, 0}, {1, 2}, {2, 1}}};

/// Links between {0, partner} and the two others.
std::vector<Link> across(Endpoint partner) {
  std::vector<Link> links(kShut.begin(), kShut.end());
  for (const Probe& probe : kProbes) {
    if (probe.open_in_first != (partner == 1)) {
      links.push_back(probe.link);
    }
  }
  return links;
}

/// One thread on one processor, which judges packets in the order in which they were sent.
class Flood {
 public:
  explicit Flood(World& world) {
    for (Endpoint i = 0; i <= kClient; ++i) {
      sockets_[i] = world.fabric->open_socket(i, AF_INET, SOCK_DGRAM, 0);
      addresses_[i].sin_family = AF_INET;
      addresses_[i].sin_port = htons(kPort);
      addresses_[i].sin_addr.s_addr = htonl(world.plan.endpoints[i].address.value);
      EXPECT_EQ(::bind(sockets_[i].get(), generic(i), sizeof addresses_[i]), 0);
    }
  }

  /// Sends over every link some times. @return false when the network no longer answers
  bool batch() {
    std::array<bool, 4 * kProbes.size()> arrived{};
    for (std::size_t i = 0; i < arrived.size(); ++i) {
      send(kProbes[i % kProbes.size()].link, i);
    }
    for (const Link& link : kShut) {
      send(link, arrived.size());
    }
    send({0, kClient}, 0);
    pollfd marker{sockets_[kClient].get(), POLLIN, 0};
    if (::poll(&marker, 1, 10'000) != 1) {
      return false;
    }
    std::size_t number = 0;
    for (const UniqueFd& socket : sockets_) {
      while (::recv(socket.get(), &number, sizeof number, MSG_DONTWAIT) == sizeof number) {
        if (socket.get() == marker.fd) {
          continue;
        }
        through_shut += number == arrived.size() ? 1U : 0U;
        arrived.at(number % arrived.size()) = true;
      }
    }
    for (std::size_t i = 0; i < arrived.size(); ++i) {
      const bool first = kProbes[i % kProbes.size()].open_in_first == arrived[i];
      switches += first != first_ ? 1U : 0U;
      first_ = first;
    }
    ++batches;
    return true;
  }

  std::uint64_t switches = 0;  ///< how often a packet met another partition than the one before
  std::uint64_t through_shut = 0;
  std::atomic<std::uint64_t> batches = 0;

 private:
  [[nodiscard]] const sockaddr* generic(Endpoint i) const {
    return reinterpret_cast<const sockaddr*>(&addresses_[i]);
  }
  void send(Link link, std::size_t number) {
    EXPECT_EQ(::sendto(sockets_[link.from].get(), &number, sizeof number, 0, generic(link.to),
                       sizeof addresses_[link.to]),
              static_cast<ssize_t>(sizeof number));
  }

  std::array<UniqueFd, kInstances + 1> sockets_;
  std::array<sockaddr_in, kInstances + 1> addresses_{};
  bool first_ = true;
};

void stay_on_this_processor() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(::sched_getcpu()), &one);
  EXPECT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
}

/// Each packet tells which partition judged it. Were links changed one after the other, packets in
/// between would tell one and the other by turns; with whole changes the answer changes once each.
TEST(Atomicity, NoPacketMeetsAMixtureWhilePartitionsTakeTurns) {
  World world(kInstances);
  std::uint32_t id = 1;
  world.fabric->apply({cut(id++, across(1))}, now());
  Flood flood(world);
  std::atomic<bool> stop = false;
  std::atomic<bool> answers = true;
  std::thread thread([&] {
    stay_on_this_processor();
    while (!stop && answers) {
      answers = flood.batch();
    }
  });
  ScopeExit end_flood([&] {
    stop = true;
    thread.join();
  });
  std::uint64_t changes = 0;
  for (; changes < kChanges && answers; ++changes) {
    world.fabric->apply({cut(id++, across(changes % 2 == 0 ? 2 : 1))}, now());
    // Every partition is met by packets.
    for (const auto seen = flood.batches.load(); flood.batches < seen + 2 && answers;) {
      std::this_thread::yield();
    }
  }
  end_flood.run();
  EXPECT_TRUE(answers);
  EXPECT_EQ(changes, kChanges);
  EXPECT_EQ(flood.switches, changes) << flood.batches << " batches";
  EXPECT_EQ(flood.through_shut, 0U);
}

}  // namespace
}  // namespace tinet::testing
