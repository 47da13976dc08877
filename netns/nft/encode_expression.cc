#include "netns/nft/encode_expression.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>

#include "src/base/error.h"

namespace tinet::nft {
namespace {

// A libnftnl expression under construction.
class Builder {
 public:
  explicit Builder(const char* name) : object_(own<ExpressionPtr>(nftnl_expr_alloc(name))) {}

  Builder& u8(std::uint16_t attribute, std::uint8_t value) {
    nftnl_expr_set_u8(object_.get(), attribute, value);
    return *this;
  }
  Builder& u16(std::uint16_t attribute, std::uint16_t value) {
    nftnl_expr_set_u16(object_.get(), attribute, value);
    return *this;
  }
  Builder& u32(std::uint16_t attribute, std::uint32_t value) {
    nftnl_expr_set_u32(object_.get(), attribute, value);
    return *this;
  }
  Builder& u64(std::uint16_t attribute, std::uint64_t value) {
    nftnl_expr_set_u64(object_.get(), attribute, value);
    return *this;
  }
  Builder& reg(std::uint16_t attribute, Register slot) { return u32(attribute, encode(slot)); }
  Builder& text(std::uint16_t attribute, const std::string& value) {
    nftnl_expr_set_str(object_.get(), attribute, value.c_str());
    return *this;
  }
  Builder& data(std::uint16_t attribute, const Bytes& value) {
    nftnl_expr_set(object_.get(), attribute, value.data(),
                   static_cast<std::uint32_t>(value.size()));
    return *this;
  }
  // The expression takes over `value`, which malloc() made.
  Builder& owned(std::uint16_t attribute, void* value, std::uint32_t size) {
    nftnl_expr_set(object_.get(), attribute, value, size);
    return *this;
  }
  [[nodiscard]] ExpressionPtr take() { return std::move(object_); }

