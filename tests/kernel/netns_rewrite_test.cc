/// What rules of a switch do to packets besides dropping them: copies at egress, changed bytes.

#include <array>
#include <cstring>
#include <map>
#include <string>

#include <poll.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "netns/offload.h"
#include "src/base/error.h"
#include "tests/kernel/small_network.h"

namespace tinet::testing {
namespace {

using namespace nft;

constexpr std::uint32_t kCopyBit = 1U << 20U;

Bytes word(std::uint32_t value) {
  return KeyBuilder().u32(value).take();
}

void change(Connection& connection, Batch batch) {
  commit(connection, std::move(batch).seal());
}

// Puts `expressions` into the bridge's forward chain, for packets to port `to` only.
Batch forward_rule(std::size_t to, std::vector<Expression> expressions) {
  const TableId table{Family::Bridge, "changes"};
  expressions.insert(
      expressions.begin(),
      {MetaLoad{MetaKey::OutIndex, kR0},
       Compare{CompareOp::Equal, kR0, KeyBuilder().index(SmallNetwork::port(to)).take()}});
  Batch batch;
  batch.add_table({.id = table, .owner = true})
      .add_chain({.table = table,
                  .name = "forward",
                  .hook = Hook{.number = kBridgeForward, .priority = 0}})
      .add_rule({.table = table, .chain = "forward", .expressions = std::move(expressions)});
  return batch;
}

// Copies packets whose mark has the bit, once: the copy meets the chain without the bit.
Batch copy_marked(const std::vector<std::string>& devices) {
  const TableId table{Family::Netdev, "copies"};
  Batch batch;
  batch.add_table({.id = table, .owner = true})
      .add_chain({.table = table,
                  .name = "egress",
                  .hook = Hook{.number = kNetdevEgress, .priority = 0, .devices = devices}})
      .add_rule(
          {.table = table,
           .chain = "egress",
           .expressions = {MetaLoad{MetaKey::Mark, kR0}, Bitwise{kR0, kR1, word(kCopyBit), word(0)},
                           Compare{CompareOp::Equal, kR1, word(kCopyBit)},
                           Bitwise{kR0, kR0, word(~kCopyBit), word(0)}, MetaSet{MetaKey::Mark, kR0},
                           MetaLoad{MetaKey::OutIndex, kR0}, Duplicate{kR0}}});
  return batch;
}

TEST(Egress, CopiesMarkedPacketsOnce) {
  SmallNetwork network(3);
  change(*network.rules, copy_marked({"s0", "s1", "s2"}));
  // Behind the copying chain, what comes along is counted by its mark.
  const TableId copies_table{Family::Netdev, "copies"};
  const SetSpec seen{.table = copies_table,
                     .name = "seen",
                     .key = {Datatype::Mark},
                     .size_max = 16,
                     .dynamic = true,
                     .counters = true};
  change(*network.rules,
         Batch()
             .add_set(seen)
             .add_chain({.table = copies_table,
                         .name = "after",
                         .hook = Hook{.number = kNetdevEgress, .priority = 1, .devices = {"s1"}}})
             .add_rule({.table = copies_table,
                        .chain = "after",
                        .expressions = {MetaLoad{MetaKey::Mark, kR0}, CountBy{"seen", kR0}}}));
  // The mark comes from the bridge's forward hook, with another bit that has to stay.
  change(*network.rules,
         forward_rule(1, {Immediate{kR0, word(kCopyBit | 7U)}, MetaSet{MetaKey::Mark, kR0}}));
  const auto from = network.udp(0);
  const auto marked = network.udp(1);
  const auto plain = network.udp(2);
  constexpr std::uint32_t kSent = 200;
  for (std::uint32_t i = 0; i < kSent; ++i) {
    SmallNetwork::send(from, 1, i);
    SmallNetwork::send(from, 2, i);
  }
  std::map<std::uint32_t, int> copies;
  for (const std::uint32_t payload : SmallNetwork::receive(marked, 200)) {
    ++copies[payload];
  }
  EXPECT_EQ(copies.size(), kSent);
  for (const auto& [payload, count] : copies) {
    EXPECT_EQ(count, 2) << "datagram " << payload;
  }
  EXPECT_EQ(SmallNetwork::receive(plain, 200).size(), kSent);
  const auto marks = list_elements(*network.rules, copies_table, "seen");
  ASSERT_EQ(marks.size(), 1U);
  EXPECT_EQ(marks[0].key, word(7));
  EXPECT_EQ(marks[0].counts->packets, 2 * kSent);
}

TEST(Egress, ChainsOfOneAndOfSeveralDevicesReadAsTheyWereSent) {
  SmallNetwork network(3);
  for (const std::vector<std::string>& devices :
       {std::vector<std::string>{"s1"}, std::vector<std::string>{"s0", "s1", "s2"}}) {
    change(*network.rules, copy_marked(devices));
    const TableId table{Family::Netdev, "copies"};
    const auto chains = list_chains(*network.rules, table);
    ASSERT_EQ(chains.size(), 1U);
    EXPECT_EQ(chains[0],
              (Chain{.table = table,
                     .name = "egress",
                     .hook = Hook{.number = kNetdevEgress, .priority = 0, .devices = devices}}));
    ASSERT_EQ(list_rules(*network.rules, table, "egress").size(), 1U);
    change(*network.rules, Batch().delete_table(table));
  }
}

TEST(Corruption, ChangesOneByteOfWhatTheApplicationGets) {
  SmallNetwork network(3);
  // One bit of the payload's first byte. The link's packets carry no checksum yet (the sender
  // leaves it to the device), so nothing notices.
  change(*network.rules,
         forward_rule(1, {PayloadLoad{Header::Inner, 0, 1, kR0}, Bitwise{kR0, kR0, {0xff}, {0x80}},
                          PayloadWrite{Header::Inner, 0, 1, kR0}}));
  const auto from = network.udp(0);
  const auto changed = network.udp(1);
  const auto plain = network.udp(2);
  constexpr std::uint32_t kPayload = 0x01020304;
  SmallNetwork::send(from, 1, kPayload);
  SmallNetwork::send(from, 2, kPayload);
  std::uint32_t expected = kPayload;
  auto* bytes = reinterpret_cast<std::uint8_t*>(&expected);
  bytes[0] ^= 0x80U;
  EXPECT_EQ(SmallNetwork::receive(changed, 1000, 1), std::vector<std::uint32_t>{expected});
  EXPECT_EQ(SmallNetwork::receive(plain, 1000, 1), std::vector<std::uint32_t>{kPayload});
}

TEST(Corruption, IsNoticedOnceTheSenderFillsInChecksums) {
  SmallNetwork network(2);
  change(*network.rules,
         forward_rule(1, {PayloadLoad{Header::Inner, 0, 1, kR0}, Bitwise{kR0, kR0, {0xff}, {0x80}},
                          PayloadWrite{Header::Inner, 0, 1, kR0}}));
  const auto from = network.udp(0);
  const auto to = network.udp(1);
  const Offloads before = set_offloads(from.get(), "eth0", kNoOffloads);
  SmallNetwork::send(from, 1, 1);
  EXPECT_TRUE(SmallNetwork::receive(to, 100).empty());
  set_offloads(from.get(), "eth0", before);
  SmallNetwork::send(from, 1, 1);
  EXPECT_EQ(SmallNetwork::receive(to, 1000, 1).size(), 1U);
}

TEST(Offload, IsSetAndPutBack) {
  SmallNetwork network(2);
  const auto socket = network.udp(0);
  const Offloads all{true, true, true};
  EXPECT_EQ(read_offloads(socket.get(), "eth0"), all);
  EXPECT_EQ(set_offloads(socket.get(), "eth0", kNoOffloads), all);
  EXPECT_EQ(read_offloads(socket.get(), "eth0"), kNoOffloads);
  const Offloads some{true, false, false};
  EXPECT_EQ(set_offloads(socket.get(), "eth0", some), kNoOffloads);
  EXPECT_EQ(read_offloads(socket.get(), "eth0"), some);
  set_offloads(socket.get(), "eth0", all);
  EXPECT_EQ(read_offloads(socket.get(), "eth0"), all);
  // The other instance's interface of the same name is in another namespace.
  EXPECT_EQ(read_offloads(network.udp(1).get(), "eth0"), all);
}

TEST(Offload, SaysWhatCannotBe) {
  SmallNetwork network(1);
  const auto socket = network.udp(0);
  EXPECT_THROW(static_cast<void>(read_offloads(socket.get(), "eth7")), Error);
  EXPECT_THROW(static_cast<void>(read_offloads(socket.get(), "a-name-that-is-too-long")), Error);
  // Nothing can be cut late that nobody sums.
  try {
    set_offloads(socket.get(), "eth0", {false, true, true});
    FAIL() << "tso without checksums";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Unavailable);
    EXPECT_NE(std::string(error.what()).find("tso off"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace tinet::testing
