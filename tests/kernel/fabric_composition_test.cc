/// However faults came and went: what the kernel holds is what a fabric that never held anything
/// else makes of the faults that are left.

#include <optional>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "tests/kernel/fabric_readback.h"
#include "tests/kernel/fault_actions.h"
#include "tests/kernel/wire_spy.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kInstances = 3;
constexpr std::size_t kFaultsMax = 7;
constexpr int kSteps = 30;
/// An emulated machine takes seconds for a step: it leaves it at those that fit, but does a few.
constexpr int kStepsMin = 8;
constexpr auto kTimeMax = 60s;

/// Random faults of every kind.
class Faults {
 public:
  explicit Faults(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
  }
  Fault any(FaultId id, const FabricPlan& plan, MonoTime start);

 private:
  bool chance(std::size_t one_in) { return below(one_in) == 0; }
  LinkAction action();
  Match match(FaultId id);

  std::mt19937 random_;
};

LinkAction Faults::action() {
  LinkAction action;
  const auto percent = Ppm{static_cast<std::uint32_t>(1 + below(3)) * 100'000};
  switch (below(11)) {
    case 0:
    case 1:
    case 2:
      return cutting(static_cast<CutMode>(below(3)));
    case 3:
      return losing(percent.value);
    case 4:
      action.duplicate = percent;
      break;
    case 5:
      action.corrupt = percent;
      action.silent_corruption = chance(2);
      break;
    case 6:
      action.rate =
          Rate{1'000'000 * (1 + below(3)), 3'000, static_cast<std::uint32_t>(100 * below(3))};
      break;
    case 7:
      action.bursts = {{percent, Ppm{500'000}}};
      action.seed = below(3);
      break;
    case 8:
      action = delaying(10ms * static_cast<int>(1 + below(3)));
      action.reorder = percent;
      break;
    case 9:
      action.hold = true;
      break;
    default:
      action = delaying(10ms * static_cast<int>(1 + below(3)), chance(2) ? 5ms : 0ms,
                        chance(2) ? Distribution::Normal : Distribution::Uniform);
  }
  return action;
}

Match Faults::match(FaultId id) {
  Match match;
  switch (below(8)) {
    case 0:
      match = to_port(static_cast<std::uint16_t>(7000 + below(2)), Protocol::Tcp);
      break;
    case 1:
      match.protocol = Protocol::Udp;
      break;
    case 2:
      match = to_port(7000, Protocol::Tcp);
      match.connections = Connections::New;
      break;
    case 3:
      match.first = 5;
      match.owner = id;
      break;
    case 4:
      match.after_bytes = 1'000'000;
      match.owner = id;
      break;
    default:
      break;
  }
  return match;
}

Fault Faults::any(FaultId id, const FabricPlan& plan, MonoTime start) {
  std::set<Link> links;
  const std::vector<Link> all = all_links(plan);
  for (std::size_t i = 0; i <= below(4); ++i) {
    links.insert(all[below(all.size())]);
  }
  Fault fault = acting(id.value, action(), {links.begin(), links.end()}, match(id));
  if (chance(2)) {
    // Far apart, so that none of them passes meanwhile.
    fault.end = start + 1000s * static_cast<int>(1 + below(4));
  }
  return fault;
}

/// nullopt: not possible together.
std::optional<ReadSchedules> applied(World& world, const std::vector<Fault>& faults, MonoTime start,
                                     const std::set<int>& foreign_wires) {
  try {
    world.fabric->apply(faults, now());
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Conflict) << error.what();
    return std::nullopt;
  }
  return read_schedules(world, start, foreign_wires);
}

class Composition : public ::testing::TestWithParam<unsigned> {};

TEST_P(Composition, InTheKernelIsThatOfTheFaultsThatAreLeft) {
  Faults faults(GetParam());
  const MonoTime start = now();
  World world(kInstances);
  std::vector<Fault> active;
  ReadSchedules held;
  std::uint32_t last = 0;
  int refused = 0;
  int step = 0;
  for (; step < kSteps && (step < kStepsMin || now() < start + kTimeMax); ++step) {
    std::vector<Fault> wanted = active;
    if (wanted.size() == kFaultsMax || (!wanted.empty() && faults.below(5) < 2)) {
      wanted.erase(wanted.begin() + static_cast<std::ptrdiff_t>(faults.below(wanted.size())));
    } else {
      wanted.push_back(faults.any({++last}, world.plan, start));
    }
    const std::set<int> wires = wire_controls();
    World fresh(kInstances);
    const auto expected = applied(fresh, wanted, start, wires);
    std::set<int> others = wire_controls();
    for (const int own : wires) {
      others.erase(own);
    }
    const auto got = applied(world, wanted, start, others);
    ASSERT_EQ(got.has_value(), expected.has_value()) << "step " << step;
    if (!got) {
      ++refused;
      EXPECT_EQ(read_schedules(world, start, others), held) << "a refused change, step " << step;
      continue;
    }
    active = wanted;
    held = *got;
    for (const Link& link : all_links(world.plan)) {
      const auto of = [&](const ReadSchedules& schedules) {
        const auto found = schedules.find(link);
        return found == schedules.end() ? std::vector<ReadEffect>{} : found->second;
      };
      EXPECT_EQ(of(*got), of(*expected))
          << "step " << step << ", link " << link.from << " > " << link.to << ": "
          << to_text(of(*got)) << "instead of: " << to_text(of(*expected));
    }
    if (HasFailure()) {
      break;
    }
  }
  EXPECT_LE(refused, step / 2);
  EXPECT_TRUE(world.fabric->audit(now()).empty());
  world.fabric->apply({}, now());
  EXPECT_TRUE(read_schedules(world, start).empty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, Composition, ::testing::Values(1U, 2U));

}  // namespace
}  // namespace tinet::testing
