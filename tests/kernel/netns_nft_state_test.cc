/// State of nf_tables that rules use by name or by key: elements that packets make and count in,
/// limits and quotas that maps name, hashes. What was sent is what is read back, and packets feel
/// it.

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/kernel/small_network.h"

namespace tinet::testing {
namespace {

using namespace nft;

TableId table() {
  return {Family::Bridge, "state"};
}

constexpr std::uint32_t kFirstMark = 0xabcd0001;
constexpr std::uint32_t kSecondMark = 0xabcd0002;

SetSpec tallies(std::uint32_t size_max = 1U << 20U) {
  return {.table = table(),
          .name = "tallies",
          .key = {Datatype::IfIndex, Datatype::IfIndex, Datatype::Mark},
          .size_max = size_max,
          .dynamic = true,
          .counters = true};
}

SetSpec link_map(const std::string& name, MapKind kind) {
  return {
      .table = table(), .name = name, .key = {Datatype::IfIndex, Datatype::IfIndex}, .map = kind};
}

Bytes link(std::size_t from, std::size_t to) {
  return link_key(SmallNetwork::port(from), SmallNetwork::port(to));
}

Bytes tally_key(std::size_t from, std::size_t to, std::uint32_t mark) {
  return KeyBuilder()
      .index(SmallNetwork::port(from))
      .index(SmallNetwork::port(to))
      .u32(mark)
      .take();
}

std::vector<Expression> with_link(std::vector<Expression> tail) {
  std::vector<Expression> all{MetaLoad{MetaKey::InIndex, kR0}, MetaLoad{MetaKey::OutIndex, kR1}};
  all.insert(all.end(), tail.begin(), tail.end());
  return all;
}

Rule rule(std::vector<Expression> expressions) {
  return {.table = table(), .chain = "forward", .expressions = std::move(expressions)};
}

Expression drop() {
  return GiveVerdict{{Verdict::Kind::Drop, {}}};
}

Batch begin_table() {
  Batch batch;
  batch.add_table({.id = table(), .owner = true})
      .add_chain({.table = table(),
                  .name = "forward",
                  .hook = Hook{.number = kBridgeForward, .priority = 0}});
  return batch;
}

void change(Connection& connection, Batch batch) {
  commit(connection, std::move(batch).seal());
}

// Sends `count` datagrams from 0 to 1 and says how many arrived.
std::size_t send_all(SmallNetwork& network, std::uint32_t count) {
  const auto from = network.udp(0);
  const auto to = network.udp(1);
  for (std::uint32_t i = 0; i < count; ++i) {
    SmallNetwork::send(from, 1, i);
  }
  return SmallNetwork::receive(to, 200).size();
}

class NftState : public ::testing::Test {
 protected:
  void expect_rules(const std::vector<Rule>& expected) {
    const auto listed = list_rules(connection_, table(), "forward");
    ASSERT_EQ(listed.size(), expected.size());
    for (std::size_t i = 0; i < listed.size(); ++i) {
      EXPECT_TRUE(same_rule(listed[i], expected[i])) << "rule " << i;
    }
  }

