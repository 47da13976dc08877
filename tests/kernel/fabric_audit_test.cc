/// Somebody meddles with the switch or with an endpoint: the audit finds and repairs it.

#include <atomic>
#include <thread>

#include <linux/netlink.h>

#include <gtest/gtest.h>

#include "netns/link.h"
#include "netns/nft/connection.h"
#include "src/fabric/encode.h"
#include "tests/kernel/fabric_world.h"
#include "tests/kernel/meddler.h"

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

}  // namespace
}  // namespace tinet::testing
