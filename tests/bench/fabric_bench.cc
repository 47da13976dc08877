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
#include "tests/bench/shapes.h"
#include "tests/bench/usual_tools.h"
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
  figures.time("audit." + size, [&] { static_cast<void>(fabric->audit(testing::now())); });
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

void bench_commit(Figures& figures, int rounds) {
  SendTimes sent;
  NetnsOptions options;
  options.gate = &sent;
  const testing::World world(39, false, options);
  std::vector<Link> links = all_links(world.plan);
  links.resize(kCommitLinks);
  const test::TempDir scratch;
  const Work nft = nft_files(links, scratch.path());

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
    figures.time("commit.1000.nft", nft.add);
    figures.time("heal.1000", [&] { world.fabric->apply({}, testing::now()); });
    figures.time("heal.1000.nft", nft.remove);
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
        const bool is_small = endpoints <= kLargestForIp;
        bench_shapes(figures, endpoints, is_small ? rounds : 1, is_small);
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
