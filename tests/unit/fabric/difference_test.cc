#include "src/fabric/difference.h"

#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "tests/unit/fabric/faults.h"

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
    for (const Treatment& treatment : difference.new_treatments) {
      ASSERT_TRUE(treatments_.emplace(treatment.id, treatment.effect).second);
    }
    for (const auto& [key, port_class] : difference.new_classes) {
      ASSERT_TRUE(classes_.emplace(key, port_class.minor).second);
      ASSERT_TRUE(minors_.emplace(key.link.to, port_class.minor).second) << "a class in use";
    }
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
        ASSERT_TRUE(!element.target.treatment || treatments_.contains(*element.target.treatment));
        map[element.link] = element;
      }
    }
    for (const TreatmentId id : difference.old_treatments) {
      ASSERT_EQ(treatments_.erase(id), 1U);
      for (const auto& [map_id, map] : maps_) {
        for (const auto& [link, element] : map) {
          ASSERT_FALSE(element.target.treatment == id && alive(element, now)) << "a chain in use";
        }
      }
    }
    for (const auto& [key, port_class] : difference.old_classes) {
      ASSERT_EQ(classes_.erase(key), 1U);
      ASSERT_EQ(minors_.erase({key.link.to, port_class.minor}), 1U);
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
  /// nullptr when there is no such chain.
  [[nodiscard]] const Effect* effect_of(TreatmentId id) const {
    const auto found = treatments_.find(id);
    return found == treatments_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] bool has_class(const ClassKey& key) const { return classes_.contains(key); }

  [[nodiscard]] std::size_t elements() const {
    std::size_t count = 0;
    for (const auto& [id, map] : maps_) {
      count += map.size();
    }
    return count;
  }
  [[nodiscard]] std::size_t treatments() const { return treatments_.size(); }
  [[nodiscard]] std::size_t classes() const { return classes_.size(); }

 private:
  static bool alive(const Element& element, MonoTime time) {
    return !element.end || *element.end > time;
  }
  std::map<MapId, std::map<Link, Element>> maps_;
  std::map<TreatmentId, Effect> treatments_;
  std::map<ClassKey, std::uint16_t> classes_;
  std::set<std::pair<Endpoint, std::uint16_t>> minors_;
};

