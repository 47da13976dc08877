#include "src/supervisor/probe_ledger.h"

#include <gtest/gtest.h>

#include "tests/support/fake_fabric.h"

namespace tinet {
namespace {

constexpr Link kLink{0, 1};

Fault fault_of(std::uint32_t id, Match match, LinkAction action) {
  Fault fault;
  fault.id = {id};
  fault.links = {kLink};
  fault.clauses = {{std::move(match), std::move(action)}};
  return fault;
}

PacketCounts dropped(std::uint64_t packets) {
  PacketCounts counts;
  counts.dropped = packets;
  return counts;
}

SentProbes probes(std::size_t sent, std::size_t arrived) {
  SentProbes all;
  add_probes(all[kLink].datagrams, sent, arrived, 60);
  return all;
}

MonoTime now() {
  return std::chrono::steady_clock::now();
}

struct Account {
  FakeFabric fabric{};
  ProbeLedger ledger{};
  std::vector<Fault> faults;

  explicit Account(std::vector<Fault> of) : faults(std::move(of)) {
    static_cast<void>(fabric.apply(faults, now()));
  }
  /// Probes meet a fault that has counted `before` up to then, and `after` with them.
  void probe(const SentProbes& sent, std::map<FaultId, PacketCounts> before,
             std::map<FaultId, PacketCounts> after) {
    fabric.counts = std::move(before);
    const auto open = ProbeLedger::open(fabric, faults, now());
    fabric.counts = std::move(after);
    ledger.close(fabric, open, sent, now());
  }
  std::uint64_t told(FaultId id) { return ledger.without_probes(id, fabric.packets(id)).dropped; }
};

TEST(ProbeLedger, TellsOnlyWhatTheClusterMet) {
  Account account({fault_of(1, {}, {.cut = CutMode::Drop})});
  account.probe(probes(20, 0), {{FaultId{1}, dropped(5)}}, {{FaultId{1}, dropped(28)}});
  EXPECT_EQ(account.told({1}), 8U) << "5 before and 3 meanwhile";
  account.probe(probes(20, 0), {{FaultId{1}, dropped(28)}}, {{FaultId{1}, dropped(48)}});
  EXPECT_EQ(account.told({1}), 8U);
  account.fabric.counts[FaultId{1}] = dropped(50);
  EXPECT_EQ(account.told({1}), 10U);
}

TEST(ProbeLedger, TakesNoMoreThanWasCounted) {
  Account account({fault_of(1, {}, {.loss = Ppm{500'000}})});
  account.probe(probes(20, 12), {}, {{FaultId{1}, dropped(6)}});
  EXPECT_EQ(account.told({1}), 0U);
}

TEST(ProbeLedger, LeavesFaultsAloneThatDoNotMeanProbes) {
  Account account({fault_of(1, {.to_ports = {2380}}, {.cut = CutMode::Drop}),
                   fault_of(2, {.protocol = Protocol::Icmp}, {.cut = CutMode::Drop})});
  account.probe(probes(20, 20), {}, {{FaultId{1}, dropped(7)}, {FaultId{2}, dropped(9)}});
  EXPECT_EQ(account.told({1}), 7U);
  EXPECT_EQ(account.told({2}), 9U);
}

TEST(ProbeLedger, KnowsSegmentsFromDatagrams) {
  Account account({fault_of(1, {.to_ports = {2380}}, {.cut = CutMode::Drop})});
  SentProbes sent = probes(20, 20);
  add_probes(sent[kLink].segments, 2, 0, 60);
  account.probe(sent, {}, {{FaultId{1}, dropped(7)}});
  EXPECT_EQ(account.told({1}), 5U);
}

}  // namespace
}  // namespace tinet
