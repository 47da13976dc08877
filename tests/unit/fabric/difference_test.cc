#include "src/fabric/difference.h"

#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "src/base/error.h"

namespace tinet::fabric {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kStart{1000s};

/// The switch's maps as the kernel keeps them: an element is there until its end passes, a change
/// is done as a whole or refused.
class KernelModel {
 public:
  /// Fails the test on a change that the kernel would refuse.
  void commit(const Difference& difference, MonoTime now) {
    for (const MapChange& change : difference.maps) {
      auto& map = maps_[change.map];
      for (const Element& element : change.remove) {
        ASSERT_FALSE(element.end);
        ASSERT_EQ(map.erase(element.link), 1U) << map_name(change.map) << ": no such element";
      }
      for (const Element& element : change.remove_timed) {
        ASSERT_TRUE(element.end);
        map.erase(element.link);
      }
      for (const Element& element : change.add) {
        const auto there = map.find(element.link);
        ASSERT_TRUE(there == map.end() || !alive(there->second, now)) << map_name(change.map);
        map[element.link] = element;
      }
    }
    for (const CounterId& counter : difference.counters.removed) {
      ASSERT_EQ(counters.erase(counter), 1U);
    }
    for (const CounterAssignment& use : difference.counters.created) {
      ASSERT_TRUE(counters.emplace(use.counter, PacketCounts{}).second);
    }
  }

  [[nodiscard]] const Element* find(const MapId& map, Link link, MonoTime time) const {
    const auto elements = maps_.find(map);
    if (elements == maps_.end()) {
      return nullptr;
    }
    const auto found = elements->second.find(link);
    return found != elements->second.end() && alive(found->second, time) ? &found->second : nullptr;
  }

  [[nodiscard]] std::size_t size() const {
    std::size_t elements = 0;
    for (const auto& [id, map] : maps_) {
      elements += map.size();
    }
    return elements;
  }

  CounterValues counters;

 private:
  static bool alive(const Element& element, MonoTime time) {
    return !element.end || *element.end > time;
  }
  std::map<MapId, std::map<Link, Element>> maps_;
};

/// The element that decides for a packet whose first `split` lookups see `before` and whose other
/// ones see `after`: lookup 0 is `decide`, lookup k is layer k.
const Element* walk(const KernelModel& before, const KernelModel& after, Link link, MonoTime time,
                    std::size_t split) {
  const auto look = [&](std::size_t lookup, const MapId& map) {
    return (lookup < split ? before : after).find(map, link, time);
  };
  const Element* first = look(0, {MapId::Kind::Decide, {}});
  if (first == nullptr || first->target.effect) {
    return first;
  }
  for (std::uint8_t layer = 1; layer <= kLayersMax; ++layer) {
    const Slot slot{first->target.slot.stack, layer};
    if (const Element* hit = look(layer, {MapId::Kind::Layer, slot})) {
      return hit;
    }
  }
  return nullptr;
}

bool same_decision(const Element* a, const Element* b) {
  return a == nullptr || b == nullptr ? a == b : a->target == b->target && a->link == b->link;
}

/// Runs changes through the model and checks each of them from every side.
class World {
 public:
  void set(std::vector<Fault> faults) {
    faults_ = std::move(faults);
    const auto wanted = link_schedules(faults_, now);
    const Difference difference = make_difference(applied, ledger, wanted, now);
    const KernelModel before = kernel;
    kernel.commit(difference, now);
    if (testing::Test::HasFatalFailure()) {
      return;
    }
    const bool small = difference.changed.size() < 100;
    for (std::size_t i = 0; small && i < difference.changed.size(); ++i) {
      expect_no_third_state(before, difference.changed[i]);
    }
    record(difference, before.counters, applied, ledger);
    last_changed = difference.changed.size();
    if (small) {
      expect_future(wanted);
    }
  }