/// The element that decides for a packet whose first `split` lookups see `before` and whose other
/// ones see `after`: lookup 0 is `decide`, lookup k is layer k.
const Element* walk(const KernelModel& before, const KernelModel& after, Link link, MonoTime time,
                    std::size_t split) {
  const auto look = [&](std::size_t lookup, const MapId& map) {
    return (lookup < split ? before : after).find(map, link, time);
  };
  const Element* first = look(0, {});
  if (first == nullptr || first->target.treatment) {
    return first;
  }
  for (std::uint8_t layer = 1; layer <= kLayersMax; ++layer) {
    const MapId map{MapId::Kind::Layer, first->target.stack, layer};
    if (const Element* hit = look(layer, map)) {
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
  void set(const std::vector<Fault>& faults) {
    const auto wanted = link_schedules(faults, now).links;
    const Difference difference =
        make_difference(installed, wanted, memories_of(faults), mechanisms, registry, now);
    const KernelModel before = kernel;
    kernel.commit(difference, now);
    if (testing::Test::HasFatalFailure()) {
      return;
    }
    const bool small = difference.changed.size() < 100;
    for (std::size_t i = 0; small && i < difference.changed.size(); ++i) {
      expect_no_third_state(before, difference.changed[i]);
    }
    record(difference, installed, registry, now);
    last_changed = difference.changed.size();
    if (small) {
      expect_future(wanted);
    }
  }

  MonoTime now = kStart;
  Mechanisms mechanisms;
  KernelModel kernel;
  Installed installed;
  Registry registry;
  std::size_t last_changed = 0;

 private:
  /// A packet under way during the commit is judged as before or as after, even when elements
  /// expire at the same time, and whatever it was sent to is still there.
  void expect_no_third_state(const KernelModel& before, Link link) const {
    for (auto time = now; time < now + 12s; time += 500ms) {
      const Element* old_decision = walk(before, before, link, time, 0);
      const Element* new_decision = walk(kernel, kernel, link, time, 0);
      for (std::size_t split = 0; split <= kLayersMax + 1; ++split) {
        const Element* decision = walk(before, kernel, link, time, split);
        ASSERT_TRUE(same_decision(decision, old_decision) || same_decision(decision, new_decision))
            << "split " << split;
        ASSERT_TRUE(decision == nullptr || kernel.effect_of(*decision->target.treatment) != nullptr)
            << "a packet was sent to a chain that is gone";
      }
    }
  }

  /// If nothing else happens, the kernel alone follows the schedules.
  void expect_future(const std::vector<LinkSchedule>& wanted) const {
    for (auto time = now; time < now + 12s; time += 500ms) {
      std::size_t decided_by_schedule = 0;
      for (const LinkSchedule& link : wanted) {
        const TimedEffect* expected = effect_at(*link.schedule, time);
        const Element* hit = walk(kernel, kernel, link.link, time, 0);
        ASSERT_EQ(hit != nullptr, expected != nullptr);
        if (hit != nullptr) {
          ASSERT_EQ(*kernel.effect_of(*hit->target.treatment), expected->effect);
          expect_classes(link.link, *hit->target.treatment);
          ++decided_by_schedule;
        }
      }
      std::size_t decided = 0;
      for (const auto& [link, record] : installed.links) {
        decided += walk(kernel, kernel, link, time, 0) != nullptr ? 1U : 0U;
      }
      ASSERT_EQ(decided, decided_by_schedule) << "a link is changed that no fault touches";
    }
  }

  void expect_classes(Link link, TreatmentId id) const {
    for (const ShapePart& part : installed.treatments.at(id).treatment.shapes) {
      ASSERT_EQ(part.port_class, kernel.has_class({link, part.id}));
    }
  }
};

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

TEST(Difference, LeavesNothingBehindAfterTheNextChanges) {
  World world;
  world.set({cut(1, {{0, 1}}), cut(2, {{0, 1}}, kStart + 2s), cut(3, {{0, 1}}, kStart + 3s),
             acting(4, limiting(1000), {{2, 3}})});
  EXPECT_EQ(world.kernel.treatments(), 4U);
  world.set({});
  EXPECT_EQ(world.kernel.find({}, {0, 1}, world.now), nullptr);
  EXPECT_EQ(world.kernel.elements(), 3U) << "packets under way still need the layers";
  EXPECT_EQ(world.kernel.classes(), 1U);
  world.now += kIdleTreatment + 1s;
  world.set({cut(5, {{5, 6}})});
  EXPECT_EQ(world.kernel.elements(), 1U);
  world.now += kIdleTreatment + 1s;
  world.set({cut(6, {{5, 6}})});
  EXPECT_EQ(world.kernel.elements(), 1U);
  EXPECT_EQ(world.kernel.treatments(), 2U) << "that of f5 may still be on some packet's way";
  EXPECT_EQ(world.kernel.classes(), 0U);
}

TEST(Difference, SharesOneTreatmentAmongAllLinksOfAnEffect) {
  World world;
  std::vector<Link> many;
  for (std::uint16_t i = 0; i < 200; ++i) {
    for (std::uint16_t j = 0; j < 100; ++j) {
      many.push_back({i, static_cast<Endpoint>(1000 + j)});
    }
  }
  world.set({cut(1, many)});
  EXPECT_EQ(world.kernel.elements(), many.size());
  EXPECT_EQ(world.kernel.treatments(), 1U);
}

TEST(Difference, KeepsTheClassOfALinkWhoseShapeStays) {
  World world;
  world.set({acting(1, limiting(1000), {{0, 1}, {2, 1}})});
  EXPECT_EQ(world.kernel.classes(), 2U);
  world.set({acting(1, limiting(1000), {{0, 1}, {2, 1}}), acting(2, losing(7), {{0, 1}})});
  EXPECT_EQ(world.last_changed, 1U);
  EXPECT_EQ(world.kernel.classes(), 2U) << "the queue and what is in it must stay";
}

TEST(Difference, KeepsAClassUntilWhatWaitsInItIsGone) {
  World world;
  world.set({acting(1, limiting(1000), {{0, 1}})});
  const ClassKey key = world.installed.classes.begin()->first;
  world.set({});
  for (const bool busy : {true, false}) {
    world.installed.classes.at(key).busy = busy;
    world.now += kIdleTreatment + 1s;
    world.set({acting(busy ? 2 : 3, limiting(2000), {{2, 1}})});
    EXPECT_EQ(world.kernel.has_class(key), busy);
  }
}

TEST(Difference, KeepsATreatmentThatHoldsUntilItsFaultHasReleased) {
  LinkAction hold;
  hold.hold = true;
  const Fault holding = acting(1, hold, {{0, 1}});
  const auto keeps_holding = [](const World& world) {
    return std::any_of(
        world.installed.treatments.begin(), world.installed.treatments.end(), [](const auto& use) {
          const auto& clauses = use.second.treatment.effect.clauses;
          return use.second.users == 0 && !clauses.empty() && clauses.front().action.hold;
        });
  };
  // It holds otherwise, or a cut hides it.
  for (const Fault& other : {acting(2, limiting(1000), {{0, 1}}), cut(2, {{0, 1}})}) {
    World world;
    world.set({holding});
    world.set({holding, other});
    world.now += kIdleTreatment + 1s;
    world.set({holding, other, cut(3, {{5, 6}})});
    EXPECT_TRUE(keeps_holding(world));
    world.now += kIdleTreatment + 1s;
    world.set({other});
    EXPECT_TRUE(keeps_holding(world)) << "it is released after that";
    world.now += kIdleTreatment + 1s;
    world.set({other, cut(4, {{5, 6}})});
    EXPECT_FALSE(keeps_holding(world));
  }
}

TEST(Registry, GivesNumbersBackOfPlansThatCameToNothing) {
  Registry registry;
  const ShapeId kept = registry.shape_id(limiting(1), {});
  for (std::uint64_t rate = 2; rate < 70'000; ++rate) {
    ASSERT_NE(registry.shape_id(limiting(rate), {}), kept);
    registry.keep_only({kept});
  }
  EXPECT_EQ(registry.shape_id(limiting(1), {}), kept);
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
    static_cast<void>(make_difference(world.installed, link_schedules(faults, kStart).links, {}, {},
                                      world.registry, kStart));
    FAIL() << "nine ends were accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Conflict);
    EXPECT_NE(std::string(error.what()).find("at most 8"), std::string::npos) << error.what();
  }
}

Fault first_packets(std::uint32_t id, std::uint32_t packets, std::vector<Link> links) {
  Match match;
  match.first = packets;
  match.owner = {id};
  return acting(id, cutting(), std::move(links), {}, match);
}

Difference difference_to(World& world, const std::vector<Fault>& faults) {
  return make_difference(world.installed, link_schedules(faults, world.now).links,
                         memories_of(faults), {}, world.registry, world.now);
}

/// What goes ahead of the decision is there when that fails.
void go_ahead(World& world, const Difference& difference) {
  Difference ahead;
  ahead.new_memories = difference.new_memories;
  ahead.new_treatments = difference.new_treatments;
  ahead.new_classes = difference.new_classes;
  record(ahead, world.installed, world.registry, world.now);
}

TEST(Difference, NeverTakesTheMemoryOfAnotherFaultOfTheSameNumber) {
  const Fault failed = first_packets(1, 3, {{0, 1}});
  for (const Fault& next : {first_packets(1, 2, {{0, 1}}), first_packets(1, 3, {{1, 0}})}) {
    World world;
    go_ahead(world, difference_to(world, {failed}));
    EXPECT_TRUE(difference_to(world, {failed}).new_memories.empty());
    try {
      static_cast<void>(difference_to(world, {next}));
      ADD_FAILURE() << "it would ask the memory of the other one";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Conflict);
      EXPECT_NE(std::string(error.what()).find("f1"), std::string::npos) << error.what();
    }
  }
}

