/// --for ends in the kernel whatever the fault does and whoever is frozen or dead: after the end,
/// new packets pass at once and unharmed although nobody has acted. The fabric never acts here
/// after the fault was made, as if the supervisor were frozen.

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "tests/kernel/after_end.h"
#include "tests/kernel/arrivals.h"
#include "tests/kernel/fault_actions.h"
#include "tests/kernel/fault_traffic.h"
#include "tests/kernel/frozen_wire.h"
#include "tests/kernel/wire_child.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kBefore = 7000;
constexpr std::uint16_t kAfter = 7001;
constexpr std::array kFamilies = {AF_INET, AF_INET6};

/// Faults so strong that a packet which meets one can't be taken for one which does not.
struct Kind {
  std::string name;
  LinkAction action;
  bool flaps = false;
};

std::vector<Kind> kinds() {
  std::vector<Kind> all = {{"drop", cutting(CutMode::Drop)},
                           {"reject", cutting(CutMode::Reject)},
                           {"reset", cutting(CutMode::Reset)},
                           {"loss", losing(1'000'000)},
                           {"delay", delaying(1h)},
                           {"jitter", delaying(2h, 1h, Distribution::Normal)},
                           {"flap", cutting(CutMode::Drop), true}};
  const auto add = [&](const std::string& name, auto change) {
    Kind kind{name, {}};
    kind.action.seed = 7;
    change(kind.action);
    all.push_back(kind);
  };
  add("rate", [](LinkAction& action) { action.rate = Rate{1'000, 0, 0}; });
  add("duplicate", [](LinkAction& action) { action.duplicate = Ppm{1'000'000}; });
  add("corrupt", [](LinkAction& action) { action.corrupt = Ppm{1'000'000}; });
  add("damage", [](LinkAction& action) {
    action.corrupt = Ppm{1'000'000};
    action.silent_corruption = true;
  });
  add("burst", [](LinkAction& action) { action.bursts = {{Ppm{1'000'000}, Ppm{1}}}; });
  add("hold", [](LinkAction& action) { action.hold = true; });
  add("reorder", [](LinkAction& action) {
    action.delay = Delay{1h, {}, Distribution::Uniform, {}, {}};
    action.reorder = Ppm{500'000};
  });
  return all;
}

/// The links 0>1, 2>3, ..., one for each kind, with numbered datagrams on all of them.
class Links {
 public:
  Links(World& world, std::uint16_t port) {
    for (std::size_t kind = 0; kind < kinds().size(); ++kind) {
      for (const int family : kFamilies) {
        all_.push_back(std::make_unique<Datagrams>(world, link_of(kind), port, family));
      }
    }
  }

  static Link link_of(std::size_t kind) {
    return {static_cast<Endpoint>(2 * kind), static_cast<Endpoint>(2 * kind + 1)};
  }

  /// Sends on all of them for a while.
  void send() {
    for (std::uint32_t number = 0; number < kCount; ++number) {
      const auto next = now() + 1ms;
      for (const auto& datagrams : all_) {
        datagrams->send(number, 1);
      }
      wait_until(next);
    }
  }

  /// The names of those on which not each datagram arrives once, as it was sent and in order.
  std::set<std::string> harmed(std::chrono::milliseconds patience) {
    send();
    std::set<std::string> names;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const auto arrivals = all_[i]->receive(patience);
      bool intact = arrivals.size() == kCount;
      for (std::size_t at = 0; intact && at < kCount; ++at) {
        intact = arrivals[at].number == at && arrivals[at].intact;
      }
      if (!intact) {
        const std::size_t families = kFamilies.size();
        names.insert(kinds()[i / families].name + (i % families == 0 ? " v4" : " v6"));
      }
    }
    return names;
  }

 private:
  static constexpr std::uint32_t kCount = 60;

  std::vector<std::unique_ptr<Datagrams>> all_;  ///< of each kind, of each family
};

/// Each on its own link, to an end that nobody is there to see.
std::vector<Fault> timed(MonoTime end) {
  std::vector<Fault> faults;
  for (const Kind& kind : kinds()) {
    const auto number = static_cast<std::uint32_t>(faults.size());
    Fault fault = acting(number + 1, kind.action, {Links::link_of(number)});
    fault.end = end;
    if (kind.flaps) {
      // Down when the end comes, which alone lets packets pass again.
      const Nanoseconds phase = 60s;
      fault.flap = Flap{phase, phase, 0, now()};
    }
    faults.push_back(fault);
  }
  return faults;
}

enum class Absence { SupervisorFrozen, WireFrozen, WireKilled };

std::string name_of(const ::testing::TestParamInfo<Absence>& absence) {
  switch (absence.param) {
    case Absence::SupervisorFrozen:
      return "SupervisorFrozen";
    case Absence::WireFrozen:
      return "WireFrozen";
    case Absence::WireKilled:
      break;
  }
  return "WireKilled";
}

class Unattended : public ::testing::TestWithParam<Absence> {};
INSTANTIATE_TEST_SUITE_P(Every, Unattended,
                         ::testing::Values(Absence::SupervisorFrozen, Absence::WireFrozen,
                                           Absence::WireKilled),
                         name_of);

TEST_P(Unattended, FaultOfEveryKindEndsForNewPackets) {
  std::optional<FrozenWire> frozen;
  std::set<std::string> harmed;
  const auto act = [&](World& young, MonoTime end) {
    frozen.reset();
    young.fabric->apply(timed(end), now());
    Links links(young, kBefore);
    // A loaded machine may be late with the first ones.
    harmed.clear();
    while (harmed.size() < kinds().size() * kFamilies.size() && now() < end) {
      harmed.merge(links.harmed(5ms));
    }
    // Where the kernel has netem, holds alone need a wire.
    const auto wire = find_wire_child();
    ASSERT_TRUE(wire);
    if (GetParam() == Absence::WireFrozen) {
      frozen.emplace();
    } else if (GetParam() == Absence::WireKilled) {
      EXPECT_TRUE(kill_child(*wire));
    }
    // Some of these wait for somebody who does not come.
    links.send();
  };
  const auto world = world_after_end(
      act, {.instances = 2 * kinds().size(), .ipv6 = true, .first = std::chrono::seconds(2)});
  std::set<std::string> every;
  for (const Kind& kind : kinds()) {
    every.merge(std::set{kind.name + " v4", kind.name + " v6"});
  }
  EXPECT_EQ(harmed, every) << "a fault did nothing";
  EXPECT_EQ(Links(*world, kAfter).harmed(100ms), std::set<std::string>{});
  for (std::size_t kind = 0; kind < kinds().size(); ++kind) {
    for (const int family : kFamilies) {
      const Link link = Links::link_of(kind);
      Listener listener(*world, link.to, kAfter, family);
      EXPECT_EQ(listener.dial(link.from, 2s), Dialled::Connected) << kinds()[kind].name;
    }
  }
}

TEST(UnattendedHold, OfAFrozenWireComesBackWhenItGoesOn) {
  std::optional<FrozenWire> frozen;
  std::optional<Datagrams> held;
  LinkAction hold;
  hold.hold = true;
  bool silent = false;
  const auto world = world_after_end([&](World& young, MonoTime end) {
    frozen.reset();
    Fault fault = acting(1, hold);
    fault.end = end;
    young.fabric->apply({fault}, now());
    held.emplace(young, kLink, kBefore);
    held->send(0, 100);
    silent = held->receive(20ms).empty();
    frozen.emplace();
  });
  EXPECT_TRUE(silent);
  Datagrams fresh(*world, kLink, kAfter);
  fresh.send(0, 100);
  EXPECT_EQ(fresh.receive(200ms).size(), 100U) << "what is held keeps nothing else";
  EXPECT_TRUE(held->receive(100ms).empty()) << "who would have given it back?";
  frozen.reset();
  const auto arrivals = held->receive(2s);
  EXPECT_EQ(arrivals.size(), 100U);
  EXPECT_EQ(out_of_order(arrivals), 0U);
}

}  // namespace
}  // namespace tinet::testing