 private:
  ExpressionPtr object_;
};

template <typename Enum>
std::uint32_t number(Enum value) {
  return static_cast<std::uint32_t>(value);
}

ExpressionPtr make(const MetaLoad& e) {
  return Builder("meta")
      .u32(NFTNL_EXPR_META_KEY, number(e.key))
      .reg(NFTNL_EXPR_META_DREG, e.to)
      .take();
}

ExpressionPtr make(const MetaSet& e) {
  return Builder("meta")
      .u32(NFTNL_EXPR_META_KEY, number(e.key))
      .reg(NFTNL_EXPR_META_SREG, e.from)
      .take();
}

ExpressionPtr make(const PayloadLoad& e) {
  return Builder("payload")
      .reg(NFTNL_EXPR_PAYLOAD_DREG, e.to)
      .u32(NFTNL_EXPR_PAYLOAD_BASE, number(e.header))
      .u32(NFTNL_EXPR_PAYLOAD_OFFSET, e.offset)
      .u32(NFTNL_EXPR_PAYLOAD_LEN, e.size)
      .take();
}

ExpressionPtr make(const PayloadWrite& e) {
  return Builder("payload")
      .reg(NFTNL_EXPR_PAYLOAD_SREG, e.from)
      .u32(NFTNL_EXPR_PAYLOAD_BASE, number(e.header))
      .u32(NFTNL_EXPR_PAYLOAD_OFFSET, e.offset)
      .u32(NFTNL_EXPR_PAYLOAD_LEN, e.size)
      .u32(NFTNL_EXPR_PAYLOAD_CSUM_TYPE,
           e.checksum_offset == 0 ? NFT_PAYLOAD_CSUM_NONE : NFT_PAYLOAD_CSUM_INET)
      .u32(NFTNL_EXPR_PAYLOAD_CSUM_OFFSET, e.checksum_offset)
      .take();
}

ExpressionPtr make(const Compare& e) {
  return Builder("cmp")
      .reg(NFTNL_EXPR_CMP_SREG, e.from)
      .u32(NFTNL_EXPR_CMP_OP, number(e.op))
      .data(NFTNL_EXPR_CMP_DATA, e.value)
      .take();
}

ExpressionPtr make(const Bitwise& e) {
  return Builder("bitwise")
      .reg(NFTNL_EXPR_BITWISE_SREG, e.from)
      .reg(NFTNL_EXPR_BITWISE_DREG, e.to)
      .u32(NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL)
      .u32(NFTNL_EXPR_BITWISE_LEN, static_cast<std::uint32_t>(e.mask.size()))
      .data(NFTNL_EXPR_BITWISE_MASK, e.mask)
      .data(NFTNL_EXPR_BITWISE_XOR, e.xor_with)
      .take();
}

ExpressionPtr make(const Byteorder& e) {
  return Builder("byteorder")
      .reg(NFTNL_EXPR_BYTEORDER_SREG, e.from)
      .reg(NFTNL_EXPR_BYTEORDER_DREG, e.to)
      .u32(NFTNL_EXPR_BYTEORDER_OP, e.to_network ? NFT_BYTEORDER_HTON : NFT_BYTEORDER_NTOH)
      .u32(NFTNL_EXPR_BYTEORDER_LEN, e.length)
      .u32(NFTNL_EXPR_BYTEORDER_SIZE, e.size)
      .take();
}

ExpressionPtr make(const Numgen& e) {
  return Builder("numgen")
      .reg(NFTNL_EXPR_NG_DREG, e.to)
      .u32(NFTNL_EXPR_NG_MODULUS, e.modulus)
      .u32(NFTNL_EXPR_NG_TYPE, e.random ? NFT_NG_RANDOM : NFT_NG_INCREMENTAL)
      .take();
}

ExpressionPtr make(const Hash& e) {
  return Builder("hash")
      .u32(NFTNL_EXPR_HASH_TYPE, NFT_HASH_JENKINS)
      .reg(NFTNL_EXPR_HASH_SREG, e.from)
      .reg(NFTNL_EXPR_HASH_DREG, e.to)
      .u32(NFTNL_EXPR_HASH_LEN, e.length)
      .u32(NFTNL_EXPR_HASH_MODULUS, e.modulus)
      .u32(NFTNL_EXPR_HASH_SEED, e.seed)
      .u32(NFTNL_EXPR_HASH_OFFSET, e.offset)
      .take();
}

ExpressionPtr make(const SetMatch& e) {
  Builder builder("lookup");
  builder.reg(NFTNL_EXPR_LOOKUP_SREG, e.key).text(NFTNL_EXPR_LOOKUP_SET, e.set);
  if (e.inverted) {
    builder.u32(NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
  }
  return builder.take();
}

ExpressionPtr make(const MapLoad& e) {
  return Builder("lookup")
      .reg(NFTNL_EXPR_LOOKUP_SREG, e.key)
      .reg(NFTNL_EXPR_LOOKUP_DREG, e.to)
      .text(NFTNL_EXPR_LOOKUP_SET, e.map)
      .take();
}

ExpressionPtr make(const VerdictMap& e) {
  return Builder("lookup")
      .reg(NFTNL_EXPR_LOOKUP_SREG, e.key)
      .u32(NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT)
      .text(NFTNL_EXPR_LOOKUP_SET, e.map)
      .take();
}

ExpressionPtr make(const ObjectMap& e) {
  return Builder("objref")
      .reg(NFTNL_EXPR_OBJREF_SET_SREG, e.key)
      .text(NFTNL_EXPR_OBJREF_SET_NAME, e.map)
      .take();
}

ExpressionPtr make(const CountBy& e) {
  auto dynset = Builder("dynset")
                    .reg(NFTNL_EXPR_DYNSET_SREG_KEY, e.key)
                    .u32(NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_ADD)
                    .text(NFTNL_EXPR_DYNSET_SET_NAME, e.set)
                    .take();
  nftnl_expr_add_expr(dynset.get(), NFTNL_EXPR_DYNSET_EXPR, encode_counter().release());
  return dynset;
}

ExpressionPtr make(const Immediate& e) {
  return Builder("immediate")
      .reg(NFTNL_EXPR_IMM_DREG, e.to)
      .data(NFTNL_EXPR_IMM_DATA, e.value)
      .take();
}

ExpressionPtr make(const GiveVerdict& e) {
  Builder builder("immediate");
  builder.u32(NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT)
      .u32(NFTNL_EXPR_IMM_VERDICT, static_cast<std::uint32_t>(verdict_code(e.verdict.kind)));
  if (!e.verdict.chain.empty()) {
    builder.text(NFTNL_EXPR_IMM_CHAIN, e.verdict.chain);
  }
  return builder.take();
}

ExpressionPtr make(const CountHere& e) {
  return Builder("counter")
      .u64(NFTNL_EXPR_CTR_PACKETS, e.packets)
      .u64(NFTNL_EXPR_CTR_BYTES, e.bytes)
      .take();
}

ExpressionPtr make(const CountIn& e) {
  return Builder("objref")
      .u32(NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER)
      .text(NFTNL_EXPR_OBJREF_IMM_NAME, e.counter)
      .take();
}

ExpressionPtr make(const Limit& e) {
  return Builder("limit")
      .u64(NFTNL_EXPR_LIMIT_RATE, e.rate)
      .u64(NFTNL_EXPR_LIMIT_UNIT, e.unit_seconds)
      .u32(NFTNL_EXPR_LIMIT_BURST, e.burst)
      .u32(NFTNL_EXPR_LIMIT_TYPE, e.bytes ? NFT_LIMIT_PKT_BYTES : NFT_LIMIT_PKTS)
      .u32(NFTNL_EXPR_LIMIT_FLAGS, e.over ? NFT_LIMIT_F_INV : 0)
      .take();
}

ExpressionPtr make(const Quota& e) {
  return Builder("quota")
      .u64(NFTNL_EXPR_QUOTA_BYTES, e.bytes)
      .u64(NFTNL_EXPR_QUOTA_CONSUMED, e.consumed)
      .u32(NFTNL_EXPR_QUOTA_FLAGS, e.over ? NFT_QUOTA_F_INV : 0)
      .take();
}

ExpressionPtr make(const Reject& e) {
  return Builder("reject")
      .u32(NFTNL_EXPR_REJECT_TYPE, number(e.kind))
      .u8(NFTNL_EXPR_REJECT_CODE, e.code)
      .take();
}

ExpressionPtr make(const Duplicate& e) {
  return Builder("dup").reg(NFTNL_EXPR_DUP_SREG_DEV, e.device).take();
}

ExpressionPtr make(const Queue& e) {
  return Builder("queue")
      .u16(NFTNL_EXPR_QUEUE_NUM, e.number)
      .u16(NFTNL_EXPR_QUEUE_TOTAL, e.total)
      .u16(NFTNL_EXPR_QUEUE_FLAGS, e.bypass ? NFT_QUEUE_FLAG_BYPASS : 0)
      .take();
}

ExpressionPtr make(const CompatQueue& e) {
  constexpr std::uint32_t kRevision = 3;
  constexpr std::size_t kAlignment = alignof(std::uint64_t);
  constexpr std::size_t kSize = (sizeof(xt_NFQ_info_v3) + kAlignment - 1) / kAlignment * kAlignment;
  xt_NFQ_info_v3 info{};
  info.queuenum = e.number;
  info.queues_total = e.total;
  info.flags = e.bypass ? NFQ_FLAG_BYPASS : 0;
  Builder builder("target");
  builder.text(NFTNL_EXPR_TG_NAME, "NFQUEUE").u32(NFTNL_EXPR_TG_REV, kRevision);
  void* const copy = std::calloc(1, kSize);
  if (copy == nullptr) {
    throw std::bad_alloc();
  }
  std::memcpy(copy, &info, sizeof info);
  // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): owned() hands it over
  return builder.owned(NFTNL_EXPR_TG_INFO, copy, kSize).take();
}

ExpressionPtr make(const Unknown& e) {
  throw_operation("cannot encode expression '" + e.name + "'");
}

}  // namespace

ExpressionPtr encode(const Expression& expression) {
  return std::visit([](const auto& e) { return make(e); }, expression);
}

ExpressionPtr encode_counter() {
  return Builder("counter").take();
}

int verdict_code(Verdict::Kind kind) noexcept {
  switch (kind) {
    case Verdict::Kind::Accept:
      return NF_ACCEPT;
    case Verdict::Kind::Drop:
      return NF_DROP;
    case Verdict::Kind::Continue:
      return NFT_CONTINUE;
    case Verdict::Kind::Return:
      return NFT_RETURN;
    case Verdict::Kind::Jump:
      return NFT_JUMP;
    case Verdict::Kind::Goto:
      return NFT_GOTO;
  }
  return NF_ACCEPT;
}

std::uint32_t encode(Register slot) noexcept {
  constexpr std::uint32_t kSlotsPerRegister = NFT_REG_SIZE / NFT_REG32_SIZE;
  return slot.slot % kSlotsPerRegister == 0 ? NFT_REG_1 + slot.slot / kSlotsPerRegister
                                            : NFT_REG32_00 + slot.slot;
}

}  // namespace tinet::nft
