/// Faults that end in the kernel, alone and on top of each other, and what is counted meanwhile.

#include <algorithm>
#include <random>

#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "netns/offload.h"
#include "src/base/error.h"
#include "src/fabric/effects.h"
#include "tests/kernel/after_end.h"
#include "tests/kernel/fabric_world.h"
#include "tests/kernel/fault_actions.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

std::set<Link> cut_from_scratch(const std::vector<Fault>& faults, MonoTime time) {
  std::set<Link> cut;
  for (const auto& link : fabric::link_schedules(faults, time).links) {
    cut.insert(link.link);
  }
  return cut;
}

/// Sends `count` datagrams from `from` to `to`, wherever they end up.
void send_datagrams(World& world, Link link, int count) {
  const UniqueFd socket = world.fabric->open_socket(link.from, AF_INET, SOCK_DGRAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(world.plan.endpoints[link.to].address.value);
  for (int i = 0; i < count; ++i) {
    ASSERT_EQ(::sendto(socket.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
              1);
  }
}

TEST(TimedFault, EndsInTheKernelByItself) {
  bool reached = true;
  const auto world = world_after_end([&](World& young, MonoTime end) {
    young.fabric->apply({cut(1, {{0, 1}}, end)}, now());
    reached = young.reaches(0, 1);
  });
  EXPECT_FALSE(reached);
  EXPECT_TRUE(world->reaches(0, 1));
}

TEST(TimedFault, GivesOffloadsBackThatItNeeded) {
  World world(2);
  const UniqueFd socket = world.fabric->open_socket(0, AF_INET, SOCK_DGRAM, 0);
  const Offloads before = read_offloads(socket.get(), "eth0");
  const MonoTime start = now();
  world.fabric->apply({acting(1, losing(500'000), {{0, 1}}), acting(2, losing(1), {{1, 0}})},
                      start);
  EXPECT_NE(read_offloads(socket.get(), "eth0"), before);
  Fault timed = acting(1, losing(500'000), {{0, 1}});
  timed.end = start + 1s;
  world.fabric->apply({timed}, start);
  EXPECT_NE(read_offloads(socket.get(), "eth0"), before);
  static_cast<void>(world.fabric->audit(start + 10s));
  EXPECT_EQ(read_offloads(socket.get(), "eth0"), before);
}

TEST(TimedFault, DoesNotTakeAnotherFaultWithIt) {
  std::set<Link> cut_before;
  const auto world = world_after_end([&](World& young, MonoTime end) {
    young.fabric->apply({cut(1, {{0, 1}, {1, 0}}), cut(2, {{0, 1}, {1, 2}}, end)}, now());
    cut_before = young.cut_links();
  });
  EXPECT_EQ(cut_before, (std::set<Link>{{0, 1}, {1, 0}, {1, 2}}));
  EXPECT_EQ(world->cut_links(), (std::set<Link>{{0, 1}, {1, 0}}));
}

TEST(TimedFault, CountsExactlyAcrossItsEnd) {
  const auto old = world_after_end([](World& young, MonoTime end) {
    young.fabric->apply({cut(1, {{0, 1}}), cut(2, {{0, 1}}, end)}, now());
    send_datagrams(young, {0, 1}, 7);
  });
  World& world = *old;
  send_datagrams(world, {0, 1}, 5);
  EXPECT_EQ(world.fabric->packets({1}).dropped, 12U);
  EXPECT_EQ(world.fabric->packets({2}).dropped, 7U);
  // The bridge counts from the IP header on: 20 + 8 + 1 bytes.
  EXPECT_EQ(world.fabric->packets({2}).bytes_dropped, 7U * 29U);

  world.fabric->apply({cut(3, {{0, 1}})}, now());
  send_datagrams(world, {0, 1}, 2);
  world.fabric->apply({}, now());
  send_datagrams(world, {0, 1}, 3);
  EXPECT_EQ(world.fabric->packets({1}).dropped, 12U);
  EXPECT_EQ(world.fabric->packets({2}).dropped, 7U);
  EXPECT_EQ(world.fabric->packets({3}).dropped, 2U);
  const auto links = world.fabric->links(now());
  ASSERT_EQ(links.size(), 1U);
  EXPECT_EQ(links[0].packets.dropped, 14U);
  EXPECT_TRUE(links[0].effect.empty());
}

TEST(TimedFault, RefusesTheNinthEndAndKeepsTheFormerState) {
  World world(2);
  std::vector<Fault> faults;
  for (std::uint32_t i = 0; i < 8; ++i) {
    faults.push_back(cut(i + 1, {{0, 1}}, now() + 10s + 1s * i));
  }
  world.fabric->apply(faults, now());
  auto more = faults;
  more.push_back(cut(9, {{0, 1}}));
  try {
    world.fabric->apply(more, now());
    FAIL() << "nine ends were accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Conflict);
  }
  EXPECT_EQ(world.cut_links(), (std::set<Link>{{0, 1}}));
  EXPECT_TRUE(world.fabric->audit(now()).empty());
}

/// Faults come and go, overlap and end; the network always does what composing the active ones
/// from scratch says, and the kernel holds nothing else.
TEST(TimedFault, RandomHistoriesUncoverWhatTheOthersImply) {
  std::mt19937 random(7);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  World world(3);
  const auto links = all_links(world.plan);
  std::vector<Fault> faults;
  std::uint32_t next_id = 1;
  constexpr std::uint32_t kFaults = 10;
  MonoTime::duration slowest{};  // of the commits: the kernel is late by so much
  const auto start = now();
  // A slow machine takes longer for as many.
  while (now() < start + 4s || (next_id <= kFaults && now() < start + 60s)) {
    const auto time = now();
    std::erase_if(faults, [&](const Fault& fault) { return fault.end && *fault.end <= time; });
    if (!faults.empty() && below(3) == 0) {
      faults.erase(faults.begin() + below(static_cast<unsigned>(faults.size())));
    } else if (faults.size() < 7) {
      std::set<Link> chosen;
      for (unsigned i = 0; i <= below(6); ++i) {
        chosen.insert(links[below(static_cast<unsigned>(links.size()))]);
      }
      const auto end = below(3) == 0 ? std::optional<MonoTime>{} : time + 1ms * (20 + below(300));
      faults.push_back(cut(next_id++, {chosen.begin(), chosen.end()}, end));
    }
    world.fabric->apply(faults, time);
    slowest = std::max(slowest, now() - time);
    // Probes and read-back are compared away from the ends, where the answer is the kernel's.
    const auto before = cut_from_scratch(faults, now() - slowest - kTick);
    const auto probed = world.cut_links();
    const auto drift = world.fabric->audit(now());
    for (const Drift& difference : drift) {
      ADD_FAILURE() << difference.what;
    }
    const auto after = cut_from_scratch(faults, now() + kTick);
    EXPECT_TRUE(std::includes(before.begin(), before.end(), probed.begin(), probed.end()))
        << "a link was cut that no fault touches";
    EXPECT_TRUE(std::includes(probed.begin(), probed.end(), after.begin(), after.end()))
        << "a link was open that a fault cuts";
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(next_id, kFaults);
}

}  // namespace
}  // namespace tinet::testing