TEST(Difference, WithdrawsWhatWentAheadOfAFailedChangeAndNothingElse) {
  World world;
  world.set({acting(1, limiting(1000), {{0, 1}}), first_packets(2, 3, {{0, 2}})});
  const Installed before = world.installed;
  const std::vector<Fault> next = {acting(1, limiting(1000), {{0, 1}, {1, 0}}),
                                   first_packets(2, 3, {{0, 2}}), first_packets(3, 1, {{0, 1}})};
  const Difference failed = difference_to(world, next);
  go_ahead(world, failed);
  EXPECT_GT(world.installed.treatments.size(), before.treatments.size());
  const Difference withdrawn = withdrawal(failed, world.installed);
  record(withdrawn, world.installed, world.registry, world.now);
  EXPECT_EQ(world.installed.memories, before.memories);
  EXPECT_EQ(world.installed.by_effect, before.by_effect);
  EXPECT_EQ(world.installed.treatments.size(), before.treatments.size());
  EXPECT_EQ(world.installed.classes.size(), before.classes.size());
  EXPECT_EQ(difference_to(world, next).new_memories.size(), 1U);
}

TEST(Difference, KeepsAMemoryAsLongAsARuleCanAskIt) {
  Match first = to_port(80);
  first.first = 3;
  first.owner = {1};
  World world;
  const auto change = [&](const std::vector<Fault>& faults) {
    return make_difference(world.installed, link_schedules(faults, kStart).links,
                           memories_of(faults), {}, world.registry, world.now);
  };
  const std::vector<Fault> faults = {acting(1, cutting(), {{0, 1}}, {}, first)};
  EXPECT_EQ(change(faults).new_memories.size(), 1U);
  world.set(faults);
  EXPECT_TRUE(change({faults[0], cut(2, {{0, 1}})}).new_memories.empty());
  EXPECT_TRUE(change({}).old_memories.empty()) << "packets under way may still ask it";
  world.set({});
  world.now += kIdleTreatment + 1s;
  EXPECT_EQ(change({cut(3, {{0, 1}})}).old_memories.size(), 1U);
}

