#include "netns/nft/decode_expression.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>

#include "netns/nft/handles.h"

namespace tinet::nft {
namespace {

using Source = const nftnl_expr*;

std::uint32_t u32(Source e, std::uint16_t attribute) {
  return nftnl_expr_get_u32(e, attribute);
}

bool has(Source e, std::uint16_t attribute) {
  return nftnl_expr_is_set(e, attribute);
}

std::string text(Source e, std::uint16_t attribute) {
  const char* value = has(e, attribute) ? nftnl_expr_get_str(e, attribute) : nullptr;
  return value == nullptr ? std::string() : std::string(value);
}

Bytes data(Source e, std::uint16_t attribute) {
  std::uint32_t size = 0;
  const auto* value = static_cast<const std::uint8_t*>(nftnl_expr_get(e, attribute, &size));
  return value == nullptr ? Bytes() : Bytes(value, value + size);
}

Register reg(Source e, std::uint16_t attribute) {
  constexpr std::uint32_t kSlotsPerRegister = NFT_REG_SIZE / NFT_REG32_SIZE;
  const std::uint32_t value = u32(e, attribute);
  return {static_cast<std::uint8_t>(
      value >= NFT_REG32_00 ? value - NFT_REG32_00 : (value - NFT_REG_1) * kSlotsPerRegister)};
}

Expression read_meta(Source e) {
  const auto key = static_cast<MetaKey>(u32(e, NFTNL_EXPR_META_KEY));
  if (has(e, NFTNL_EXPR_META_SREG)) {
    return MetaSet{key, reg(e, NFTNL_EXPR_META_SREG)};
  }
  return MetaLoad{key, reg(e, NFTNL_EXPR_META_DREG)};
}

Expression read_payload(Source e) {
  const auto header = static_cast<Header>(u32(e, NFTNL_EXPR_PAYLOAD_BASE));
  const std::uint32_t offset = u32(e, NFTNL_EXPR_PAYLOAD_OFFSET);
  const std::uint32_t size = u32(e, NFTNL_EXPR_PAYLOAD_LEN);
  if (has(e, NFTNL_EXPR_PAYLOAD_SREG)) {
    const bool sums = u32(e, NFTNL_EXPR_PAYLOAD_CSUM_TYPE) == NFT_PAYLOAD_CSUM_INET;
    return PayloadWrite{header, offset, size, reg(e, NFTNL_EXPR_PAYLOAD_SREG),
                        sums ? u32(e, NFTNL_EXPR_PAYLOAD_CSUM_OFFSET) : 0};
  }
  return PayloadLoad{header, offset, size, reg(e, NFTNL_EXPR_PAYLOAD_DREG)};
}

Expression read_compare(Source e) {
  return Compare{static_cast<CompareOp>(u32(e, NFTNL_EXPR_CMP_OP)), reg(e, NFTNL_EXPR_CMP_SREG),
                 data(e, NFTNL_EXPR_CMP_DATA)};
}

Expression read_bitwise(Source e) {
  return Bitwise{reg(e, NFTNL_EXPR_BITWISE_SREG), reg(e, NFTNL_EXPR_BITWISE_DREG),
                 data(e, NFTNL_EXPR_BITWISE_MASK), data(e, NFTNL_EXPR_BITWISE_XOR)};
}

Expression read_byteorder(Source e) {
  return Byteorder{reg(e, NFTNL_EXPR_BYTEORDER_SREG), reg(e, NFTNL_EXPR_BYTEORDER_DREG),
                   u32(e, NFTNL_EXPR_BYTEORDER_OP) == NFT_BYTEORDER_HTON,
                   u32(e, NFTNL_EXPR_BYTEORDER_LEN), u32(e, NFTNL_EXPR_BYTEORDER_SIZE)};
}

Expression read_numgen(Source e) {
  return Numgen{reg(e, NFTNL_EXPR_NG_DREG), u32(e, NFTNL_EXPR_NG_MODULUS),
                u32(e, NFTNL_EXPR_NG_TYPE) == NFT_NG_RANDOM};
}

Expression read_lookup(Source e) {
  const std::string set = text(e, NFTNL_EXPR_LOOKUP_SET);
  const Register key = reg(e, NFTNL_EXPR_LOOKUP_SREG);
  if (!has(e, NFTNL_EXPR_LOOKUP_DREG)) {
    const bool inverted = has(e, NFTNL_EXPR_LOOKUP_FLAGS) &&
                          (u32(e, NFTNL_EXPR_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV) != 0;
    return SetMatch{set, key, inverted};
  }
  if (u32(e, NFTNL_EXPR_LOOKUP_DREG) == NFT_REG_VERDICT) {
    return VerdictMap{set, key};
  }
  return MapLoad{set, key, reg(e, NFTNL_EXPR_LOOKUP_DREG)};
}

Expression read_objref(Source e) {
  if (has(e, NFTNL_EXPR_OBJREF_SET_NAME)) {
    return ObjectMap{text(e, NFTNL_EXPR_OBJREF_SET_NAME), reg(e, NFTNL_EXPR_OBJREF_SET_SREG)};
  }
  return CountIn{text(e, NFTNL_EXPR_OBJREF_IMM_NAME)};
}

Expression read_hash(Source e) {
  if (u32(e, NFTNL_EXPR_HASH_TYPE) != NFT_HASH_JENKINS) {
    return Unknown{"hash of another type"};
  }
  return Hash{reg(e, NFTNL_EXPR_HASH_SREG),
              u32(e, NFTNL_EXPR_HASH_LEN),
              reg(e, NFTNL_EXPR_HASH_DREG),
              u32(e, NFTNL_EXPR_HASH_MODULUS),
              u32(e, NFTNL_EXPR_HASH_SEED),
              has(e, NFTNL_EXPR_HASH_OFFSET) ? u32(e, NFTNL_EXPR_HASH_OFFSET) : 0};
}

// CountBy is the only thing that this module does with a dynamic set. The kernel leaves out the
// expression when the set declares the same one.
Expression read_dynset(Source e) {
  std::vector<std::string> inner;
  const auto note = [](nftnl_expr* each, void* names) {
    static_cast<std::vector<std::string>*>(names)->push_back(text(each, NFTNL_EXPR_NAME));
    return 0;
  };
  nftnl_expr_expr_foreach(e, note, &inner);
  const bool counts = inner.empty() || inner == std::vector<std::string>{"counter"};
  if (u32(e, NFTNL_EXPR_DYNSET_OP) != NFT_DYNSET_OP_ADD || !counts) {
    return Unknown{"dynset " + text(e, NFTNL_EXPR_DYNSET_SET_NAME)};
  }
  return CountBy{text(e, NFTNL_EXPR_DYNSET_SET_NAME), reg(e, NFTNL_EXPR_DYNSET_SREG_KEY)};
}

Expression read_immediate(Source e) {
  if (u32(e, NFTNL_EXPR_IMM_DREG) == NFT_REG_VERDICT) {
    const auto code = static_cast<std::int32_t>(u32(e, NFTNL_EXPR_IMM_VERDICT));
    return GiveVerdict{{decode_verdict(code), text(e, NFTNL_EXPR_IMM_CHAIN)}};
  }
  return Immediate{reg(e, NFTNL_EXPR_IMM_DREG), data(e, NFTNL_EXPR_IMM_DATA)};
}

Expression read_counter(Source e) {
  return CountHere{nftnl_expr_get_u64(e, NFTNL_EXPR_CTR_PACKETS),
                   nftnl_expr_get_u64(e, NFTNL_EXPR_CTR_BYTES)};
}

Expression read_limit(Source e) {
  return Limit{nftnl_expr_get_u64(e, NFTNL_EXPR_LIMIT_RATE),
               nftnl_expr_get_u64(e, NFTNL_EXPR_LIMIT_UNIT), u32(e, NFTNL_EXPR_LIMIT_BURST),
               u32(e, NFTNL_EXPR_LIMIT_TYPE) == NFT_LIMIT_PKT_BYTES,
               (u32(e, NFTNL_EXPR_LIMIT_FLAGS) & NFT_LIMIT_F_INV) != 0};
}

Expression read_quota(Source e) {
  return Quota{nftnl_expr_get_u64(e, NFTNL_EXPR_QUOTA_BYTES),
               nftnl_expr_get_u64(e, NFTNL_EXPR_QUOTA_CONSUMED),
               (u32(e, NFTNL_EXPR_QUOTA_FLAGS) & NFT_QUOTA_F_INV) != 0};
}

Expression read_reject(Source e) {
  return Reject{static_cast<Reject::Kind>(u32(e, NFTNL_EXPR_REJECT_TYPE)),
                nftnl_expr_get_u8(e, NFTNL_EXPR_REJECT_CODE)};
}

Expression read_duplicate(Source e) {
  return Duplicate{reg(e, NFTNL_EXPR_DUP_SREG_DEV)};
}

Expression read_queue(Source e) {
  return Queue{nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_NUM),
               nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_TOTAL),
               (nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_FLAGS) & NFT_QUEUE_FLAG_BYPASS) != 0};
}