  /// One packet on the link, now.
  void send(Link link) {
    if (const Element* hit = walk(kernel, kernel, link, now, 0)) {
      const CounterId counter{hit->target.slot, link};
      ASSERT_TRUE(kernel.counters.contains(counter));
      kernel.counters[counter].dropped += 1;
      links_expected[link] += 1;
      std::vector<const Fault*> acting;
      for (const Fault& fault : faults_) {
        const bool on_link =
            std::find(fault.links.begin(), fault.links.end(), link) != fault.links.end();
        if (on_link && (!fault.end || *fault.end > now)) {
          acting.push_back(&fault);
        }
      }
      for (const FaultId id : compose(acting).decided_by) {
        faults_expected[id] += 1;
      }
    }
  }

  void expect_counts() const {
    for (const auto& [id, packets] : faults_expected) {
      ASSERT_EQ(ledger.of_fault(id, kernel.counters).dropped, packets) << to_string(id);
    }
    const auto links = ledger.of_links(kernel.counters);
    for (const auto& [link, packets] : links_expected) {
      ASSERT_EQ(links.at(link).dropped, packets);
    }
  }

  MonoTime now = kStart;
  KernelModel kernel;
  Applied applied;
  CounterLedger ledger;
  std::size_t last_changed = 0;
  std::map<FaultId, std::uint64_t> faults_expected;
  std::map<Link, std::uint64_t> links_expected;

 private:
  /// A packet under way during the commit is judged as before or as after, even when elements
  /// expire at the same time.
  void expect_no_third_state(const KernelModel& before, Link link) const {
    for (auto time = now; time < now + 12s; time += 500ms) {
      const Element* old_decision = walk(before, before, link, time, 0);
      const Element* new_decision = walk(kernel, kernel, link, time, 0);
      for (std::size_t split = 0; split <= kLayersMax + 1; ++split) {
        const Element* decision = walk(before, kernel, link, time, split);
        ASSERT_TRUE(same_decision(decision, old_decision) || same_decision(decision, new_decision))
            << "split " << split;
      }
    }
  }

  /// If nothing else happens, the kernel alone follows the schedules.
  void expect_future(const std::vector<LinkSchedule>& wanted) const {
    for (auto time = now; time < now + 12s; time += 500ms) {
      std::size_t cut = 0;
      for (const LinkSchedule& link : wanted) {
        const TimedEffect* expected = effect_at(link.schedule, time);
        const Element* hit = walk(kernel, kernel, link.link, time, 0);
        ASSERT_EQ(hit != nullptr, expected != nullptr);
        if (hit != nullptr) {
          ASSERT_EQ(hit->target.effect, expected->effect);
          ++cut;
        }
      }
      std::size_t decided = 0;
      for (const auto& [link, record] : applied) {
        decided += walk(kernel, kernel, link, time, 0) != nullptr ? 1U : 0U;
      }
      ASSERT_EQ(decided, cut) << "a link is cut that no fault touches";
    }
  }

