/// What tinet's switch costs the data that passes it: TCP through veth and bridge as `ip` makes
/// them, through tinet without faults, and through tinet while 10000 other links are cut, in turns;
/// then with each kind of fault on the measured link. Runs in namespaces of its own, needs root and
/// iproute2.
///
///     path_bench [ROUNDS [MILLISECONDS]]      default 15 rounds, 400 ms for each transfer

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include <fcntl.h>

#include "src/base/error.h"
#include "tests/bench/figures.h"
#include "tests/bench/ip_network.h"
#include "tests/bench/own_namespaces.h"
#include "tests/bench/path_load.h"
#include "tests/kernel/fabric_world.h"
#include "tests/support/temp_dir.h"

namespace tinet::bench {
namespace {

using std::chrono::milliseconds;
using testing::World;

constexpr std::size_t kOtherLinks = 10'000;
constexpr std::size_t kManyInstances = 109;
constexpr const char* kPlain = "plain";
/// Of what goes through veth and bridge alone.
constexpr double kGoal = 0.97;
constexpr double kGoalBesideCuts = 0.9;
/// The size of the routers of clouds and offices.
constexpr std::uint64_t kGigabit = 1'000'000'000;

/// A network of `ip` commands, gone with this object.
class PlainNetwork {
 public:
  explicit PlainNetwork(const FabricPlan& plan)
      : network_(plan, IpStyle::Commands, scratch_.path()) {
    network_.create();
    for (const char* name : {"/run/netns/bench-0", "/run/netns/bench-1"}) {
      spaces_.emplace_back(::open(name, O_RDONLY | O_CLOEXEC));
    }
  }
  PlainNetwork(const PlainNetwork&) = delete;
  PlainNetwork& operator=(const PlainNetwork&) = delete;
  PlainNetwork(PlainNetwork&&) = delete;
  PlainNetwork& operator=(PlainNetwork&&) = delete;
  ~PlainNetwork() {
    try {
      network_.destroy();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "path_bench: %s\n", error.what());
    }
  }

  [[nodiscard]] Path path(const FabricPlan& plan) const {
    return {kPlain, spaces_[0].get(), spaces_[1].get(), plan.endpoints[1].address};
  }

 private:
  test::TempDir scratch_;
  IpNetwork network_;
  std::vector<UniqueFd> spaces_;
};

Path path_of(const std::string& name, const World& world) {
  return {name, world.fabric->namespace_fd(0), world.fabric->namespace_fd(1),
          world.plan.endpoints[1].address};
}

/// Links that neither end of the measured one has a part in.
std::vector<Link> other_links(const World& world) {
  std::vector<Link> links = testing::all_links(world.plan);
  std::erase_if(links, [](const Link& link) { return std::min(link.from, link.to) <= 1; });
  links.resize(kOtherLinks);
  return links;
}

/// Both measures of all paths, one after the other, in an order that goes round.
void measure_in_turns(Figures& figures, const std::vector<Path>& paths, int rounds,
                      milliseconds time) {
  for (int round = 0; round < rounds; ++round) {
    std::vector<double> speed(paths.size());
    std::vector<double> wait(paths.size());
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const std::size_t turn = (i + static_cast<std::size_t>(round)) % paths.size();
      speed[turn] = throughput(paths[turn], time);
      wait[turn] = round_trip(paths[turn], time);
    }
    for (std::size_t i = 0; i < paths.size(); ++i) {
      figures.add("path.tcp." + paths[i].name, speed[i]);
      figures.add("path.rtt." + paths[i].name, wait[i]);
      if (i > 0) {
        figures.add("path.tcp." + paths[i].name + ".ratio", speed[i] / speed[0]);
        figures.add("path.rtt." + paths[i].name + ".ratio", wait[0] / wait[i]);
      }
    }
  }
}

/// Throughput is better when it is more, a round trip when it is less; ratios to the plain path are
/// turned so that more is better for both.
void expect(Figures& figures, const std::string& path, double goal) {
  const bool is_plain = path == kPlain;
  figures.expect(
      "path.tcp." + path,
      {.versus = is_plain ? "" : "path.tcp.plain", .unit = "Gb/s", .more_is_better = true});
  figures.expect("path.rtt." + path, {.versus = is_plain ? "" : "path.rtt.plain", .unit = "us"});
  if (goal > 0) {
    for (const char* measure : {"path.tcp.", "path.rtt."}) {
      figures.expect(measure + path + ".ratio",
                     {.goal = goal, .unit = "x", .more_is_better = true, .interval = true});
    }
  }
}

struct Kind {
  const char* name;
  FaultClause clause;
};

std::vector<Kind> kinds() {
  constexpr Ppm kPercent{10'000};
  constexpr Ppm kHalf{500'000};
  Match other_port;
  other_port.protocol = Protocol::Tcp;
  other_port.to_ports = {kPathPort + 1};
  std::vector<Kind> kinds = {{"loss-other-port", {other_port, {}}},
                             {"delay-10ms", {}},
                             {"rate-1gbit", {}},
                             {"duplicate-1%", {}},
                             {"corrupt-1%", {}},
                             {"reorder-1%", {}}};
  kinds[0].clause.action.loss = kHalf;
  kinds[1].clause.action.delay = Delay{.delay = milliseconds(10)};
  kinds[2].clause.action.rate = Rate{.bits_per_second = kGigabit};
  kinds[3].clause.action.duplicate = kPercent;
  kinds[4].clause.action.corrupt = kPercent;
  kinds[5].clause.action.delay = Delay{.delay = milliseconds(1)};
  kinds[5].clause.action.reorder = kPercent;
  return kinds;
}

void measure_faults(Figures& figures, const World& world, int rounds, milliseconds time) {
  std::uint32_t id = 0;
  for (int round = 0; round < rounds; ++round) {
    for (const Kind& kind : kinds()) {
      Fault fault = testing::cut(++id, {{0, 1}});
      fault.clauses = {kind.clause};
      world.fabric->apply({fault}, testing::now());
      const Path path = path_of(kind.name, world);
      figures.add("path.tcp." + path.name, throughput(path, time));
      figures.add("path.rtt." + path.name, round_trip(path, time));
      world.fabric->apply({}, testing::now());
    }
  }
}

void run_bench(int rounds, milliseconds time) {
  const FabricPlan plan = testing::plan_of(1);
  const PlainNetwork plain(plan);
  const World quiet(1);
  const World many(kManyInstances);
  many.fabric->apply({testing::cut(1, other_links(many))}, testing::now());

  Figures figures;
  expect(figures, kPlain, 0);
  expect(figures, "tinet", kGoal);
  expect(figures, "10000-cut", kGoalBesideCuts);
  for (const Kind& kind : kinds()) {
    expect(figures, kind.name, 0);
  }
  measure_in_turns(figures, {plain.path(plan), path_of("tinet", quiet), path_of("10000-cut", many)},
                   rounds, time);
  constexpr int kRoundsPerKind = 3;
  measure_faults(figures, quiet, std::max(1, rounds / kRoundsPerKind), time);
  figures.print();
}

}  // namespace
}  // namespace tinet::bench

int main(int argc, char** argv) {
  try {
    tinet::bench::enter_namespaces();
    tinet::bench::run_bench(argc > 1 ? std::atoi(argv[1]) : 15,
                            std::chrono::milliseconds(argc > 2 ? std::atoi(argv[2]) : 400));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "path_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
