/// nf_tables through this module: what was sent is what is read back, packets really drop and pass
/// per direction, timeouts heal on time, ownership ends with the socket.

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "tests/kernel/small_network.h"

namespace tinet::testing {
namespace {

using namespace nft;
using Clock = std::chrono::steady_clock;

TableId table() {
  return {Family::Bridge, "faults"};
}

SetSpec cuts() {
  return {.table = table(),
          .name = "cuts",
          .key = {Datatype::IfIndex, Datatype::IfIndex},
          .map = MapKind::Verdicts,
          .timeouts = true};
}

SetSpec counts() {
  return {.table = table(),
          .name = "counts",
          .key = {Datatype::IfIndex, Datatype::IfIndex},
          .map = MapKind::Counters};
}

Element cut(std::size_t from, std::size_t to, std::optional<Milliseconds> timeout = {},
            Verdict verdict = {Verdict::Kind::Drop, {}}) {
  return {.key = link_key(SmallNetwork::port(from), SmallNetwork::port(to)),
          .verdict = std::move(verdict),
          .timeout = timeout};
}

std::vector<Expression> load_link() {
  return {MetaLoad{MetaKey::InIndex, kR0}, MetaLoad{MetaKey::OutIndex, kR1}};
}

Rule rule(const std::string& chain, std::vector<Expression> tail) {
  auto expressions = load_link();
  expressions.insert(expressions.end(), tail.begin(), tail.end());
  return {.table = table(), .chain = chain, .expressions = expressions};
}

// The shape of the fabric's switch table: counters per link, then one verdict map.
SealedBatch fault_table() {
  Batch batch;
  batch.add_table({.id = table(), .owner = true})
      .add_set(cuts())
      .add_set(counts())
      .add_counter({.table = table(), .name = "c0_1"})
      .add_chain({.table = table(),
                  .name = "forward",
                  .hook = Hook{.number = kBridgeForward, .priority = 0}})
      .add_rule(rule("forward", {ObjectMap{"counts", kR0}}))
      .add_rule(rule("forward", {VerdictMap{"cuts", kR0}}));
  return std::move(batch).seal();
}

void change(Connection& connection, Batch batch) {
  commit(connection, std::move(batch).seal());
}

// Empty namespaces, for what needs no packets.
class Nft : public ::testing::Test {
 protected:
  Namespace space_ = create_namespace();
  Connection connection_ = Connection::open();
};

TEST(Faults, DropOneDirectionOnlyAndCountIt) {
  SmallNetwork network(3);
  commit(*network.rules, fault_table());
  const Element counted{.key = link_key(SmallNetwork::port(0), SmallNetwork::port(1)),
                        .object = "c0_1"};
  change(*network.rules, Batch()
                             .add_elements(counts(), std::array{counted})
                             .add_elements(cuts(), std::array{cut(0, 1)}));
  EXPECT_FALSE(network.reaches(0, 1));
  EXPECT_TRUE(network.reaches(1, 0, 1000));
  EXPECT_TRUE(network.reaches(0, 2, 1000));
  EXPECT_FALSE(network.reaches(0, 1));
  auto read = list_counters(*network.rules, table(), Reset::Yes);
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].name, "c0_1");
  EXPECT_EQ(read[0].packets, 2U);
  EXPECT_GT(read[0].bytes, 0U);
  EXPECT_EQ(list_counters(*network.rules, table()).at(0).packets, 0U);

  change(*network.rules, Batch().delete_elements(cuts(), std::array{cut(0, 1)}));
  EXPECT_TRUE(network.reaches(0, 1, 1000));
}

