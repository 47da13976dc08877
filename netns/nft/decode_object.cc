#include <linux/netfilter/nf_tables.h>

#include <libmnl/libmnl.h>

#include "netns/nft/decode.h"
#include "netns/nft/handles.h"

namespace tinet::nft {
namespace {

std::string text(const char* value) {
  return value == nullptr ? std::string() : value;
}

// nullptr unless the message carries an object of that type.
ObjectPtr parse(const netlink::MessageView& message, std::uint32_t type) {
  auto object = own<ObjectPtr>(nftnl_obj_alloc());
  if (nftnl_obj_nlmsg_parse(aligned_header(message), object.get()) < 0 ||
      nftnl_obj_get_u32(object.get(), NFTNL_OBJ_TYPE) != type) {
    return nullptr;
  }
  return object;
}

template <typename Object>
Object begin(nftnl_obj* source) {
  Object object;
  object.table.family = static_cast<Family>(nftnl_obj_get_u32(source, NFTNL_OBJ_FAMILY));
  object.table.name = text(nftnl_obj_get_str(source, NFTNL_OBJ_TABLE));
  object.name = text(nftnl_obj_get_str(source, NFTNL_OBJ_NAME));
  return object;
}

}  // namespace

std::optional<Counter> decode_counter(const netlink::MessageView& message) {
  const auto source = parse(message, NFT_OBJECT_COUNTER);
  if (!source) {
    return std::nullopt;
  }
  auto counter = begin<Counter>(source.get());
  counter.packets = nftnl_obj_get_u64(source.get(), NFTNL_OBJ_CTR_PKTS);
  counter.bytes = nftnl_obj_get_u64(source.get(), NFTNL_OBJ_CTR_BYTES);
  return counter;
}

std::optional<LimitObject> decode_limit(const netlink::MessageView& message) {
  const auto source = parse(message, NFT_OBJECT_LIMIT);
  if (!source) {
    return std::nullopt;
  }
  auto limit = begin<LimitObject>(source.get());
  const auto u32 = [&](std::uint16_t attribute) {
    return nftnl_obj_get_u32(source.get(), attribute);
  };
  limit.limit = {.rate = nftnl_obj_get_u64(source.get(), NFTNL_OBJ_LIMIT_RATE),
                 .unit_seconds = nftnl_obj_get_u64(source.get(), NFTNL_OBJ_LIMIT_UNIT),
                 .burst = u32(NFTNL_OBJ_LIMIT_BURST),
                 .bytes = u32(NFTNL_OBJ_LIMIT_TYPE) == NFT_LIMIT_PKT_BYTES,
                 .over = (u32(NFTNL_OBJ_LIMIT_FLAGS) & NFT_LIMIT_F_INV) != 0};
  return limit;
}

std::optional<QuotaObject> decode_quota(const netlink::MessageView& message) {
  const auto source = parse(message, NFT_OBJECT_QUOTA);
  if (!source) {
    return std::nullopt;
  }
  auto quota = begin<QuotaObject>(source.get());
  quota.bytes = nftnl_obj_get_u64(source.get(), NFTNL_OBJ_QUOTA_BYTES);
  quota.consumed = nftnl_obj_get_u64(source.get(), NFTNL_OBJ_QUOTA_CONSUMED);
  quota.over = (nftnl_obj_get_u32(source.get(), NFTNL_OBJ_QUOTA_FLAGS) & NFT_QUOTA_F_INV) != 0;
  return quota;
}

}  // namespace tinet::nft