  Namespace space_ = create_namespace();
  Connection connection_ = Connection::open();
};

TEST_F(NftState, IsReadBackAsItWasSent) {
  const LimitObject packets{table(), "slow", {.rate = 50, .burst = 7, .over = true}};
  const LimitObject bytes{
      table(), "thin", {.rate = 1000, .unit_seconds = 60, .burst = 4096, .bytes = true}};
  const QuotaObject quota{table(), "some", 1U << 20U, true, 4096};
  const SetSpec counted{.table = table(),
                        .name = "counted",
                        .key = {Datatype::IfIndex, Datatype::IfIndex},
                        .map = MapKind::Verdicts,
                        .timeouts = true,
                        .counters = true};
  const std::vector<SetSpec> sets{tallies(), counted, link_map("limits", MapKind::Limits),
                                  link_map("quotas", MapKind::Quotas)};
  const std::vector<Rule> rules{
      rule(with_link({MetaLoad{MetaKey::Mark, kR2}, CountBy{"tallies", kR0}})),
      rule(with_link({ObjectMap{"limits", kR0}, drop()})),
      rule(with_link({ObjectMap{"quotas", kR0}, drop()})),
      rule(with_link({Hash{.from = kR0, .length = 8, .to = kR2, .modulus = 100, .seed = 7},
                      MetaSet{MetaKey::Mark, kR2}})),
      rule({MetaLoad{MetaKey::InIndex, kR0},
            Hash{.from = kR0, .to = kR0, .modulus = 10, .seed = 0, .offset = 5},
            MetaSet{MetaKey::Mark, kR0}})};
  const Element verdict{.key = link(0, 1),
                        .verdict = Verdict{Verdict::Kind::Drop, {}},
                        .timeout = Milliseconds(60'000)};
  auto batch = begin_table();
  batch.add_limit(packets).add_limit(bytes).add_quota(quota);
  for (const SetSpec& set : sets) {
    batch.add_set(set);
  }
  for (const Rule& each : rules) {
    batch.add_rule(each);
  }
  batch.add_elements(counted, std::array{verdict})
      .add_elements(sets[2], std::array{Element{.key = link(0, 1), .object = "slow"},
                                        Element{.key = link(1, 0), .object = "thin"}})
      .add_elements(sets[3], std::array{Element{.key = link(0, 1), .object = "some"}});
  change(connection_, std::move(batch));

  const auto listed_sets = list_sets(connection_, table());
  ASSERT_EQ(listed_sets.size(), sets.size());
  for (const SetSpec& set : sets) {
    EXPECT_NE(std::find(listed_sets.begin(), listed_sets.end(), set), listed_sets.end())
        << set.name;
  }
  expect_rules(rules);
  auto limits = list_limits(connection_, table());
  std::sort(limits.begin(), limits.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  EXPECT_EQ(limits, (std::vector<LimitObject>{packets, bytes}));
  EXPECT_EQ(list_quotas(connection_, table()), std::vector<QuotaObject>{quota});
  EXPECT_TRUE(list_counters(connection_, table()).empty());

  auto named = list_elements(connection_, table(), "limits");
  ASSERT_EQ(named.size(), 2U);
  std::sort(named.begin(), named.end(),
            [](const auto& a, const auto& b) { return a.object < b.object; });
  EXPECT_EQ(named[0].object, "slow");
  EXPECT_EQ(named[1].object, "thin");
  EXPECT_FALSE(named[0].counts);
  const auto verdicts = list_elements(connection_, table(), "counted");
  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_TRUE(same_element(verdicts[0], verdict));
  EXPECT_EQ(verdicts[0].counts, Counts{});
}

TEST_F(NftState, ObjectsInUseStayAndAddingThemAgainDoesNotChangeALimit) {
  const auto limits = link_map("limits", MapKind::Limits);
  const std::array named{Element{.key = link(0, 1), .object = "slow"}};
  auto batch = begin_table();
  batch.add_limit({table(), "slow", {.rate = 50}})
      .add_quota({table(), "some", 1000, false, 10})
      .add_set(limits)
      .add_elements(limits, named);
  change(connection_, std::move(batch));

  Batch busy;
  busy.delete_limit(table(), "slow", "forget the limit");
  const auto refused = try_commit(connection_, std::move(busy).seal());
  ASSERT_EQ(refused.refusals.size(), 1U);
  EXPECT_EQ(refused.refusals[0].error, EBUSY);
  EXPECT_EQ(refused.refusals[0].what, "forget the limit");

  change(connection_, Batch()
                          .add_limit({table(), "slow", {.rate = 70}})
                          .add_quota({table(), "some", 2000, false, 0}));
  EXPECT_EQ(list_limits(connection_, table()).at(0).limit.rate, 50U);
  const QuotaObject quota = list_quotas(connection_, table()).at(0);
  EXPECT_EQ(quota.bytes, 2000U);
  EXPECT_EQ(quota.consumed, 10U);

  change(connection_, Batch()
                          .delete_elements(limits, named)
                          .delete_limit(table(), "slow")
                          .add_limit({table(), "slow", {.rate = 70}})
                          .add_elements(limits, named)
                          .delete_quota(table(), "some"));
  EXPECT_EQ(list_limits(connection_, table()).at(0).limit.rate, 70U);
  EXPECT_TRUE(list_quotas(connection_, table()).empty());
}

TEST(Tallies, AreMadeAndCountedByPackets) {
  SmallNetwork network(2);
  Connection& rules = *network.rules;
  const Rule count = rule(with_link({MetaLoad{MetaKey::Mark, kR2}, CountBy{"tallies", kR0}}));
  const auto mark = [](std::uint32_t value) {
    return rule({Immediate{kR0, KeyBuilder().u32(value).take()}, MetaSet{MetaKey::Mark, kR0}});
  };
  auto batch = begin_table();
  batch.add_set(tallies()).add_rule(mark(kFirstMark)).add_rule(count);
  change(rules, std::move(batch));
  EXPECT_TRUE(list_elements(rules, table(), "tallies").empty());

  EXPECT_EQ(send_all(network, 30), 30U);
  change(rules,
         Batch().flush_chain(table(), "forward").add_rule(mark(kSecondMark)).add_rule(count));
  EXPECT_EQ(send_all(network, 12), 12U);

  std::map<Bytes, Counts> counted;
  for (const Element& element : list_elements(rules, table(), "tallies")) {
    ASSERT_TRUE(element.counts);
    counted[element.key] = *element.counts;
  }
  ASSERT_EQ(counted.size(), 2U);
  const Counts first = counted.at(tally_key(0, 1, kFirstMark));
  EXPECT_EQ(first.packets, 30U);
  EXPECT_EQ(first.bytes, 30U * (20 + 8 + sizeof(std::uint32_t)));
  EXPECT_EQ(counted.at(tally_key(0, 1, kSecondMark)).packets, 12U);

  // Packets made the elements; they can be taken away, and the next packet makes one anew.
  change(rules, Batch().delete_elements(tallies(),
                                        std::array{Element{.key = tally_key(0, 1, kFirstMark)},
                                                   Element{.key = tally_key(0, 1, kSecondMark)}}));
  EXPECT_TRUE(list_elements(rules, table(), "tallies").empty());
  EXPECT_EQ(send_all(network, 1), 1U);
  const auto again = list_elements(rules, table(), "tallies");
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].counts->packets, 1U);
}

TEST(Tallies, OfAFullSetTakeNoNewKeysAndLetThePacketsPass) {
  SmallNetwork network(3);
  auto batch = begin_table();
  batch.add_set(tallies(1))
      .add_rule(rule(with_link({MetaLoad{MetaKey::Mark, kR2}, CountBy{"tallies", kR0}})));
  change(*network.rules, std::move(batch));
  EXPECT_TRUE(network.reaches(0, 1, 1000));
  EXPECT_TRUE(network.reaches(0, 2, 1000));
  EXPECT_TRUE(network.reaches(0, 1, 1000));
  const auto listed = list_elements(*network.rules, table(), "tallies");
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].key, tally_key(0, 1, 0));
  EXPECT_EQ(listed[0].counts->packets, 2U);
}

TEST(Tallies, OfElementsThatWereGivenCountTheirMatches) {
  SmallNetwork network(2);
  const SetSpec cuts{.table = table(),
                     .name = "cuts",
                     .key = {Datatype::IfIndex, Datatype::IfIndex},
                     .map = MapKind::Verdicts,
                     .counters = true};
  auto batch = begin_table();
  batch.add_set(cuts)
      .add_elements(
          cuts, std::array{Element{.key = link(0, 1), .verdict = Verdict{Verdict::Kind::Drop, {}}}})
      .add_rule(rule(with_link({VerdictMap{"cuts", kR0}})));
  change(*network.rules, std::move(batch));
  EXPECT_EQ(send_all(network, 9), 0U);
  EXPECT_EQ(list_elements(*network.rules, table(), "cuts").at(0).counts->packets, 9U);
}

TEST(Objects, LimitAndQuotaOfALinkAreFeltByItsPacketsOnly) {
  SmallNetwork network(2);
  Connection& rules = *network.rules;
  const auto limits = link_map("limits", MapKind::Limits);
  const auto quotas = link_map("quotas", MapKind::Quotas);
  // One packet in ten minutes and a bucket of 5: five packets pass.
  auto batch = begin_table();
  batch.add_set(limits)
      .add_set(quotas)
      .add_limit({table(), "slow", {.rate = 1, .unit_seconds = 600, .burst = 5, .over = true}})
      .add_elements(limits, std::array{Element{.key = link(0, 1), .object = "slow"}})
      .add_rule(rule(with_link({ObjectMap{"limits", kR0}, drop()})))
      .add_rule(rule(with_link({ObjectMap{"quotas", kR0}, drop()})));
  change(rules, std::move(batch));
  const std::size_t passed = send_all(network, 50);
  EXPECT_GE(passed, 5U);
  EXPECT_LE(passed, 6U);

  constexpr std::uint64_t kDatagram = 20 + 8 + sizeof(std::uint32_t);
  change(rules,
         Batch()
             .delete_elements(limits, std::array{Element{.key = link(0, 1)}})
             .add_quota({table(), "some", 10 * kDatagram, true})
             .add_elements(quotas, std::array{Element{.key = link(0, 1), .object = "some"}}));
  EXPECT_EQ(send_all(network, 30), 10U);
  EXPECT_GE(list_quotas(rules, table(), Reset::Yes).at(0).consumed, 10 * kDatagram);
  EXPECT_EQ(list_quotas(rules, table()).at(0).consumed, 0U);
  EXPECT_EQ(send_all(network, 30), 10U);
  // The way back, and at last a socket that stays.
  EXPECT_TRUE(network.reaches(1, 0, 1000));
}

TEST(Hashes, AreSpreadOverTheModulusAndTheSameForTheSameKey) {
  constexpr std::uint32_t kModulus = 4;
  SmallNetwork network(2);
  // Hashes the datagram's own number; the tally's key is the hash.
  auto batch = begin_table();
  batch.add_set(tallies()).add_rule(rule(with_link(
      {PayloadLoad{Header::Transport, 8, 4, kR3},
       Hash{.from = kR3, .to = kR2, .modulus = kModulus, .seed = 1}, CountBy{"tallies", kR0}})));
  change(*network.rules, std::move(batch));
  const auto listed = [&] {
    std::map<std::uint32_t, std::uint64_t> counts;
    for (const Element& element : list_elements(*network.rules, table(), "tallies")) {
      // The number is in host order, like every number that is not on the wire.
      std::uint32_t hash = 0;
      std::copy_n(element.key.begin() + 8, sizeof hash, reinterpret_cast<std::uint8_t*>(&hash));
      counts[hash] = element.counts->packets;
    }
    return counts;
  };
  ASSERT_EQ(send_all(network, 400), 400U);
  const auto once = listed();
  EXPECT_EQ(once.size(), kModulus);
  for (const auto& [hash, packets] : once) {
    EXPECT_LT(hash, kModulus);
    EXPECT_GT(packets, 60U);
  }
  ASSERT_EQ(send_all(network, 400), 400U);
  for (const auto& [hash, packets] : listed()) {
    EXPECT_EQ(packets, 2 * once.at(hash));
  }
}

}  // namespace
}  // namespace tinet::testing
