/// A seed makes chance repeatable: the same packets in the same order meet the same fate.

#include <cmath>
#include <map>
#include <utility>

#include <gtest/gtest.h>

#include "tests/kernel/fault_actions.h"
#include "tests/kernel/fault_traffic.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 7000;
constexpr std::uint32_t kSent = 1'000;

/// What a receiver sees of numbered datagrams: how often each arrives, and whether it is intact.
using Fate = std::map<std::uint32_t, std::pair<int, bool>>;

Fate fate_under(const std::vector<LinkAction>& actions) {
  World world(2);
  std::vector<Fault> faults;
  for (const LinkAction& action : actions) {
    faults.push_back(acting(static_cast<std::uint32_t>(faults.size() + 1), action));
  }
  world.fabric->apply(faults, now());
  Datagrams datagrams(world, kLink, kPort);
  Fate fate;
  for (const Arrival& arrival : datagrams.exchange(kSent, 200ms)) {
    auto& [times, intact] = fate[arrival.number];
    ++times;
    intact = arrival.intact;
  }
  return fate;
}

LinkAction seeded(LinkAction action, std::uint64_t seed) {
  action.seed = seed;
  return action;
}

LinkAction duplicating(std::uint32_t ppm) {
  LinkAction action;
  action.duplicate = Ppm{ppm};
  return action;
}

LinkAction corrupting(std::uint32_t ppm) {
  LinkAction action;
  action.corrupt = Ppm{ppm};
  action.silent_corruption = true;
  return action;
}

LinkAction bursting() {
  LinkAction action;
  action.bursts = {{Ppm{100'000}, Ppm{300'000}}};
  return action;
}

struct Chancy {
  const char* name;
  LinkAction action;
};

class Seed : public ::testing::TestWithParam<Chancy> {};

TEST_P(Seed, RepeatsWhatHappensToEachPacket) {
  const Fate first = fate_under({seeded(GetParam().action, 5)});
  EXPECT_EQ(fate_under({seeded(GetParam().action, 5)}), first);
  EXPECT_NE(fate_under({seeded(GetParam().action, 6)}), first);
}

INSTANTIATE_TEST_SUITE_P(Of, Seed,
                         ::testing::Values(Chancy{"loss", losing(100'000)},
                                           Chancy{"bursts", bursting()},
                                           Chancy{"duplicate", duplicating(100'000)},
                                           Chancy{"corrupt", corrupting(100'000)}),
                         [](const auto& of) { return of.param.name; });

/// Two losses of a half leave a quarter, also when somebody gives both the same seed.
TEST(Chance, OfFaultsWithOneSeedIsIndependent) {
  const auto left = fate_under({seeded(losing(500'000), 5), seeded(losing(500'000), 5)}).size();
  const double sigma = std::sqrt(kSent * 0.25 * 0.75);
  EXPECT_NEAR(static_cast<double>(left), kSent * 0.25, 5 * sigma) << "of " << kSent;
}

}  // namespace
}  // namespace tinet::testing