TEST(Faults, EndInTheKernelWhenTheirTimeIsOver) {
  SmallNetwork network(2);
  commit(*network.rules, fault_table());
  const auto start = Clock::now();
  change(*network.rules, Batch().add_elements(cuts(), std::array{cut(0, 1, Milliseconds(300))}));
  const auto listed = list_elements(*network.rules, table(), "cuts");
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].timeout, Milliseconds(300));
  ASSERT_TRUE(listed[0].expires);
  EXPECT_LE(*listed[0].expires, Milliseconds(300));
  EXPECT_FALSE(network.reaches(0, 1, 20));
  bool healed = false;
  while (!healed && Clock::now() - start < std::chrono::seconds(5)) {
    healed = network.reaches(0, 1, 5);
  }
  const auto took = std::chrono::duration_cast<Milliseconds>(Clock::now() - start);
  EXPECT_TRUE(healed);
  EXPECT_GE(took, Milliseconds(295));
  EXPECT_TRUE(list_elements(*network.rules, table(), "cuts").empty());
}

TEST(Faults, LoseTheShareThatIsAsked) {
  SmallNetwork network(2);
  commit(*network.rules, fault_table());
  change(*network.rules,
         Batch()
             .add_chain({.table = table(), .name = "loss_50", .hook = {}})
             .add_rule({.table = table(),
                        .chain = "loss_50",
                        .expressions = {Numgen{kR0, 1'000'000}, Byteorder{kR0, kR0, true, 4, 4},
                                        Compare{CompareOp::Less, kR0,
                                                KeyBuilder().u32_network(500'000).take()},
                                        GiveVerdict{{Verdict::Kind::Drop, {}}}}})
             .add_elements(cuts(), std::array{cut(0, 1, {}, {Verdict::Kind::Jump, "loss_50"})}));
  const auto from = network.udp(0);
  const auto to = network.udp(1);
  constexpr std::uint32_t kSent = 1000;
  for (std::uint32_t i = 0; i < kSent; ++i) {
    SmallNetwork::send(from, 1, i);
  }
  const std::size_t arrived = SmallNetwork::receive(to, 200).size();
  EXPECT_GT(arrived, 400U);
  EXPECT_LT(arrived, 600U);
}

TEST_F(Nft, ReadsBackEveryRuleAsItWasSent) {
  const TableId inet{Family::Inet, "rules"};
  const SetSpec ports{
      .table = inet, .name = "ports", .key = {Datatype::Ipv4Address, Datatype::InetService}};
  const SetSpec marks{.table = inet,
                      .name = "marks",
                      .key = {Datatype::Ipv4Address},
                      .map = MapKind::Values,
                      .values = {Datatype::Mark}};
  const std::vector<std::vector<Expression>> sent{
      {MetaLoad{MetaKey::L4Protocol, kR0}, Compare{CompareOp::Equal, kR0, {6}},
       PayloadLoad{Header::Transport, 13, 1, kR0}, Bitwise{kR0, kR0, {0x12}, {0}},
       Compare{CompareOp::Equal, kR0, {2}}, Limit{10, 1, 5, false, true},
       GiveVerdict{{Verdict::Kind::Drop, {}}}},
      {PayloadLoad{Header::Network, 12, 4, kR0}, PayloadLoad{Header::Transport, 2, 2, kR1},
       SetMatch{"ports", kR0}, Reject{Reject::Kind::TcpReset, 0}},
      {PayloadLoad{Header::Network, 12, 4, kR0}, MapLoad{"marks", kR0, kR0},
       MetaSet{MetaKey::Mark, kR0}},
      {Immediate{kR0, {0x10, 0, 1, 0}}, MetaSet{MetaKey::Priority, kR0}},
      {Quota{1 << 20, 0, true}, CountHere{}, Reject{Reject::Kind::IcmpxUnreachable, 2}},
      {CountIn{"hits"}, GiveVerdict{{Verdict::Kind::Jump, "side"}}},
      {Numgen{kR0, 100, false}, Byteorder{kR0, kR0, true, 4, 4},
       Compare{CompareOp::GreaterEqual, kR0, {0, 0, 0, 50}},
       GiveVerdict{{Verdict::Kind::Goto, "side"}}},
      {SetMatch{"ports", kR0, true}, GiveVerdict{{Verdict::Kind::Return, {}}}},
  };
  // The inverted lookup above reads registers that a rule has to load first.
  std::vector<Rule> rules;
  for (const auto& expressions : sent) {
    rules.push_back({.table = inet,
                     .chain = "prerouting",
                     .expressions = expressions,
                     .comment = "rule " + std::to_string(rules.size())});
  }
  rules.back().expressions.insert(
      rules.back().expressions.begin(),
      {PayloadLoad{Header::Network, 12, 4, kR0}, PayloadLoad{Header::Transport, 2, 2, kR1}});
  Batch batch;
  batch.add_table({.id = inet})
      .add_set(ports)
      .add_set(marks)
      .add_counter({.table = inet, .name = "hits"})
      .add_chain({.table = inet, .name = "side", .hook = {}})
      .add_chain({.table = inet,
                  .name = "prerouting",
                  .hook = Hook{.number = kInetPrerouting, .priority = -10}});
  for (const Rule& each : rules) {
    batch.add_rule(each);
  }
  change(connection_, std::move(batch));

  const auto listed = list_rules(connection_, inet, "prerouting");
  ASSERT_EQ(listed.size(), rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    EXPECT_TRUE(same_rule(listed[i], rules[i])) << "rule " << i;
    EXPECT_NE(listed[i].handle, 0U);
  }
}

TEST_F(Nft, ReadsBackTablesChainsAndSetsAsTheyWereSent) {
  commit(connection_, fault_table());
  const auto tables = list_tables(connection_);
  ASSERT_EQ(tables.size(), 1U);
  EXPECT_EQ(tables[0].id, table());
  EXPECT_TRUE(tables[0].owner);
  EXPECT_EQ(tables[0].owner_port, connection_.socket().port());
  const auto chains = list_chains(connection_, table());
  ASSERT_EQ(chains.size(), 1U);
  EXPECT_EQ(chains[0], (Chain{.table = table(),
                              .name = "forward",
                              .hook = Hook{.number = kBridgeForward, .priority = 0}}));
  const SetSpec ranges{.table = table(),
                       .name = "ranges",
                       .key = {Datatype::Ipv4Address, Datatype::InetService},
                       .timeouts = true,
                       .interval = true};
  const SetSpec macs{.table = table(),
                     .name = "macs",
                     .key = {Datatype::Ipv4Address},
                     .map = MapKind::Values,
                     .values = {Datatype::EtherAddress},
                     .size_max = 5000};
  change(connection_, Batch().add_set(ranges).add_set(macs));
  const auto sets = list_sets(connection_, table());
  const std::vector<SetSpec> expected{cuts(), counts(), ranges, macs};
  ASSERT_EQ(sets.size(), expected.size());
  for (const SetSpec& set : expected) {
    EXPECT_NE(std::find(sets.begin(), sets.end(), set), sets.end()) << set.name;
  }
}

void expect_elements(Connection& connection, const SetSpec& set, std::vector<Element> expected) {
  auto listed = list_elements(connection, set.table, set.name);
  const auto by_key = [](const Element& a, const Element& b) { return a.key < b.key; };
  std::sort(listed.begin(), listed.end(), by_key);
  std::sort(expected.begin(), expected.end(), by_key);
  ASSERT_EQ(listed.size(), expected.size());
  for (std::size_t i = 0; i < listed.size(); ++i) {
    EXPECT_TRUE(same_element(listed[i], expected[i])) << set.name << " element " << i;
  }
}

TEST_F(Nft, ReadsBackEveryElementAsItWasSent) {
  commit(connection_, fault_table());
  std::vector<Element> verdicts{cut(0, 1), cut(1, 2, Milliseconds(60'000)),
                                cut(2, 3, {}, {Verdict::Kind::Accept, {}}),
                                cut(3, 4, {}, {Verdict::Kind::Jump, "side"})};
  verdicts[1].comment = "fault f1";
  const std::vector<Element> counted{{.key = link_key({1}, {2}), .object = "c0_1"},
                                     {.key = link_key({2}, {1}), .object = "c0_1"}};
  const SetSpec macs{.table = table(),
                     .name = "macs",
                     .key = {Datatype::Ipv4Address},
                     .map = MapKind::Values,
                     .values = {Datatype::EtherAddress}};
  const std::vector<Element> values{{.key = KeyBuilder().ipv4(0xc612000b).take(),
                                     .value = KeyBuilder().mac(SmallNetwork::mac(0)).take()}};
  const SetSpec ranges{.table = table(),
                       .name = "ranges",
                       .key = {Datatype::Ipv4Address, Datatype::InetService},
                       .interval = true};
  const std::vector<Element> intervals{
      {.key = KeyBuilder().ipv4(0xc6120000).port(8000).take(),
       .key_end = KeyBuilder().ipv4(0xc6120003).port(9000).take()}};
  change(connection_, Batch()
                          .add_chain({.table = table(), .name = "side", .hook = {}})
                          .add_set(macs)
                          .add_set(ranges)
                          .add_elements(cuts(), verdicts)
                          .add_elements(counts(), counted)
                          .add_elements(macs, values)
                          .add_elements(ranges, intervals));
  expect_elements(connection_, cuts(), verdicts);
  expect_elements(connection_, counts(), counted);
  expect_elements(connection_, macs, values);
  expect_elements(connection_, ranges, intervals);
  change(connection_, Batch().flush_set(table(), "cuts"));
  expect_elements(connection_, cuts(), {});
}

TEST_F(Nft, FindsElementsByTheirKeys) {
  commit(connection_, fault_table());
  std::vector<Element> elements;
  std::vector<Bytes> keys;
  for (std::size_t i = 0; i < 3000; ++i) {
    const Element element =
        cut(i % 100, i / 100, i % 2 == 0 ? std::optional(Milliseconds(60'000)) : std::nullopt);
    keys.push_back(element.key);
    if (i % 3 != 0) {
      elements.push_back(element);
    }
  }
  change(connection_, Batch().add_elements(cuts(), elements));
  const auto found = find_elements(connection_, table(), "cuts", keys);
  ASSERT_EQ(found.size(), keys.size());
  auto expected = elements.begin();
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].has_value(), i % 3 != 0) << i;
    if (found[i]) {
      ASSERT_TRUE(same_element(*found[i], *expected++)) << i;
    }
  }
  EXPECT_EQ(find_elements(connection_, table(), "cuts", {}).size(), 0U);
  EXPECT_FALSE(find_elements(connection_, table(), "no such map", std::span(keys).first(1))
                   .at(0)
                   .has_value());
  const std::array wrong{Bytes(2)};
  EXPECT_THROW(static_cast<void>(find_elements(connection_, table(), "cuts", wrong)), Error);
}

TEST_F(Nft, ReplacesDataAndTimeoutsEvenOfElementsThatJustExpired) {
  commit(connection_, fault_table());
  change(connection_, Batch().add_elements(cuts(), std::array{cut(0, 1, Milliseconds(20))}));
  const auto until = Clock::now() + std::chrono::seconds(5);
  while (!list_elements(connection_, table(), "cuts").empty() && Clock::now() < until) {
    std::this_thread::yield();
  }
  const Element longer = cut(0, 1, Milliseconds(90'000));
  change(connection_, Batch().replace_elements(cuts(), std::array{cut(0, 1, Milliseconds(20))},
                                               std::array{longer}));
  expect_elements(connection_, cuts(), {longer});
  const Element permanent = cut(0, 1, {}, {Verdict::Kind::Accept, {}});
  change(connection_,
         Batch().replace_elements(cuts(), std::array{longer}, std::array{permanent, cut(5, 6)}));
  expect_elements(connection_, cuts(), {permanent, cut(5, 6)});
}

TEST_F(Nft, ReportsEveryRefusedMessageByItsDescriptionAndDoesNothing) {
  commit(connection_, fault_table());
  Batch batch;
  batch.add_elements(cuts(), std::array{cut(0, 1)}, "cut tikv-0 from tikv-1")
      .delete_elements(cuts(), std::array{cut(7, 8)}, "heal fault f7")
      .add_rule(rule("nowhere", {}), "add the rule of fault f9");
  const auto sealed = std::move(batch).seal();
  const CommitResult result = try_commit(connection_, sealed);
  ASSERT_EQ(result.refusals.size(), 2U);
  EXPECT_EQ(result.refusals[0].what, "heal fault f7");
  EXPECT_EQ(result.refusals[0].error, ENOENT);
  EXPECT_EQ(result.refusals[1].what, "add the rule of fault f9");
  EXPECT_EQ(result.refusals[1].error, ENOENT);
  EXPECT_TRUE(list_elements(connection_, table(), "cuts").empty());
  try {
    commit(connection_, sealed);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("heal fault f7"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("fault f9"), std::string::npos);
  }
}

TEST_F(Nft, RefusesAStaleGeneration) {
  const std::uint32_t before = generation(connection_);
  commit(connection_, fault_table());
  EXPECT_NE(generation(connection_), before);
  Batch batch;
  batch.add_elements(cuts(), std::array{cut(0, 1)});
  EXPECT_TRUE(try_commit(connection_, std::move(batch).seal(before)).stale);
  Batch again;
  again.add_elements(cuts(), std::array{cut(0, 1)});
  EXPECT_TRUE(try_commit(connection_, std::move(again).seal(generation(connection_))).ok());
  EXPECT_EQ(list_elements(connection_, table(), "cuts").size(), 1U);
}

TEST_F(Nft, OwnedTableObeysItsOwnerOnlyAndGoesWithIt) {
  auto owner = std::make_unique<Connection>(Connection::open());
  commit(*owner, fault_table());
  Batch batch;
  batch.delete_table(table());
  const auto sealed = std::move(batch).seal();
  const auto result = try_commit(connection_, sealed);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.refusals[0].error, EPERM);
  EXPECT_EQ(list_tables(connection_).size(), 1U);
  owner.reset();
  const auto until = Clock::now() + std::chrono::seconds(5);
  while (!list_tables(connection_).empty() && Clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(list_tables(connection_).empty());
}

TEST_F(Nft, CommitsAThousandElementsInOneTransaction) {
  commit(connection_, fault_table());
  std::vector<Element> elements;
  for (std::size_t i = 0; i < 1000; ++i) {
    elements.push_back(cut(i, i + 1));
  }
  Batch batch;
  batch.add_elements(cuts(), elements);
  commit(connection_, std::move(batch).seal());
  EXPECT_EQ(list_elements(connection_, table(), "cuts").size(), elements.size());
  change(connection_, Batch().flush_set(table(), "cuts"));
  EXPECT_TRUE(list_elements(connection_, table(), "cuts").empty());
}

TEST_F(Nft, SplitsWhatDoesNotFitOneMessageAndSaysWhatDoesNotFitOneTransaction) {
  commit(connection_, fault_table());
  std::vector<Element> elements;
  for (std::size_t i = 0; i < 8000; ++i) {
    elements.push_back(cut(i, i + 1));
  }
  Batch batch;
  batch.add_elements(cuts(), elements);
  EXPECT_GT(batch.size(), 1U);
  const auto sealed = std::move(batch).seal();
  if (connection_.fits(sealed.size_bytes())) {
    commit(connection_, sealed);
    EXPECT_EQ(list_elements(connection_, table(), "cuts").size(), 8000U);
  } else {
    EXPECT_THROW(commit(connection_, sealed), Error);
    EXPECT_TRUE(list_elements(connection_, table(), "cuts").empty());
  }
  EXPECT_EQ(list_chains(connection_, table()).size(), 1U);
}

}  // namespace
}  // namespace tinet::testing