  std::vector<Fault> faults_;
};

Fault cut(std::uint32_t id, std::vector<Link> links, std::optional<MonoTime> end = std::nullopt) {
  Fault fault;
  fault.id = {id};
  fault.links = std::move(links);
  fault.action.cut = CutMode::Drop;
  fault.end = end;
  return fault;
}

TEST(Difference, IsEmptyWhenNothingChanges) {
  World world;
  const auto faults = {cut(1, {{0, 1}}), cut(2, {{0, 1}}, kStart + 2s)};
  world.set(faults);
  EXPECT_EQ(world.last_changed, 1U);
  world.set(faults);
  EXPECT_EQ(world.last_changed, 0U);
  world.now += 3s;  // f2 has ended in the kernel: still nothing to do
  world.set({cut(1, {{0, 1}})});
  EXPECT_EQ(world.last_changed, 0U);
}

TEST(Difference, TouchesChangedLinksOnly) {
  World world;
  world.set({cut(1, {{0, 1}, {1, 0}})});
  world.set({cut(1, {{0, 1}, {1, 0}}), cut(2, {{1, 0}, {2, 0}})});
  EXPECT_EQ(world.last_changed, 2U);
}

TEST(Difference, LeavesNoElementBehindAfterTheNextChange) {
  World world;
  world.set({cut(1, {{0, 1}}), cut(2, {{0, 1}}, kStart + 2s), cut(3, {{0, 1}}, kStart + 3s)});
  world.set({});
  EXPECT_EQ(world.kernel.find({MapId::Kind::Decide, {}}, {0, 1}, world.now), nullptr);
  EXPECT_EQ(world.kernel.size(), 3U) << "packets under way still need the layers";
  world.set({cut(4, {{5, 6}})});
  EXPECT_EQ(world.kernel.size(), 1U);
}

TEST(Difference, UsesCountersAgainAndKeepsWhatTheyCounted) {
  World world;
  world.set({cut(1, {{0, 1}})});
  world.send({0, 1});
  world.set({});
  world.set({cut(2, {{0, 1}})});
  world.send({0, 1});
  world.send({0, 1});
  EXPECT_EQ(world.kernel.counters.size(), 1U);
  world.expect_counts();
}

TEST(Difference, RefusesMoreEndsThanLayers) {
  std::vector<Fault> faults;
  for (std::uint32_t i = 0; i < kLayersMax; ++i) {
    faults.push_back(cut(i + 1, {{0, 1}}, kStart + 1s * (i + 1)));
  }
  World world;
  world.set(faults);
  EXPECT_EQ(world.last_changed, 1U);
  faults.push_back(cut(99, {{0, 1}}));
  try {
    static_cast<void>(
        make_difference(world.applied, world.ledger, link_schedules(faults, kStart), kStart));
    FAIL() << "nine ends were accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Conflict);
    EXPECT_NE(std::string(error.what()).find("at most 8"), std::string::npos) << error.what();
  }
}

TEST(Difference, ForgetsIdleCountersWhenThereAreTooMany) {
  World world;
  std::vector<Link> many;
  for (std::uint16_t i = 0; i < 200; ++i) {
    for (std::uint16_t j = 0; j < 100; ++j) {
      many.push_back({i, static_cast<Endpoint>(1000 + j)});
    }
  }
  ASSERT_GT(many.size(), kIdleCountersMax);
  world.set({cut(1, many)});
  world.send(many[7]);
  world.set({});
  world.set({cut(2, {{0, 1}})});
  EXPECT_EQ(world.kernel.counters.size(), 1U);
  world.expect_counts();
}

/// Random faults with random ends come and go at random times on a few links.
TEST(Difference, FollowsAnyHistoryWithoutAThirdState) {
  std::mt19937 random(42);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  for (int round = 0; round < 40; ++round) {
    SCOPED_TRACE(round);
    World world;
    std::vector<Fault> faults;
    std::uint32_t next_id = 1;
    for (int step = 0; step < 25; ++step) {
      switch (below(4)) {
        case 0:
          if (!faults.empty()) {
            faults.erase(faults.begin() + below(static_cast<unsigned>(faults.size())));
          }
          break;
        case 1:
          world.now += 500ms * below(8);
          break;
        default:
          for (unsigned i = 0; i <= below(3); ++i) {
            std::set<Link> links;
            for (unsigned j = 0; j <= below(3); ++j) {
              links.insert({0, static_cast<Endpoint>(1 + below(3))});
            }
            const auto end =
                below(3) == 0 ? std::optional<MonoTime>{} : world.now + 500ms + 500ms * below(6);
            faults.push_back(cut(next_id++, {links.begin(), links.end()}, end));
            faults.back().action.cut = static_cast<CutMode>(below(3));
          }
      }
      std::erase_if(faults, [&](const Fault& f) { return f.end && *f.end <= world.now; });
      for (Endpoint to = 1; to <= 3; ++to) {
        world.send({0, to});
      }
      world.set(faults);
      ASSERT_FALSE(HasFatalFailure());
      world.send({0, static_cast<Endpoint>(1 + below(3))});
      ASSERT_NO_FATAL_FAILURE(world.expect_counts());
    }
  }
}

}  // namespace
}  // namespace tinet::fabric
