#include "tests/bench/shapes.h"

#include <string>
#include <vector>

#include "tests/bench/usual_tools.h"
#include "tests/support/temp_dir.h"

namespace tinet::bench {

namespace {

using testing::World;

/// Above, a process per link takes minutes.
constexpr std::size_t kLargestForProcesses = 30;
/// At so many endpoints tinet is to be so many times as fast as iptables-restore in each namespace.
constexpr std::size_t kEndpointsOfGoal = 100;
constexpr double kTimesAsFast = 20;

struct Shape {
  std::string name;
  std::vector<Link> links;
};

/// Halves that are cut off from each other, a ring in which everybody knows two neighbours, and
/// nobody reaching anybody.
std::vector<Shape> shapes_of(std::size_t endpoints) {
  std::vector<Shape> shapes = {{"halves", {}}, {"ring", {}}, {"full", {}}};
  for (std::size_t from = 0; from < endpoints; ++from) {
    for (std::size_t to = 0; to < endpoints; ++to) {
      if (from == to) {
        continue;
      }
      const Link link{static_cast<Endpoint>(from), static_cast<Endpoint>(to)};
      const std::size_t apart = (to + endpoints - from) % endpoints;
      if ((from < endpoints / 2) != (to < endpoints / 2)) {
        shapes[0].links.push_back(link);
      }
      if (apart != 1 && apart != endpoints - 1) {
        shapes[1].links.push_back(link);
      }
      shapes[2].links.push_back(link);
    }
  }
  return shapes;
}

struct Tool {
  std::string suffix;
  Work work;
  int rounds;
};

std::vector<Tool> tools_for(const World& world, const Shape& shape, int rounds, bool per_node,
                            const std::filesystem::path& files) {
  std::vector<Tool> tools = {{".nft", nft_files(shape.links, files), rounds}};
  const bool is_small = world.plan.endpoints.size() <= kLargestForProcesses + 1;
  const bool is_halves = shape.name == "halves";
  if (per_node && is_halves) {
    tools.push_back({".nodes", restore_per_node(world, shape.links, files), rounds});
    tools.push_back({".blockade", blockade(world, shape.links), is_small ? rounds : 1});
  }
  if (per_node && (is_halves || is_small)) {
    tools.push_back({".jepsen", jepsen(world, shape.links, files), is_small ? rounds : 1});
  }
  if (per_node && shape.name == "ring" && is_small) {
    tools.push_back({".blockade", blockade(world, shape.links), rounds});
  }
  return tools;
}

void expect(Figures& figures, const std::string& name, const std::vector<Tool>& tools) {
  const std::string versus = tools.size() > 1 ? tools[1].suffix : tools[0].suffix;
  for (const char* step : {"apply.", "heal."}) {
    figures.expect(step + name, {.versus = step + name + versus});
  }
  figures.expect("link." + name, {.unit = "us"});
}

}  // namespace

void bench_shapes(Figures& figures, std::size_t endpoints, int rounds, bool per_node) {
  const World world(endpoints);
  name_namespaces(world);
  for (const Shape& shape : shapes_of(endpoints)) {
    const test::TempDir files;
    const std::vector<Tool> tools = tools_for(world, shape, rounds, per_node, files.path());
    const std::string name = shape.name + "." + std::to_string(endpoints);
    expect(figures, name, tools);
    for (int round = 1; round <= rounds; ++round) {
      const Milliseconds applied = figures.time("apply." + name, [&] {
        world.fabric->apply({testing::cut(static_cast<std::uint32_t>(round), shape.links)},
                            testing::now());
      });
      figures.add("link." + name, applied.count() * 1e3 / static_cast<double>(shape.links.size()));
      figures.time("heal." + name, [&] { world.fabric->apply({}, testing::now()); });
      for (const Tool& tool : tools) {
        if (round > tool.rounds) {
          continue;
        }
        const Milliseconds took = figures.time("apply." + name + tool.suffix, tool.work.add);
        figures.time("heal." + name + tool.suffix, tool.work.remove);
        if (tool.suffix == ".nodes") {
          const double goal = endpoints == kEndpointsOfGoal ? kTimesAsFast : 0;
          figures.expect("apply." + name + ".faster",
                         {.goal = goal, .unit = "x", .more_is_better = true, .interval = true});
          figures.add("apply." + name + ".faster", took / applied);
        }
      }
    }
    run("nft delete table bridge bench");
  }
}

}  // namespace tinet::bench
