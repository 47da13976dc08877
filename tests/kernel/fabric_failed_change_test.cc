/// The kernel refuses a call in the middle of a change, whichever: the former state holds in all of
/// its parts, and the next change does what it would have done without that.

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "netns/namespace.h"
#include "netns/offload.h"
#include "netns/qdisc.h"
#include "src/base/error.h"
#include "src/fabric/skeleton.h"
#include "tests/kernel/countdown.h"
#include "tests/kernel/fabric_readback.h"
#include "tests/kernel/fabric_world.h"
#include "tests/kernel/fault_actions.h"
#include "tests/kernel/fault_traffic.h"
#include "tests/kernel/meddler.h"
#include "tests/kernel/wire_spy.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

/// Longer than anything is kept that nobody uses.
constexpr auto kStep = 4s;

LinkAction limiting(std::uint64_t bits_per_second) {
  LinkAction action;
  action.rate = Rate{bits_per_second, 0, 0};
  return action;
}

LinkAction corrupting() {
  LinkAction action;
  action.corrupt = Ppm{10'000};
  return action;
}

std::vector<Fault> former_faults() {
  return {cut(1, {{0, 1}}), acting(2, limiting(1'000'000), {{1, 0}, {3, 0}}),
          acting(3, losing(100'000), {{1, 2}}), acting(4, delaying(20ms), {{0, 2}})};
}

/// Everything that a change can need.
std::vector<Fault> next_faults() {
  return {acting(5, limiting(2'000'000), {{2, 0}, {1, 0}}),
          acting(6, delaying(30ms), {{0, 2}}),
          acting(7, cutting(CutMode::Reject), {{2, 1}}),
          acting(8, holding(), {{3, 0}}),
          acting(9, losing(200'000), {{0, 3}}),
          acting(10, corrupting(), {{1, 2}})};
}

std::vector<Fault> other_faults() {
  return {acting(11, limiting(3'000'000), {{2, 0}, {3, 0}}), acting(12, delaying(50ms), {{0, 3}}),
          acting(13, cutting(CutMode::Reject), {{2, 3}}), acting(14, losing(300'000), {{3, 1}})};
}

/// What a kernel does for a set of faults.
struct State {
  ReadSchedules links;
  std::vector<Offloads> offloads;
  friend bool operator==(const State&, const State&) = default;
};

State read_state(World& world) {
  State state{read_schedules(world, now()), {}};
  for (std::size_t i = 0; i < world.plan.endpoints.size(); ++i) {
    const UniqueFd socket =
        world.fabric->open_socket(static_cast<Endpoint>(i), AF_INET, SOCK_DGRAM, 0);
    state.offloads.push_back(read_offloads(socket.get(), "eth0"));
  }
  return state;
}

std::string to_text(const State& state) {
  std::string text;
  for (const auto& [link, schedule] : state.links) {
    text += std::to_string(link.from) + "->" + std::to_string(link.to) + ": " +
            testing::to_text(schedule) + "\n";
  }
  for (const Offloads& offloads : state.offloads) {
    text += to_string(offloads) + "\n";
  }
  return text;
}

std::size_t port_classes(World& world) {
  Meddler meddler;
  auto socket = meddler.open(world.fabric->switch_namespace_fd(), NETLINK_ROUTE);
  std::size_t classes = 0;
  for (std::size_t i = 0; i < world.plan.endpoints.size(); ++i) {
    classes += list_htb_classes(socket, fabric::port_index(static_cast<Endpoint>(i))).size();
  }
  return classes;
}

class FailedChange : public ::testing::Test {
 protected:
  FailedChange() : options_(test_options()) { options_.gate = &gate_; }

  State state_of(const std::vector<Fault>& faults) {
    World world(3, false, options_);
    world.fabric->apply(faults, now());
    return read_state(world);
  }
  /// The fabric's clock goes on, so that nothing of a former change is used again.
  MonoTime later() { return time_ += kStep; }

  /// Whether the change failed.
  bool apply_refusing(World& world, int call, const std::vector<Fault>& faults) {
    gate_.arm(call);
    bool failed = false;
    try {
      world.fabric->apply(faults, later());
    } catch (const Error&) {
      failed = true;
    }
    reached_the_end_ = gate_.pending();
    gate_.disarm();
    return failed;
  }

  Countdown gate_;
  NetnsOptions options_;
  MonoTime time_ = now();
  bool reached_the_end_ = false;
};

TEST_F(FailedChange, LeavesTheFormerStateInAllParts) {
  const State empty = state_of({});
  const State former = state_of(former_faults());
  const State next = state_of(next_faults());
  const State other = state_of(other_faults());
  World world(3, false, options_);
  for (int call = 0; !reached_the_end_; ++call) {
    SCOPED_TRACE(call);
    ASSERT_LT(call, 300);
    world.fabric->apply(former_faults(), later());
    ASSERT_TRUE(read_state(world) == former) << to_text(read_state(world));
    const bool failed = apply_refusing(world, call, next_faults());
    const State& wanted = failed ? former : next;
    const State found = read_state(world);
    EXPECT_TRUE(found == wanted) << "found\n" << to_text(found) << "wanted\n" << to_text(wanted);
    const auto drift = world.fabric->audit(later());
    EXPECT_TRUE(drift.empty()) << all_of(drift);
    world.fabric->apply(other_faults(), later());
    const State after = read_state(world);
    ASSERT_TRUE(after == other) << "found\n" << to_text(after) << "wanted\n" << to_text(other);
    ASSERT_FALSE(reached_the_end_ && failed);
  }
  world.fabric->apply({cut(15, {{0, 1}})}, later());
  world.fabric->apply({}, later());
  world.fabric->apply({cut(16, {{0, 1}})}, later());
  world.fabric->apply({}, later());
  EXPECT_TRUE(read_state(world) == empty) << to_text(read_state(world));
  EXPECT_EQ(port_classes(world), 0U);
  for (const int control : wire_controls()) {
    EXPECT_TRUE(read_wire(control).empty());
  }
}

/// The switch's settings that the wire needs where the kernel cannot queue in the bridge.
std::vector<std::string> bridge_settings(World& world) {
  NamespaceThread thread;
  const Namespace space(UniqueFd(::fcntl(world.fabric->switch_namespace_fd(), F_DUPFD_CLOEXEC, 0)));
  return thread.run_in(space, [] {
    return std::vector<std::string>{read_sysctl("net/bridge/bridge-nf-call-iptables"),
                                    read_sysctl("net/bridge/bridge-nf-call-ip6tables")};
  });
}

/// Each call in a world of its own, for a wire that runs is not started again.
TEST_F(FailedChange, LeavesNothingOfAWireThatCouldNotBeStarted) {
  const std::vector<Fault> delays = {acting(1, delaying(20ms), {{0, 1}})};
  options_.use_netem = false;
  const State empty = state_of({});
  int without_wire = 0;
  for (int call = 0; !reached_the_end_; ++call) {
    SCOPED_TRACE(call);
    ASSERT_LT(call, 200);
    World world(3, false, options_);
    const auto settings = bridge_settings(world);
    if (!apply_refusing(world, call, delays)) {
      continue;
    }
    EXPECT_TRUE(read_state(world) == empty);
    // Once it runs it stays, though the change has failed.
    if (wire_controls().empty()) {
      ++without_wire;
      EXPECT_EQ(bridge_settings(world), settings);
    }
    const auto drift = world.fabric->audit(later());
    EXPECT_TRUE(drift.empty()) << all_of(drift);
    world.fabric->apply(delays, later());
    EXPECT_EQ(read_state(world).links.size(), 1U);
    const auto rest = world.fabric->audit(later());
    EXPECT_TRUE(rest.empty()) << all_of(rest);
  }
  EXPECT_GT(without_wire, 3);
}

TEST_F(FailedChange, LeavesAuditsWithoutAWireWhenThereCanBeNone) {
  options_.use_netem = false;
  options_.wire_program = "/nonexistent";
  World world(2, false, options_);
  const auto settings = bridge_settings(world);
  EXPECT_THROW(world.fabric->apply({acting(1, delaying(20ms), {{0, 1}})}, later()), Error);
  EXPECT_EQ(bridge_settings(world), settings);
  const auto drift = world.fabric->audit(later());
  EXPECT_TRUE(drift.empty()) << all_of(drift);
}

TEST_F(FailedChange, HoldsAgainWhatWasLetGoForIt) {
  const std::vector<Fault> held = {acting(1, holding())};
  World world(2, false, options_);
  world.fabric->apply(held, later());
  Datagrams datagrams(world, kLink, 7000);
  datagrams.send(0, 3);
  EXPECT_EQ(world.fabric->release({1}, false).delivered, 3U);
  ASSERT_TRUE(apply_refusing(world, 0, {}));
  datagrams.send(3, 5);
  EXPECT_EQ(datagrams.receive(200ms).size(), 3U);
  const auto drift = world.fabric->audit(later());
  EXPECT_TRUE(drift.empty()) << all_of(drift);
  EXPECT_EQ(world.fabric->release({1}, false).delivered, 5U);
  world.fabric->apply({}, later());
  datagrams.send(8, 2);
  EXPECT_EQ(datagrams.receive(200ms).size(), 7U);
}

/// Cuts the first packets only, so that the kernel has to remember how many.
Fault cut_first(std::uint32_t id, std::uint32_t packets, Link link) {
  Fault fault = cut(id, {link});
  fault.clauses.front().match.first = packets;
  fault.clauses.front().match.owner = {id};
  return fault;
}

/// What a failed change had the kernel remember is not what another fault of that number means.
TEST_F(FailedChange, LeavesNoMemoryToTheNextFaultOfItsNumber) {
  World world(2, false, options_);
  std::uint32_t id = 1;
  for (int call = 0; !reached_the_end_; ++call, ++id) {
    SCOPED_TRACE(call);
    ASSERT_LT(call, 100);
    const bool failed = apply_refusing(world, call, {cut_first(id, 9, {0, 1})});
    if (!failed) {
      world.fabric->apply({}, later());
      continue;
    }
    try {
      world.fabric->apply({cut_first(id, 2, {1, 0})}, later());
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Conflict) << error.what();
      // Where packets may be on their way through the rules, they stay for a while.
      ++id;
      world.fabric->apply({cut_first(id, 2, {1, 0})}, later());
    }
    EXPECT_FALSE(world.reaches(1, 0));
    EXPECT_FALSE(world.reaches(1, 0));
    EXPECT_TRUE(world.reaches(1, 0));
    world.fabric->apply({}, later());
    const auto drift = world.fabric->audit(later());
    EXPECT_TRUE(drift.empty()) << all_of(drift);
  }
}

}  // namespace
}  // namespace tinet::testing
