#include "netns/nft/types.h"

#include <string>

#include <gtest/gtest.h>

#include "netns/nft/encode_expression.h"
#include "netns/nft/rule.h"

namespace tinet::nft {
namespace {

TEST(KeyBuilder, PadsFieldsOfAConcatenationOnly) {
  EXPECT_EQ(KeyBuilder().mac({{1, 2, 3, 4, 5, 6}}).take(), (Bytes{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(KeyBuilder().ipv4(0xc6120001).port(8000).take(),
            (Bytes{0xc6, 0x12, 0, 1, 0x1f, 0x40, 0, 0}));
  EXPECT_EQ(KeyBuilder().u8(6).u8(17).take(), (Bytes{6, 0, 0, 0, 17, 0, 0, 0}));
}

TEST(KeyBuilder, PadsNamesToTheirFixedSize) {
  const Bytes key = KeyBuilder().name("s1").name("eth0").take();
  ASSERT_EQ(key.size(), 32U);
  EXPECT_EQ(key[0], 's');
  EXPECT_EQ(key[2], 0);
  EXPECT_EQ(key[16], 'e');
}

TEST(SetSpec, KnowsTheSizesOfKeysAndValues) {
  SetSpec set;
  set.key = {Datatype::IfIndex, Datatype::IfIndex};
  set.values = {Datatype::EtherAddress};
  EXPECT_EQ(key_size(set), 8U);
  EXPECT_EQ(value_size(set), 6U);
  set.key = {Datatype::Ipv4Address, Datatype::InetService};
  EXPECT_EQ(key_size(set), 8U);
  set.key = {Datatype::InetService};
  EXPECT_EQ(key_size(set), 2U);
}

TEST(Element, IsTheSameWhateverIsLeftOfItsTimeAndWasCounted) {
  Element a{.key = {1}, .timeout = Milliseconds(10), .expires = Milliseconds(5)};
  Element b{.key = {1}, .timeout = Milliseconds(10)};
  EXPECT_TRUE(same_element(a, b));
  b.counts = Counts{3, 100};
  EXPECT_TRUE(same_element(a, b));
  b.timeout = Milliseconds(11);
  EXPECT_FALSE(same_element(a, b));
}

TEST(Register, IsA16ByteRegisterWhereOneBegins) {
  EXPECT_EQ(encode(Register{0}), 1U);
  EXPECT_EQ(encode(Register{1}), 9U);
  EXPECT_EQ(encode(Register{2}), 10U);
  EXPECT_EQ(encode(Register{4}), 2U);
  EXPECT_EQ(encode(Register{15}), 23U);
}

TEST(ToString, ReadsLikeNft) {
  EXPECT_EQ(to_string(TableId{Family::Inet, "t"}), "inet t");
  EXPECT_EQ(to_string(Verdict{Verdict::Kind::Jump, "loss_10"}), "jump loss_10");
  EXPECT_EQ(to_string(Verdict{Verdict::Kind::Drop, {}}), "drop");
}

}  // namespace
}  // namespace tinet::nft
