/// Shaping one link of a switch: the rule chooses the class by the packet's priority, HTB at the
/// port keeps the rate, the leaf queues or delays. Everything is read back as it was made.

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include <gtest/gtest.h>

#include "netns/qdisc.h"
#include "tests/kernel/small_network.h"

namespace tinet::testing {
namespace {

using namespace nft;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::uint16_t kMinor = 0x10;
// Ethernet, IPv4, UDP and a number.
constexpr std::uint64_t kFrame = 14 + 20 + 8 + 4;

// Packets from port 0 to port 1 belong to the class.
void choose_class(SmallNetwork& network) {
  const TableId table{Family::Bridge, "classes"};
  const SetSpec map{.table = table,
                    .name = "classes",
                    .key = {Datatype::IfIndex, Datatype::IfIndex},
                    .map = MapKind::Values,
                    .values = {Datatype::ClassId}};
  const Element shaped{.key = link_key(SmallNetwork::port(0), SmallNetwork::port(1)),
                       .value = KeyBuilder().u32(class_id(kMinor)).take()};
  Batch batch;
  batch.add_table({.id = table, .owner = true})
      .add_set(map)
      .add_elements(map, std::array{shaped})
      .add_chain({.table = table,
                  .name = "forward",
                  .hook = Hook{.number = kBridgeForward, .priority = 0}})
      .add_rule({.table = table,
                 .chain = "forward",
                 .expressions = {MetaLoad{MetaKey::InIndex, kR0}, MetaLoad{MetaKey::OutIndex, kR1},
                                 MapLoad{"classes", kR0, kR0}, MetaSet{MetaKey::Priority, kR0}}});
  commit(*network.rules, std::move(batch).seal());
}

template <typename Put>
void apply(SmallNetwork& network, Put put) {
  netlink::Request request;
  put(request);
  network.links->execute(request);
}

// How long `count` datagrams take from 0 to 1, and that all arrive.
milliseconds time_of(const UniqueFd& from, const UniqueFd& to, std::uint32_t count) {
  const auto start = Clock::now();
  for (std::uint32_t i = 0; i < count; ++i) {
    SmallNetwork::send(from, 1, i);
  }
  EXPECT_EQ(SmallNetwork::receive(to, 2000, count).size(), count);
  return std::chrono::duration_cast<milliseconds>(Clock::now() - start);
}

const QdiscInfo* leaf_of(const std::vector<QdiscInfo>& all, std::uint16_t minor) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const QdiscInfo& each) {
    return each.parent == class_id(minor);
  });
  return found == all.end() ? nullptr : &*found;
}

TEST(Shaping, KeepsTheRateOfTheClassAndLeavesOthersAlone) {
  SmallNetwork network(3);
  choose_class(network);
  const IfIndex port = SmallNetwork::port(1);
  constexpr std::uint64_t kRate = 500 * kFrame;
  apply(network, [&](netlink::Request& request) {
    put_htb_root(request, port);
    put_htb_class(request, {.link = port, .minor = kMinor, .rate = kRate, .burst = 2 * kFrame});
    put_pfifo_leaf(request, port, kMinor, 1000);
  });
  const auto shaped = network.udp(0);
  const auto free = network.udp(2);
  const auto to = network.udp(1);
  // 200 datagrams at 500 per second.
  const auto took = time_of(shaped, to, 200);
  EXPECT_GE(took, milliseconds(360));
  EXPECT_LE(took, milliseconds(1500));
  EXPECT_LE(time_of(free, to, 200), milliseconds(300));

  // Four times the rate, in place.
  apply(network, [&](netlink::Request& request) {
    put_htb_class(request, {.link = port, .minor = kMinor, .rate = 4 * kRate, .burst = 2 * kFrame});
  });
  const auto faster = time_of(shaped, to, 200);
  EXPECT_GE(faster, milliseconds(90));
  EXPECT_LE(faster, took * 2 / 3);

  // Without its class the link is not shaped any more.
  apply(network, [&](netlink::Request& request) { put_delete_htb_class(request, port, kMinor); });
  EXPECT_LE(time_of(shaped, to, 200), milliseconds(300));
}

TEST(Shaping, LeafHoldsAsManyPacketsAsItsLimit) {
  SmallNetwork network(2);
  choose_class(network);
  const IfIndex port = SmallNetwork::port(1);
  apply(network, [&](netlink::Request& request) {
    put_htb_root(request, port);
    put_htb_class(request, {.link = port, .minor = kMinor, .rate = 100 * kFrame, .burst = kFrame});
    put_pfifo_leaf(request, port, kMinor, 10);
  });
  const auto from = network.udp(0);
  const auto to = network.udp(1);
  constexpr std::uint32_t kSent = 100;
  for (std::uint32_t i = 0; i < kSent; ++i) {
    SmallNetwork::send(from, 1, i);
  }
  const auto arrived = SmallNetwork::receive(to, 500).size();
  EXPECT_GE(arrived, 10U);
  EXPECT_LE(arrived, 30U);
  const auto classes = list_htb_classes(*network.links, port);
  ASSERT_EQ(classes.size(), 1U);
  EXPECT_EQ(classes[0].stats.packets, arrived);
  EXPECT_EQ(classes[0].stats.bytes, arrived * kFrame);
  const auto qdiscs = list_qdiscs(*network.links, port);
  const QdiscInfo* leaf = leaf_of(qdiscs, kMinor);
  ASSERT_NE(leaf, nullptr);
  EXPECT_EQ(leaf->stats.dropped, kSent - arrived);
}

