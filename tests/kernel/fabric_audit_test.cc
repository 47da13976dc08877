/// Somebody meddles with the switch or with an endpoint: the audit finds and repairs it.

#include <atomic>
#include <thread>

#include <linux/netlink.h>

#include <gtest/gtest.h>

#include "netns/link.h"
#include "netns/nft/connection.h"
#include "netns/qdisc.h"
#include "src/fabric/encode.h"
#include "tests/kernel/countdown.h"
#include "tests/kernel/fabric_world.h"
#include "tests/kernel/fault_actions.h"
#include "tests/kernel/meddler.h"
#include "tests/kernel/wire_child.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

/// A kernel that takes its time for each request, as on an emulated processor of a busy host.
class SlowKernel final : public KernelGate {
 public:
  [[nodiscard]] int admit(KernelCall call) noexcept override {
    if (slow && call == KernelCall::SendRequest) {
      std::this_thread::sleep_for(1300ms);
    }
    return 0;
  }
  std::atomic<bool> slow = false;
};

TEST(Audit, LeavesEndsAloneThatASlowKernelWasLateFor) {
  SlowKernel kernel;
  NetnsOptions options = test_options();
  options.gate = &kernel;
  World world(2, false, options);
  kernel.slow = true;
  world.fabric->apply({cut(1, {{0, 1}}, now() + 600s)}, now());
  kernel.slow = false;
  const auto drift = world.fabric->audit(now());
  EXPECT_TRUE(drift.empty()) << all_of(drift);
}

TEST(Audit, ReportsATableOfSomebodyElse) {
  World world(2);
  Meddler meddler;
  nft::Connection connection(meddler.open(world.fabric->switch_namespace_fd(), NETLINK_NETFILTER));
  nft::Batch batch;
  nft::Table table;
  table.id = {nft::Family::Bridge, "intruder"};
  batch.add_table(table);
  nft::commit(connection, std::move(batch).seal());
  const auto drift = world.fabric->audit(now());
  EXPECT_TRUE(mentions(drift, "foreign table 'bridge intruder'", false)) << all_of(drift);
}

TEST(Audit, NobodyElseCanChangeTheTable) {
  World world(2);
  Meddler meddler;
  nft::Connection connection(meddler.open(world.fabric->switch_namespace_fd(), NETLINK_NETFILTER));
  nft::Batch batch;
  batch.delete_table(fabric::table_id());
  EXPECT_FALSE(nft::try_commit(connection, std::move(batch).seal()).ok());
  EXPECT_TRUE(world.fabric->audit(now()).empty());
}

/// Whichever call is refused: what was found before is told, and all else is looked at.
TEST(Audit, TellsWhatItFoundWhenAPartOfItFails) {
  Countdown kernel;
  NetnsOptions options = test_options();
  options.gate = &kernel;
  options.use_netem = false;
  World world(2, false, options);
  world.fabric->apply(
      {acting(1, delaying(10ms), {{0, 1}}), acting(2, cutting(CutMode::Reject), {{1, 0}})}, now());
  Meddler meddler;
  bool reached_the_end = false;
  for (int call = 0; !reached_the_end; ++call) {
    SCOPED_TRACE(call);
    ASSERT_LT(call, 300);
    meddler.change(world.fabric->switch_namespace_fd(), [](netlink::Request& request) {
      put_link_down(request, fabric::port_index(0));
      put_delete_root(request, fabric::port_index(2));
    });
    meddler.change(world.fabric->namespace_fd(1),
                   [](netlink::Request& request) { put_link_mtu(request, IfIndex{2}, 700); });
    ASSERT_TRUE(kill_child(find_wire_child().value()));
    kernel.arm(call);
    auto drift = world.fabric->audit(now());
    reached_the_end = kernel.pending();
    kernel.disarm();
    for (Drift& more : world.fabric->audit(now())) {
      drift.push_back(std::move(more));
    }
    for (const char* what : {"port 'n-0' is down", "root queue of port 'client' is missing",
                             "the wire had died", "eth0 of 'n-1' has an MTU of 700"}) {
      EXPECT_TRUE(mentions(drift, what, true)) << what << " in\n" << all_of(drift);
    }
    const auto rest = world.fabric->audit(now());
    EXPECT_TRUE(rest.empty()) << all_of(rest);
  }
}

}  // namespace
}  // namespace tinet::testing
