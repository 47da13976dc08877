/// Times of the netns fabric, one JSON line per figure: {"name":..,"value":..,"unit":"ms"}. Runs in
/// a network namespace of its own (and a user namespace unless it is root). Medians of several
/// runs.
///
///     fabric_bench [LARGEST]     default 1000 endpoints

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include <sched.h>
#include <unistd.h>

#include "tests/kernel/fabric_world.h"

namespace {

using namespace tinet;
using Clock = std::chrono::steady_clock;

double milliseconds(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print(const std::string& name, const std::vector<double>& values) {
  std::printf("{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"ms\"}\n", name.c_str(), median(values));
  std::fflush(stdout);
}

void bench_create(std::size_t endpoints, int runs) {
  std::vector<double> create;
  std::vector<double> destroy;
  const FabricPlan plan = testing::plan_of(endpoints - 1);
  for (int i = 0; i < runs; ++i) {
    std::unique_ptr<Fabric> fabric;
    create.push_back(milliseconds([&] { fabric = make_netns_fabric(plan); }));
    destroy.push_back(milliseconds([&] { fabric.reset(); }));
  }
  print("fabric.create." + std::to_string(endpoints), create);
  print("fabric.destroy." + std::to_string(endpoints), destroy);
}

/// First: with fresh counters. Again: with those of an earlier fault on the same links.
void bench_commit(Fabric& fabric, const std::string& name, const std::vector<Link>& links) {
  std::vector<double> apply;
  std::vector<double> heal;
  std::uint32_t id = 1;
  const double first =
      milliseconds([&] { fabric.apply({testing::cut(id, links)}, testing::now()); });
  fabric.apply({}, testing::now());
  for (int i = 0; i < 9; ++i) {
    ++id;
    apply.push_back(milliseconds([&] { fabric.apply({testing::cut(id, links)}, testing::now()); }));
    heal.push_back(milliseconds([&] { fabric.apply({}, testing::now()); }));
  }
  print(name + ".first", {first});
  print(name + ".again", apply);
  print(name + ".heal", heal);
}

std::vector<Link> between_halves(const FabricPlan& plan) {
  std::vector<Link> links = testing::all_links(plan);
  const auto half = static_cast<Endpoint>(plan.endpoints.size() / 2);
  std::erase_if(links, [&](const Link& link) { return (link.from < half) == (link.to < half); });
  return links;
}

void run(std::size_t largest) {
  for (const std::size_t endpoints : {std::size_t{3}, std::size_t{100}, std::size_t{1000}}) {
    if (endpoints <= largest) {
      bench_create(endpoints, endpoints > 500 ? 1 : 5);
    }
  }
  {
    testing::World world(29);
    bench_commit(*world.fabric, "fabric.halves.30", between_halves(world.plan));
  }
  {
    testing::World world(39);
    std::vector<Link> links = testing::all_links(world.plan);
    links.resize(1000);
    bench_commit(*world.fabric, "fabric.commit.1000", links);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool root = ::geteuid() == 0;
  if (::unshare(root ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    std::perror("unshare");
    return 3;
  }
  try {
    run(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fabric_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