TEST(Shaping, IsReadBackAsItWasMade) {
  SmallNetwork network(2);
  const IfIndex port = SmallNetwork::port(1);
  const std::size_t before = list_qdiscs(*network.links, port).size();
  constexpr std::uint64_t kFast = 12'500'000'000;
  apply(network, [&](netlink::Request& request) {
    put_htb_root(request, port);
    put_htb_class(request, {.link = port, .minor = 1, .rate = 125'000, .quantum = 2000});
    put_htb_class(request, {.link = port, .minor = 0xfffe, .rate = kFast / 2, .ceil = kFast});
    put_pfifo_leaf(request, port, 1, 50);
  });
  auto classes = list_htb_classes(*network.links, port);
  ASSERT_EQ(classes.size(), 2U);
  std::sort(classes.begin(), classes.end(),
            [](const HtbClassInfo& a, const HtbClassInfo& b) { return a.minor < b.minor; });
  EXPECT_EQ(classes[0].minor, 1);
  EXPECT_EQ(classes[0].rate, 125'000U);
  EXPECT_EQ(classes[0].ceil, 125'000U);
  EXPECT_EQ(classes[0].quantum, 2000U);
  EXPECT_EQ(classes[1].minor, 0xfffe);
  EXPECT_EQ(classes[1].rate, kFast / 2);
  EXPECT_EQ(classes[1].ceil, kFast);
  EXPECT_TRUE(list_htb_classes(*network.links, SmallNetwork::port(0)).empty());

  const auto limit_of_leaf = [&] {
    const auto qdiscs = list_qdiscs(*network.links, port);
    const QdiscInfo* leaf = leaf_of(qdiscs, 1);
    return leaf == nullptr ? std::nullopt : leaf->limit;
  };
  EXPECT_EQ(limit_of_leaf(), 50U);
  apply(network, [&](netlink::Request& request) { put_pfifo_leaf(request, port, 1, 70); });
  EXPECT_EQ(limit_of_leaf(), 70U);
  const auto qdiscs = list_qdiscs(*network.links, port);
  const auto root = std::find_if(qdiscs.begin(), qdiscs.end(),
                                 [](const QdiscInfo& each) { return each.kind == "htb"; });
  ASSERT_NE(root, qdiscs.end());
  EXPECT_EQ(root->handle, 0x10000U);

  netlink::Request again;
  put_htb_root(again, port);
  const auto refused = network.links->try_execute(again);
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].error, EEXIST);
  netlink::Request missing;
  put_delete_htb_class(missing, port, 77);
  EXPECT_EQ(network.links->try_execute(missing).at(0).error, ENOENT);

  apply(network, [&](netlink::Request& request) { put_delete_root(request, port); });
  EXPECT_TRUE(list_htb_classes(*network.links, port).empty());
  EXPECT_EQ(list_qdiscs(*network.links, port).size(), before);
}

TEST(Netem, DelaysWhatGoesThroughItsClass) {
  SmallNetwork network(3);
  choose_class(network);
  const IfIndex port = SmallNetwork::port(1);
  apply(network, [&](netlink::Request& request) {
    put_htb_root(request, port);
    put_htb_class(request, {.link = port, .minor = kMinor, .rate = 1'000'000'000});
  });
  const NetemSpec spec{.delay = milliseconds(60), .jitter = milliseconds(5), .limit = 5000};
  netlink::Request request;
  put_netem_leaf(request, port, kMinor, spec);
  if (const auto refused = network.links->try_execute(request); !refused.empty()) {
    ASSERT_EQ(refused[0].error, ENOENT) << netlink::describe(refused[0]);
    GTEST_SKIP() << netlink::describe(refused[0]);
  }
  const auto qdiscs = list_qdiscs(*network.links, port);
  const QdiscInfo* leaf = leaf_of(qdiscs, kMinor);
  ASSERT_NE(leaf, nullptr);
  EXPECT_EQ(leaf->kind, "netem");
  EXPECT_EQ(leaf->netem, spec);
  const auto delayed = network.udp(0);
  const auto free = network.udp(2);
  const auto to = network.udp(1);
  const auto took = time_of(delayed, to, 20);
  EXPECT_GE(took, milliseconds(54));
  EXPECT_LE(took, milliseconds(500));
  EXPECT_LE(time_of(free, to, 20), milliseconds(54));
}

}  // namespace
}  // namespace tinet::testing
