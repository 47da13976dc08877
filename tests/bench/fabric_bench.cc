/// Times of the netns fabric beside the usual tools, in turns: `ip` for the network, `nft` for a
/// change of 1000 links. Runs in network and mount namespaces of its own, needs root, iproute2 and
/// nftables. Medians are printed as JSON lines (figures.h).
///
///     fabric_bench infra|commit|shapes [ROUNDS [LARGEST]]      default 5 rounds, 1000 endpoints

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netns/link.h"
#include "netns/namespace.h"
#include "netns/netlink/socket.h"
#include "netns/nft/connection.h"
#include "src/base/error.h"
#include "src/base/unique_fd.h"
#include "tests/bench/figures.h"
#include "tests/bench/ip_network.h"
#include "tests/bench/own_namespaces.h"
#include "tests/kernel/fabric_world.h"
#include "tests/support/temp_dir.h"

namespace tinet::bench {
namespace {

using testing::all_links;
using testing::plan_of;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kLargestForIp = 100;
constexpr std::size_t kCommitLinks = 1000;

/// The kernel removes namespaces after the call that let go of them. Its queue is in order: when a
/// later one is gone, so are those before it. Without this the next sample would pay.
void wait_until_removed() {
  NamespaceThread thread;
  netlink::Socket socket = netlink::Socket::open(NETLINK_ROUTE);
  const UniqueFd events(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  const int group = RTNLGRP_LINK;
  if (::setsockopt(events.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
    const int error = errno;
    throw_errno(error, "cannot listen to the kernel's events");
  }
  netlink::Request request;
  VethSpec veth;
  veth.name = "canary";
  {
    const Namespace space = thread.create();
    veth.far_namespace = space.fd();
    put_veth(request, veth);
    socket.execute(request);
  }
  // The event comes before the name is free, so the name is asked for as well.
  while (::if_nametoindex("canary") != 0) {
    pollfd ready{events.get(), POLLIN, 0};
    static_cast<void>(::poll(&ready, 1, 1));
    std::array<char, 16> event;
    static_cast<void>(::recv(events.get(), event.data(), event.size(), MSG_DONTWAIT));
  }
}

/// Every pair, or each endpoint with the next where that would be a million.
void check_connected(Fabric& fabric, const FabricPlan& plan) {
  std::vector<Link> links;
  if (plan.endpoints.size() <= kLargestForIp) {
    links = all_links(plan);
  } else {
    for (std::size_t i = 0; i < plan.endpoints.size(); ++i) {
      links.push_back(
          {static_cast<Endpoint>(i), static_cast<Endpoint>((i + 1) % plan.endpoints.size())});
    }
  }
  for (const PairVerdict& verdict : probe_pairs(fabric, plan.endpoints, links)) {
    if (!verdict.arrived) {
      throw_operation("endpoint " + std::to_string(verdict.link.from) + " does not reach " +
                      std::to_string(verdict.link.to));
    }
  }
}

void sample_fabric(Figures& figures, const std::string& size, const FabricPlan& plan, bool check) {
  std::unique_ptr<Fabric> fabric;
  figures.time("create." + size, [&] { fabric = make_netns_fabric(plan); });
  if (check) {
    check_connected(*fabric, plan);
  }
  const auto start = Clock::now();
  figures.time("destroy." + size, [&] { fabric.reset(); });
  wait_until_removed();
  figures.add("removed." + size, Clock::now() - start);
}

void sample_ip(Figures& figures, const std::string& suffix, const IpNetwork& network) {
  figures.time("create." + suffix, [&] { network.create(); });
  const auto start = Clock::now();
  figures.time("destroy." + suffix, [&] { network.destroy(); });
  wait_until_removed();
  figures.add("removed." + suffix, Clock::now() - start);
}

/// @param goal of creation, in milliseconds
void bench_infra(Figures& figures, std::size_t endpoints, double goal, int rounds) {
  const FabricPlan plan = plan_of(endpoints - 1);
  const std::string size = std::to_string(endpoints);
  const bool with_ip = endpoints <= kLargestForIp;
  const test::TempDir scratch;
  const IpNetwork commands(plan, IpStyle::Commands, scratch.path());
  const IpNetwork batches(plan, IpStyle::Batches, scratch.path());
  for (const char* step : {"create.", "destroy.", "removed."}) {
    const std::string name = step + size;
    const bool has_goal = std::string_view(step) != "removed.";
    figures.expect(name, {has_goal ? goal : 0, with_ip ? name + ".ip" : ""});
  }
  for (int i = 0; i < rounds; ++i) {
    sample_fabric(figures, size, plan, i == 0);
    if (with_ip) {
      sample_ip(figures, size + ".ip", commands);
      sample_ip(figures, size + ".ip-batch", batches);
    }
  }
}

/// When each request was sent to the kernel.
class SendTimes final : public KernelGate {
 public:
  [[nodiscard]] int admit(KernelCall call) noexcept override {
    if (call == KernelCall::SendRequest && count_ < times_.size()) {
      times_.at(count_++) = Clock::now();
    }
    return 0;
  }
  void clear() { count_ = 0; }
  /// Of the two transactions of a change, the rules and the links: the kernel's work and answers.
  [[nodiscard]] Milliseconds of_change() const {
    if (count_ < 3) {
      throw_operation("a change was not followed by reading it back");
    }
    return times_[2] - times_[0];
  }

 private:
  std::array<Clock::time_point, 64> times_;
  std::size_t count_ = 0;
};

/// The same number of elements as nft(8) would be given them: in one command, in one set.
class NftFiles {
 public:
  NftFiles(const std::filesystem::path& directory, const std::vector<std::string>& pairs)
      : add_(directory / "add"), remove_(directory / "remove") {
    const std::filesystem::path table = directory / "table";
    write(
        table,
        "table bridge bench {\n map decide { type ifname . ifname : verdict; }\n"
        " chain forward { type filter hook forward priority 0; iifname . oifname vmap @decide; }\n"
        "}\n");
    run("nft -f " + table.string());
    std::string elements;
    for (const std::string& pair : pairs) {
      elements += (elements.empty() ? "" : ", ") + pair + " : drop";
    }
    write(add_, "add element bridge bench decide { " + elements + " }\n");
    write(remove_, "flush map bridge bench decide\n");
  }
  void add() const { run("nft -f " + add_.string()); }
  void remove() const { run("nft -f " + remove_.string()); }

 private:
  static void write(const std::filesystem::path& file, const std::string& text) {
    std::ofstream stream(file);
    if (!(stream << text).flush()) {
      throw_operation("cannot write '" + file.string() + "'");
    }
  }
  std::filesystem::path add_;
  std::filesystem::path remove_;
};

void bench_commit(Figures& figures, int rounds) {
  SendTimes sent;
  NetnsOptions options;
  options.gate = &sent;
  const testing::World world(39, false, options);
  std::vector<Link> links = all_links(world.plan);
  links.resize(kCommitLinks);
  std::vector<std::string> pairs;
  for (const Link& link : links) {
    pairs.push_back("\"p" + std::to_string(link.from) + "\" . \"p" + std::to_string(link.to) +
                    "\"");
  }
  const test::TempDir scratch;
  const NftFiles nft(scratch.path(), pairs);

  figures.expect("commit.1000", {3, "commit.1000.nft"});
  figures.expect("heal.1000", {0, "heal.1000.nft"});
  for (std::uint32_t round = 0; round <= static_cast<std::uint32_t>(rounds); ++round) {
    const std::string change = round == 0 ? "change.1000.first" : "change.1000";
    sent.clear();
    figures.time(change,
                 [&] { world.fabric->apply({testing::cut(round + 1, links)}, testing::now()); });
    if (round > 0) {
      figures.add("commit.1000", sent.of_change());
    }
    figures.time("commit.1000.nft", [&] { nft.add(); });
    figures.time("heal.1000", [&] { world.fabric->apply({}, testing::now()); });
    figures.time("heal.1000.nft", [&] { nft.remove(); });
  }
}

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

/// The pattern of tools that go to each node: one command in each namespace, which puts one rule
/// per sender into a chain of iptables.
class PerNode {
 public:
  PerNode(const testing::World& world, const std::vector<Link>& links,
          const std::filesystem::path& directory) {
    std::map<Endpoint, std::string> rules;
    for (const Link& link : links) {
      rules[link.to] +=
          "-A INPUT -s " + to_string(world.plan.endpoints.at(link.from).address) + " -j DROP\n";
    }
    const std::filesystem::path none = directory / "none";
    std::ofstream(none) << "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n";
    for (const auto& [endpoint, text] : rules) {
      const std::string name = world.plan.endpoints.at(endpoint).name;
      const std::filesystem::path file = directory / name;
      std::ofstream(file) << "*filter\n:INPUT ACCEPT [0:0]\n" << text << "COMMIT\n";
      std::error_code ignored;
      const std::filesystem::path link = std::filesystem::path("/run/netns") / name;
      std::filesystem::remove(link, ignored);
      std::filesystem::create_symlink("/proc/" + std::to_string(::getpid()) + "/fd/" +
                                          std::to_string(world.fabric->namespace_fd(endpoint)),
                                      link);
      const std::string command = "ip netns exec " + name + " iptables-restore ";
      add_.push_back(command + file.string());
      remove_.push_back(command + none.string());
    }
  }
  void add() const { run_all(add_); }
  void remove() const { run_all(remove_); }

 private:
  static void run_all(const std::vector<std::string>& commands) {
    for (const std::string& command : commands) {
      run(command);
    }
  }
  std::vector<std::string> add_;
  std::vector<std::string> remove_;
};

void bench_shapes(Figures& figures, std::size_t endpoints, int rounds) {
  const testing::World world(endpoints);
  for (const Shape& shape : shapes_of(endpoints)) {
    std::vector<std::string> pairs;
    for (const Link& link : shape.links) {
      pairs.push_back("\"p" + std::to_string(link.from) + "\" . \"p" + std::to_string(link.to) +
                      "\"");
    }
    const test::TempDir scratch;
    const NftFiles nft(scratch.path(), pairs);
    const bool with_nodes = endpoints <= kLargestForIp && shape.name == "halves";
    std::optional<PerNode> nodes;
    if (with_nodes) {
      nodes.emplace(world, shape.links, scratch.path());
    }
    const std::string name = shape.name + "." + std::to_string(endpoints);
    for (const char* step : {"apply.", "heal."}) {
      figures.expect(step + name, {0, step + name + (with_nodes ? ".nodes" : ".nft")});
    }
    for (std::uint32_t round = 1; round <= static_cast<std::uint32_t>(rounds); ++round) {
      figures.time("apply." + name, [&] {
        world.fabric->apply({testing::cut(round, shape.links)}, testing::now());
      });
      figures.time("heal." + name, [&] { world.fabric->apply({}, testing::now()); });
      figures.time("apply." + name + ".nft", [&] { nft.add(); });
      figures.time("heal." + name + ".nft", [&] { nft.remove(); });
      if (nodes) {
        figures.time("apply." + name + ".nodes", [&] { nodes->add(); });
        figures.time("heal." + name + ".nodes", [&] { nodes->remove(); });
      }
    }
    run("nft delete table bridge bench");
  }
}

void run_benches(std::string_view which, int rounds, std::size_t largest) {
  Figures figures;
  if (which == "infra") {
    struct Size {
      std::size_t endpoints;
      double goal;
      int rounds;
    };
    for (const Size& size :
         {Size{3, 10, 4 * rounds}, Size{100, 250, rounds}, Size{1000, 5000, 1}}) {
      if (size.endpoints <= largest) {
        bench_infra(figures, size.endpoints, size.goal, size.rounds);
      }
    }
  } else if (which == "commit") {
    bench_commit(figures, 4 * rounds);
  } else if (which == "shapes") {
    for (const std::size_t endpoints : {5U, 30U, 100U, 300U, 1000U}) {
      if (endpoints <= largest) {
        bench_shapes(figures, endpoints, endpoints > kLargestForIp ? 1 : rounds);
      }
    }
  } else {
    throw_usage("which bench? infra, commit or shapes");
  }
  figures.print();
}

}  // namespace
}  // namespace tinet::bench

int main(int argc, char** argv) {
  try {
    tinet::bench::enter_namespaces();
    tinet::bench::run_benches(argc > 1 ? argv[1] : "", argc > 2 ? std::atoi(argv[2]) : 5,
                              argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1000);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fabric_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