/// Random faults with random ends come and go at random times on a few links.
TEST(Difference, FollowsAnyHistoryWithoutAThirdState) {
  std::mt19937 random(42);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  const auto some_action = [&] {
    switch (below(4)) {
      case 0:
        return losing(1 + below(5));
      case 1:
        return limiting(1000 * (1 + below(3)));
      case 2:
        return delaying(1ms * (1 + below(3)));
      default:
        return cutting(static_cast<CutMode>(below(3)));
    }
  };
  for (int round = 0; round < 40; ++round) {
    SCOPED_TRACE(round);
    World world;
    world.mechanisms.netem = below(2) == 0;
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
            const Match match = below(3) == 0 ? to_port(80) : Match{};
            faults.push_back(
                acting(next_id++, some_action(), {links.begin(), links.end()}, end, match));
          }
      }
      std::erase_if(faults, [&](const Fault& f) { return f.end && *f.end <= world.now; });
      // Few enough for the layers and for the scoped shapes of one effect.
      while (faults.size() > 6) {
        faults.erase(faults.begin());
      }
      try {
        world.set(faults);
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::Conflict) << error.what();
        faults.clear();
        world.set(faults);
      }
      ASSERT_FALSE(HasFatalFailure());
    }
  }
}

}  // namespace
}  // namespace tinet::fabric
