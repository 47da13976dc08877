#include "tests/bench/ip_network.h"

#include <fstream>

#include "src/base/error.h"
#include "tests/bench/figures.h"

namespace tinet::bench {

namespace {

constexpr const char* kSwitch = "bench-switch";

std::string space_of(std::size_t endpoint) {
  return "bench-" + std::to_string(endpoint);
}

/// What one namespace is told, as arguments of ip. Empty name: the caller's own.
struct Steps {
  std::string space;
  std::vector<std::string> commands;
};

std::string in_space(const std::string& space) {
  return space.empty() ? "ip " : "ip -n " + space + " ";
}

std::vector<Steps> creation(const FabricPlan& plan) {
  Steps spaces{"", {std::string("netns add ") + kSwitch}};
  Steps bridge{kSwitch, {"link add br0 up type bridge"}};
  std::vector<Steps> all;
  for (std::size_t i = 0; i < plan.endpoints.size(); ++i) {
    const std::string space = space_of(i);
    const std::string port = "p" + std::to_string(i);
    spaces.commands.push_back("netns add " + space);
    bridge.commands.push_back("link add " + port + " type veth peer name eth0 netns " + space);
    bridge.commands.push_back("link set " + port + " master br0 up");
    all.push_back({space,
                   {"link set lo up",
                    "addr add " + to_string(plan.endpoints[i].address) + "/" +
                        std::to_string(plan.subnet.prefix) + " dev eth0",
                    "link set eth0 up"}});
  }
  all.insert(all.begin(), {std::move(spaces), std::move(bridge)});
  return all;
}

std::vector<Steps> removal(const FabricPlan& plan) {
  Steps spaces{"", {}};
  for (std::size_t i = 0; i < plan.endpoints.size(); ++i) {
    spaces.commands.push_back("netns delete " + space_of(i));
  }
  spaces.commands.push_back(std::string("netns delete ") + kSwitch);
  return {std::move(spaces)};
}

std::vector<std::string> one_by_one(const std::vector<Steps>& all) {
  std::vector<std::string> commands;
  for (const Steps& steps : all) {
    for (const std::string& command : steps.commands) {
      commands.push_back(in_space(steps.space) + command);
    }
  }
  return commands;
}

std::vector<std::string> batched(const std::vector<Steps>& all, const std::string& files) {
  std::vector<std::string> commands;
  for (const Steps& steps : all) {
    const std::string file = files + "." + std::to_string(commands.size());
    std::ofstream stream(file);
    for (const std::string& command : steps.commands) {
      stream << command << '\n';
    }
    if (!stream.flush()) {
      throw_operation("cannot write '" + file + "'");
    }
    commands.push_back(in_space(steps.space) + "-batch " + file);
  }
  return commands;
}

}  // namespace

IpNetwork::IpNetwork(const FabricPlan& plan, IpStyle style, const std::filesystem::path& scratch) {
  if (style == IpStyle::Commands) {
    create_ = one_by_one(creation(plan));
    destroy_ = one_by_one(removal(plan));
  } else {
    const std::string files = scratch / std::to_string(plan.endpoints.size());
    create_ = batched(creation(plan), files + ".create");
    destroy_ = batched(removal(plan), files + ".destroy");
  }
}

void IpNetwork::create() const {
  for (const std::string& command : create_) {
    run(command);
  }
}

void IpNetwork::destroy() const {
  for (const std::string& command : destroy_) {
    run(command);
  }
}

}  // namespace tinet::bench