Expression read_target(Source e) {
  const std::string name = text(e, NFTNL_EXPR_TG_NAME);
  std::uint32_t size = 0;
  const void* bytes = nftnl_expr_get(e, NFTNL_EXPR_TG_INFO, &size);
  xt_NFQ_info_v3 info{};
  if (name != "NFQUEUE" || bytes == nullptr || size < sizeof info) {
    return Unknown{"target " + name};
  }
  std::memcpy(&info, bytes, sizeof info);
  return CompatQueue{info.queuenum, info.queues_total, (info.flags & NFQ_FLAG_BYPASS) != 0};
}

struct Reader {
  std::string_view name;
  Expression (*read)(Source);
};

constexpr std::array kReaders{
    Reader{"meta", read_meta},           Reader{"payload", read_payload},
    Reader{"cmp", read_compare},         Reader{"bitwise", read_bitwise},
    Reader{"byteorder", read_byteorder}, Reader{"numgen", read_numgen},
    Reader{"lookup", read_lookup},       Reader{"objref", read_objref},
    Reader{"immediate", read_immediate}, Reader{"counter", read_counter},
    Reader{"limit", read_limit},         Reader{"quota", read_quota},
    Reader{"reject", read_reject},       Reader{"dup", read_duplicate},
    Reader{"hash", read_hash},           Reader{"dynset", read_dynset},
    Reader{"queue", read_queue},         Reader{"target", read_target},
};

}  // namespace

Expression decode(const nftnl_expr* expression) {
  const std::string name = text(expression, NFTNL_EXPR_NAME);
  const auto* const reader = std::find_if(kReaders.begin(), kReaders.end(),
                                          [&](const Reader& r) { return r.name == name; });
  return reader == kReaders.end() ? Expression(Unknown{name}) : reader->read(expression);
}

Verdict::Kind decode_verdict(std::int32_t code) noexcept {
  switch (code) {
    case NF_DROP:
      return Verdict::Kind::Drop;
    case NFT_CONTINUE:
      return Verdict::Kind::Continue;
    case NFT_RETURN:
      return Verdict::Kind::Return;
    case NFT_JUMP:
      return Verdict::Kind::Jump;
    case NFT_GOTO:
      return Verdict::Kind::Goto;
    default:
      return Verdict::Kind::Accept;
  }
}

}  // namespace tinet::nft
