#include <linux/netfilter/nf_tables.h>

#include "netns/nft/encode.h"

namespace tinet::nft {
namespace {

// Names the object; an empty name stands for all of the table.
ObjectPtr named(const TableId& table, const std::string& name, std::uint32_t type) {
  auto object = own<ObjectPtr>(nftnl_obj_alloc());
  nftnl_obj_set_u32(object.get(), NFTNL_OBJ_FAMILY, static_cast<std::uint32_t>(table.family));
  nftnl_obj_set_u32(object.get(), NFTNL_OBJ_TYPE, type);
  nftnl_obj_set_str(object.get(), NFTNL_OBJ_TABLE, table.name.c_str());
  nftnl_obj_set_str(object.get(), NFTNL_OBJ_NAME, name.c_str());
  return object;
}

}  // namespace

std::uint32_t object_type(MapKind kind) noexcept {
  switch (kind) {
    case MapKind::Counters:
      return NFT_OBJECT_COUNTER;
    case MapKind::Limits:
      return NFT_OBJECT_LIMIT;
    case MapKind::Quotas:
      return NFT_OBJECT_QUOTA;
    case MapKind::None:
    case MapKind::Verdicts:
    case MapKind::Values:
      break;
  }
  return NFT_OBJECT_UNSPEC;
}

ObjectPtr encode(const Counter& counter) {
  auto object = named(counter.table, counter.name, NFT_OBJECT_COUNTER);
  nftnl_obj_set_u64(object.get(), NFTNL_OBJ_CTR_PKTS, counter.packets);
  nftnl_obj_set_u64(object.get(), NFTNL_OBJ_CTR_BYTES, counter.bytes);
  return object;
}

ObjectPtr encode(const LimitObject& named_limit) {
  const Limit& limit = named_limit.limit;
  auto object = named(named_limit.table, named_limit.name, NFT_OBJECT_LIMIT);
  nftnl_obj_set_u64(object.get(), NFTNL_OBJ_LIMIT_RATE, limit.rate);
  nftnl_obj_set_u64(object.get(), NFTNL_OBJ_LIMIT_UNIT, limit.unit_seconds);
  nftnl_obj_set_u32(object.get(), NFTNL_OBJ_LIMIT_BURST, limit.burst);
  nftnl_obj_set_u32(object.get(), NFTNL_OBJ_LIMIT_TYPE,
                    limit.bytes ? NFT_LIMIT_PKT_BYTES : NFT_LIMIT_PKTS);
  nftnl_obj_set_u32(object.get(), NFTNL_OBJ_LIMIT_FLAGS, limit.over ? NFT_LIMIT_F_INV : 0);
  return object;
}

ObjectPtr encode(const QuotaObject& quota) {
  auto object = named(quota.table, quota.name, NFT_OBJECT_QUOTA);
  nftnl_obj_set_u64(object.get(), NFTNL_OBJ_QUOTA_BYTES, quota.bytes);
  nftnl_obj_set_u64(object.get(), NFTNL_OBJ_QUOTA_CONSUMED, quota.consumed);
  nftnl_obj_set_u32(object.get(), NFTNL_OBJ_QUOTA_FLAGS, quota.over ? NFT_QUOTA_F_INV : 0);
  return object;
}

ObjectPtr encode_object_name(const TableId& table, const std::string& name, MapKind kind) {
  return named(table, name, object_type(kind));
}

}  // namespace tinet::nft
