/// What the wire does is compared with what it should do, and mended.

#include <gtest/gtest.h>

#include "tests/kernel/fault_actions.h"
#include "tests/kernel/fault_traffic.h"
#include "tests/kernel/frozen_wire.h"
#include "tests/kernel/meddler.h"
#include "tests/kernel/wire_child.h"
#include "tests/kernel/wire_spy.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 7000;

class WireAudit : public ::testing::Test {
 protected:
  void SetUp() override {
    if (world.fabric->mechanism(acting(1, delaying(5s))) != "wire") {
      GTEST_SKIP() << "delays are the kernel's here";
    }
    world.fabric->apply({acting(1, delaying(100ms))}, now());
    ASSERT_EQ(wire_controls().size(), 1U);
    control = *wire_controls().begin();
  }
  [[nodiscard]] std::vector<Drift> audit() { return world.fabric->audit(now()); }

  World world{2};
  int control = -1;
};

TEST_F(WireAudit, FindsOtherParametersAndTellsTheRightOnesAgain) {
  const auto told = read_wire(control);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told.begin()->second.delay, (Delay{100ms, {}, Distribution::Uniform, {}, {}}));
  WireShape other = told.begin()->second;
  other.delay->delay = 1ms;
  ask_wire(control, SetWireClass{told.begin()->first, other});
  const auto drift = audit();
  ASSERT_EQ(drift.size(), 1U);
  EXPECT_EQ(drift[0].what,
            "class " + std::to_string(told.begin()->first) + " of the wire was changed");
  EXPECT_TRUE(drift[0].repaired);
  EXPECT_TRUE(audit().empty());
  EXPECT_EQ(read_wire(control), told);
  Datagrams datagrams(world, kLink, kPort);
  const auto arrivals = datagrams.exchange(5, 300ms);
  ASSERT_EQ(arrivals.size(), 5U);
  EXPECT_GE(arrivals.front().took, 100ms);
}

TEST_F(WireAudit, FindsClassesThatAreMissingOrNobodys) {
  const auto told = read_wire(control);
  ask_wire(control, RemoveWireClass{told.begin()->first});
  ask_wire(control, SetWireClass{60'000, told.begin()->second});
  EXPECT_EQ(audit().size(), 2U);
  EXPECT_TRUE(audit().empty());
  EXPECT_EQ(read_wire(control), told);
}

TEST_F(WireAudit, SaysThatAWireIsFrozenAndLooksAtTheRest) {
  const pid_t pid = find_wire_child().value();
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  const auto drift = audit();
  ASSERT_EQ(::kill(pid, SIGCONT), 0);
  ASSERT_EQ(drift.size(), 1U);
  EXPECT_EQ(drift[0].what, "cannot reach the userspace wire: no answer within 5000 ms");
  EXPECT_FALSE(drift[0].repaired);
  EXPECT_TRUE(audit().empty());
}

/// Classes that nobody uses any more go with the change after; the wire is asked for their last
/// counts then.
TEST_F(WireAudit, AChangeThatNeedsNoWireIsDoneWhileTheWireIsFrozen) {
  const MonoTime start = now();
  world.fabric->apply({}, start + 1s);
  const std::vector<Fault> wanted = {cut(2, {kLink})};
  {
    const FrozenWire frozen;
    const auto report = world.fabric->apply(wanted, start + 10s);
    EXPECT_TRUE(report.committed);
    ASSERT_EQ(report.notes.size(), 1U);
    EXPECT_NE(report.notes[0].find("no answer within 5000 ms"), std::string::npos)
        << report.notes[0];
    EXPECT_FALSE(world.reaches(kLink.from, kLink.to));
    const auto again = now();
    world.fabric->apply({}, start + 20s);
    EXPECT_LT(now() - again, 5s) << "it waits for the wire again";
    EXPECT_TRUE(world.reaches(kLink.from, kLink.to));
  }
  EXPECT_EQ(read_wire(control).size(), 1U);
  const auto drift = audit();
  EXPECT_TRUE(drift.empty()) << all_of(drift);
  EXPECT_TRUE(read_wire(control).empty());
}

}  // namespace
}  // namespace tinet::testing
