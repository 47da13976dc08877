/// Times of the netns fabric beside the usual tools, in turns: `ip` for the network, `nft` for a
/// change of 1000 links. Runs in network and mount namespaces of its own, needs root, iproute2 and
/// nftables. Medians are printed as JSON lines (figures.h).
///
///     fabric_bench infra|commit [ROUNDS [LARGEST]]      default 5 rounds, 1000 endpoints

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "netns/link.h"
#include "netns/namespace.h"
#include "netns/netlink/socket.h"
#include "netns/nft/connection.h"
#include "src/base/error.h"
#include "src/base/unique_fd.h"
#include "tests/bench/figures.h"
#include "tests/bench/ip_network.h"
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
  /// From the first request to the second: the kernel's work and its answer.
  [[nodiscard]] Milliseconds first() const {
    if (count_ < 2) {
      throw_operation("a change was not followed by reading it back");
    }
    return times_[1] - times_[0];
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
    // The first cut of a link makes its counters too, in transactions that go ahead.
    const std::string change = round == 0 ? "change.1000.first" : "change.1000";
    sent.clear();
    figures.time(change,
                 [&] { world.fabric->apply({testing::cut(round + 1, links)}, testing::now()); });
    if (round > 0) {
      figures.add("commit.1000", sent.first());
    }
    figures.time("commit.1000.nft", [&] { nft.add(); });
    figures.time("heal.1000", [&] { world.fabric->apply({}, testing::now()); });
    figures.time("heal.1000.nft", [&] { nft.remove(); });
  }
}

/// `ip netns` and `nft` find a world of their own.
void enter_namespaces() {
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    const int error = errno;
    throw_errno(error, "cannot make namespaces", "run as root");
  }
  std::filesystem::create_directories("/run/netns");
  if (::mount("tmpfs", "/run/netns", "tmpfs", 0, nullptr) != 0) {
    const int error = errno;
    throw_errno(error, "cannot mount over /run/netns");
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
  } else {
    throw_usage("which bench? infra or commit");
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
