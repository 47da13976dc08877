#include "netns/nft/batch.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "netns/netlink/dump.h"

namespace tinet::nft {
namespace {

using netlink::ByteSpan;

constexpr std::uint16_t kBatchBegin = 0x10;
constexpr std::uint16_t kBatchEnd = 0x11;
constexpr std::uint16_t kNewElements = 0x0a0c;
constexpr std::uint16_t kDeleteElements = 0x0a0e;
constexpr std::uint16_t kNewObject = 0x0a12;
constexpr std::uint16_t kDeleteObject = 0x0a14;

TableId table() {
  return {Family::Bridge, "t"};
}

SetSpec cuts() {
  return {.table = table(),
          .name = "cuts",
          .key = {Datatype::IfIndex, Datatype::IfIndex},
          .map = MapKind::Verdicts,
          .timeouts = true};
}

Element cut(std::uint32_t from, std::uint32_t to) {
  return {.key = link_key({from}, {to}), .verdict = Verdict{Verdict::Kind::Drop, {}}};
}

std::vector<std::uint16_t> types_of(const SealedBatch& batch) {
  std::vector<std::uint16_t> types;
  ByteSpan rest = batch.bytes();
  while (const auto message = netlink::next_message(rest)) {
    types.push_back(message->type);
  }
  EXPECT_TRUE(rest.empty());
  return types;
}

TEST(Batch, IsBeginMessagesEnd) {
  Batch batch;
  EXPECT_TRUE(batch.empty());
  batch.add_elements(cuts(), std::array{cut(1, 2)}).delete_elements(cuts(), std::array{cut(3, 4)});
  const auto sealed = std::move(batch).seal();
  EXPECT_EQ(types_of(sealed),
            (std::vector<std::uint16_t>{kBatchBegin, kNewElements, kDeleteElements, kBatchEnd}));
  EXPECT_EQ(sealed.size(), 2U);
  EXPECT_EQ(sealed.descriptions()[0], "add 1 element to 'bridge t cuts'");
  EXPECT_EQ(sealed.descriptions()[1], "delete 1 element of 'bridge t cuts'");
}

TEST(Batch, CarriesTheGenerationInItsBegin) {
  Batch batch;
  batch.add_table({.id = table()});
  const auto sealed = std::move(batch).seal(0x01020304);
  ByteSpan rest = sealed.bytes();
  const auto begin = netlink::next_message(rest);
  ASSERT_TRUE(begin);
  const auto generation = netlink::find_attribute(netlink::attributes_after(begin->payload, 4), 1);
  ASSERT_TRUE(generation);
  EXPECT_EQ(std::to_integer<int>((*generation)[0]), 1);
  EXPECT_EQ(std::to_integer<int>((*generation)[3]), 4);
  EXPECT_EQ(types_of(sealed).size(), 3U);
}

TEST(Batch, ReplacesByAddDeleteAdd) {
  Batch batch;
  batch.replace_elements(cuts(), std::array{cut(1, 2)}, std::array{cut(1, 2), cut(3, 4)}, "f1");
  const auto sealed = std::move(batch).seal();
  EXPECT_EQ(types_of(sealed),
            (std::vector<std::uint16_t>{kBatchBegin, kNewElements, kDeleteElements, kNewElements,
                                        kBatchEnd}));
  EXPECT_EQ(sealed.descriptions(), (std::vector<std::string>{"f1", "f1", "f1"}));
}

TEST(Batch, SplitsElementsSoThatNoAttributeOverflows) {
  std::vector<Element> elements;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    elements.push_back(cut(i, i + 1));
    elements.back().comment = std::string(100, 'c');
  }
  Batch batch;
  batch.add_elements(cuts(), elements);
  EXPECT_GT(batch.size(), 5U);
  const auto sealed = std::move(batch).seal();
  ByteSpan rest = sealed.bytes();
  std::size_t seen = 0;
  while (const auto message = netlink::next_message(rest)) {
    if (message->type != kNewElements) {
      continue;
    }
    EXPECT_LT(message->whole.size(), 65'536U);
    const auto list = netlink::find_attribute(netlink::attributes_after(message->payload, 4), 3);
    ASSERT_TRUE(list);
    netlink::for_each_attribute(*list, [&](const netlink::AttributeView&) { ++seen; });
  }
  EXPECT_EQ(seen, elements.size());
}

TEST(Batch, AddsNothingForNoElements) {
  Batch batch;
  batch.add_elements(cuts(), {}).replace_elements(cuts(), {}, {});
  EXPECT_TRUE(std::move(batch).seal().empty());
}

TEST(Batch, NamesTheObjectsItMakes) {
  Batch batch;
  batch.add_limit({table(), "slow", {.rate = 1}})
      .add_quota({table(), "some", 1000})
      .delete_limit(table(), "slow")
      .delete_quota(table(), "some", "heal f3");
  const auto sealed = std::move(batch).seal();
  EXPECT_EQ(types_of(sealed),
            (std::vector<std::uint16_t>{kBatchBegin, kNewObject, kNewObject, kDeleteObject,
                                        kDeleteObject, kBatchEnd}));
  EXPECT_EQ(sealed.descriptions(),
            (std::vector<std::string>{"add limit 'bridge t slow'", "add quota 'bridge t some'",
                                      "delete limit 'bridge t slow'", "heal f3"}));
}

TEST(Batch, CutsCommentsAtWhatTheKernelTakes) {
  Element element = cut(1, 2);
  element.comment = std::string(1000, 'c');
  Batch batch;
  batch.add_elements(cuts(), std::array{element});
  EXPECT_LT(std::move(batch).seal().size_bytes(), 600U);
}

}  // namespace
}  // namespace tinet::nft
