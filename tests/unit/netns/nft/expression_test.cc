#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "netns/nft/decode_expression.h"
#include "netns/nft/encode_expression.h"
#include "src/base/error.h"

namespace tinet::nft {
namespace {

TEST(Expression, OfLibnftnlReadsAsItWasWritten) {
  const std::vector<Expression> expressions{
      MetaLoad{MetaKey::Mark, kR2},
      MetaSet{MetaKey::Priority, kR0},
      PayloadLoad{Header::Inner, 0, 1, kR0},
      PayloadWrite{Header::Link, 6, 6, kR0},
      PayloadWrite{Header::Transport, 8, 1, kR0, 2},
      Compare{CompareOp::Less, kR1, {0, 0, 0, 9}},
      Bitwise{kR0, kR4, {0xff, 0xff}, {1, 0}},
      Byteorder{kR0, kR0, false, 8, 4},
      Numgen{kR0, 100, false},
      Hash{.from = kR3, .length = 12, .to = kR0, .modulus = 64, .seed = 9, .offset = 3},
      SetMatch{"s", kR0, true},
      MapLoad{"m", kR0, kR4},
      VerdictMap{"v", kR0},
      ObjectMap{"o", kR0},
      CountBy{"tallies", kR4},
      Immediate{kR0, {1, 2, 3, 4}},
      GiveVerdict{{Verdict::Kind::Jump, "side"}},
      CountIn{"c"},
      Limit{10, 60, 5, true, true},
      Quota{1000, 0, true},
      Reject{Reject::Kind::IcmpxUnreachable, 1},
      Duplicate{kR1},
      Queue{7, 2, true},
      CompatQueue{7, 2, true}};
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    EXPECT_EQ(decode(encode(expressions[i]).get()), expressions[i]) << "expression " << i;
  }
}

TEST(Expression, ThatIsNotKnownCannotBeWritten) {
  EXPECT_THROW(static_cast<void>(encode(Expression(Unknown{"xfrm"}))), Error);
}

TEST(Expression, OnDynamicSetsOtherThanACountIsNotKnown) {
  const auto other = own<ExpressionPtr>(nftnl_expr_alloc("dynset"));
  nftnl_expr_set_str(other.get(), NFTNL_EXPR_DYNSET_SET_NAME, "s");
  nftnl_expr_set_u32(other.get(), NFTNL_EXPR_DYNSET_OP, 2);
  EXPECT_EQ(decode(other.get()), Expression(Unknown{"dynset s"}));
}

}  // namespace
}  // namespace tinet::nft
