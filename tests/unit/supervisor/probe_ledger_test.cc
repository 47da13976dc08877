#include "src/supervisor/probe_ledger.h"

#include <gtest/gtest.h>

#include "tests/support/fake_fabric.h"

namespace tinet {
namespace {

constexpr Link kLink{0, 1};

constexpr Link kBack{1, 0};

Fault fault_of(std::uint32_t id, Match match, LinkAction action, Link link = kLink) {
  Fault fault;
  fault.id = {id};
  fault.links = {link};
  fault.clauses = {{std::move(match), std::move(action)}};
  return fault;
}

PacketCounts dropped(std::uint64_t packets) {
  PacketCounts counts;
  counts.dropped = packets;
  return counts;
}

SentProbes probes(std::size_t sent, std::size_t arrived, Link link = kLink) {
  SentProbes all;
  add_probes(all[link].datagrams, sent, arrived, 60);
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
  std::uint64_t told(FaultId id) { return all_told(id).dropped; }
  PacketCounts all_told(FaultId id) { return ledger.without_probes(id, fabric.packets(id)); }
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

TEST(ProbeLedger, TakesOutWhatOneFaultLetPassAndAnotherLost) {
  const LinkAction half{.loss = Ppm{500'000}};
  Account account({fault_of(1, {}, half), fault_of(2, {}, half)});
  account.probe(probes(80, 20), {},
                {{FaultId{1}, {.dropped = 38, .bytes_dropped = 38 * 60, .passed = 42}},
                 {FaultId{2}, {.dropped = 22, .bytes_dropped = 22 * 60, .passed = 20}}});
  EXPECT_EQ(account.all_told({1}), PacketCounts{});
  EXPECT_EQ(account.all_told({2}), PacketCounts{});
}

TEST(ProbeLedger, TakesOutWhatOneFaultChangedAndAnotherLost) {
  Account account({fault_of(1, {}, {.duplicate = Ppm{500'000}}),
                   fault_of(2, {}, {.corrupt = Ppm{1'000'000}}),
                   fault_of(3, {}, {.loss = Ppm{500'000}})});
  account.probe(probes(77, 38), {},
                {{FaultId{1}, {.duplicated = 39}}, {FaultId{2}, {.corrupted = 39}}});
  EXPECT_EQ(account.all_told({1}), PacketCounts{});
  EXPECT_EQ(account.all_told({2}), PacketCounts{});
}

TEST(ProbeLedger, TakesOutWhatAHoldKeeps) {
  Account account({fault_of(1, {}, {.hold = true})});
  account.probe(probes(7, 0), {}, {{FaultId{1}, {.held = 9}}});
  EXPECT_EQ(account.all_told({1}).held, 2U);
}

TEST(ProbeLedger, TakesEveryProbeOnce) {
  Account account({fault_of(1, {}, {.loss = Ppm{500'000}})});
  account.probe(probes(20, 12), {}, {{FaultId{1}, {.dropped = 30, .passed = 100}}});
  EXPECT_EQ(account.all_told({1}), (PacketCounts{.dropped = 22, .passed = 88}));
  Account lucky({fault_of(1, {}, {.loss = Ppm{1'000}})});
  lucky.probe(probes(20, 12), {}, {{FaultId{1}, {.dropped = 5, .passed = 95}}});
  EXPECT_EQ(lucky.all_told({1}), PacketCounts{.passed = 80}) << "another fault lost three";
}

TEST(ProbeLedger, TakesOutTheErrorsThatAnswerRefusedProbes) {
  Account account({fault_of(1, {}, {.cut = CutMode::Drop}),
                   fault_of(2, {.protocol = Protocol::Tcp}, {.loss = Ppm{500'000}}),
                   fault_of(3, {}, {.cut = CutMode::Reject}, kBack)});
  account.probe(probes(20, 0, kBack), {},
                {{FaultId{1}, {.dropped = 15, .bytes_dropped = 15 * 88}},
                 {FaultId{2}, {.dropped = 4}},
                 {FaultId{3}, {.rejected = 20}}});
  EXPECT_EQ(account.all_told({1}), PacketCounts{});
  EXPECT_EQ(account.told({2}), 4U) << "errors are no segments";
  EXPECT_EQ(account.all_told({3}), PacketCounts{});
}

TEST(ProbeLedger, ExpectsNoErrorsWhereNothingIsRefused) {
  Account account(
      {fault_of(1, {}, {.cut = CutMode::Drop}), fault_of(2, {}, {.cut = CutMode::Drop}, kBack)});
  account.probe(probes(20, 0, kBack), {}, {{FaultId{1}, dropped(15)}, {FaultId{2}, dropped(20)}});
  EXPECT_EQ(account.told({1}), 15U);
  EXPECT_EQ(account.told({2}), 0U);
}

TEST(ProbeLedger, TakesOutSegmentsThatPassedOneFault) {
  Account account({fault_of(1, {}, {.loss = Ppm{500'000}}),
                   fault_of(2, {.to_ports = {2380}}, {.cut = CutMode::Drop})});
  SentProbes sent;
  add_probes(sent[kLink].segments, 3, 0, 60);
  account.probe(sent, {},
                {{FaultId{1}, {.dropped = 1, .passed = 2}}, {FaultId{2}, {.dropped = 2}}});
  EXPECT_EQ(account.all_told({1}), PacketCounts{});
  EXPECT_EQ(account.told({2}), 0U);
}

TEST(ProbeLedger, LeavesFaultsAloneThatDoNotMeanProbes) {
  Account account({fault_of(1, {.to_ports = {2380}}, {.cut = CutMode::Drop}),
                   fault_of(2, {.protocol = Protocol::Icmp}, {.cut = CutMode::Drop}),
                   fault_of(3, {.connections = Connections::New}, {.cut = CutMode::Drop})});
  account.probe(probes(20, 12), {},
                {{FaultId{1}, dropped(7)}, {FaultId{2}, dropped(9)}, {FaultId{3}, dropped(5)}});
  EXPECT_EQ(account.told({1}), 7U);
  EXPECT_EQ(account.told({2}), 9U);
  EXPECT_EQ(account.told({3}), 5U);
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
