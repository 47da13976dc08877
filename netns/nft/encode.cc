#include "netns/nft/encode.h"

#include <algorithm>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "netns/nft/encode_expression.h"
#include "src/base/error.h"

namespace tinet::nft {
namespace {

constexpr std::size_t kCommentMax = 127;
// nft(8) keeps comments as a type-length-value in the userdata; both rules and elements use type 0.
constexpr std::uint8_t kUserdataComment = 0;

Bytes comment_userdata(const std::string& comment) {
  const std::string text = comment.substr(0, kCommentMax);
  Bytes bytes{kUserdataComment, static_cast<std::uint8_t>(text.size() + 1)};
  bytes.insert(bytes.end(), text.begin(), text.end());
  bytes.push_back(0);
  return bytes;
}

// nft(8) packs the types of a concatenation into six bits each.
std::uint32_t concatenated(const std::vector<Datatype>& fields) {
  std::uint32_t type = 0;
  for (const Datatype field : fields) {
    type = (type << 6U) | static_cast<std::uint32_t>(field);
  }
  return type;
}

std::uint32_t data_size(const Bytes& bytes) {
  return static_cast<std::uint32_t>(bytes.size());
}

void encode_map(nftnl_set* object, const SetSpec& set, std::uint32_t& flags) {
  switch (set.map) {
    case MapKind::None:
      return;
    case MapKind::Verdicts:
      flags |= NFT_SET_MAP;
      nftnl_set_set_u32(object, NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
      nftnl_set_set_u32(object, NFTNL_SET_DATA_LEN, 0);
      return;
    case MapKind::Values:
      flags |= NFT_SET_MAP;
      nftnl_set_set_u32(object, NFTNL_SET_DATA_TYPE, concatenated(set.values));
      nftnl_set_set_u32(object, NFTNL_SET_DATA_LEN, value_size(set));
      return;
    case MapKind::Counters:
    case MapKind::Limits:
    case MapKind::Quotas:
      flags |= NFT_SET_OBJECT;
      nftnl_set_set_u32(object, NFTNL_SET_OBJ_TYPE, object_type(set.map));
      return;
  }
}

void set_devices(nftnl_chain* object, const std::vector<std::string>& devices) {
  if (devices.size() == 1) {
    nftnl_chain_set_str(object, NFTNL_CHAIN_DEV, devices.front().c_str());
  } else if (!devices.empty()) {
    std::vector<const char*> names;
    names.reserve(devices.size() + 1);
    for (const std::string& device : devices) {
      names.push_back(device.c_str());
    }
    names.push_back(nullptr);
    nftnl_chain_set_array(object, NFTNL_CHAIN_DEVICES, names.data());
  }
}

void encode_data(nftnl_set_elem* object, const SetSpec& set, const Element& element) {
  if (element.verdict) {
    nftnl_set_elem_set_u32(object, NFTNL_SET_ELEM_VERDICT,
                           static_cast<std::uint32_t>(verdict_code(element.verdict->kind)));
    if (!element.verdict->chain.empty()) {
      nftnl_set_elem_set_str(object, NFTNL_SET_ELEM_CHAIN, element.verdict->chain.c_str());
    }
  }
  if (set.map == MapKind::Values) {
    nftnl_set_elem_set(object, NFTNL_SET_ELEM_DATA, element.value.data(), data_size(element.value));
  }
  if (names_objects(set.map)) {
    nftnl_set_elem_set_str(object, NFTNL_SET_ELEM_OBJREF, element.object.c_str());
  }
  if (element.timeout) {
    nftnl_set_elem_set_u64(object, NFTNL_SET_ELEM_TIMEOUT,
                           static_cast<std::uint64_t>(element.timeout->count()));
  }
  if (!element.comment.empty()) {
    const Bytes userdata = comment_userdata(element.comment);
    nftnl_set_elem_set(object, NFTNL_SET_ELEM_USERDATA, userdata.data(), data_size(userdata));
  }
}

}  // namespace

TablePtr encode(const Table& table) {
  auto object = own<TablePtr>(nftnl_table_alloc());
  nftnl_table_set_str(object.get(), NFTNL_TABLE_NAME, table.id.name.c_str());
  nftnl_table_set_u32(object.get(), NFTNL_TABLE_FAMILY,
                      static_cast<std::uint32_t>(table.id.family));
  if (table.owner) {
    nftnl_table_set_u32(object.get(), NFTNL_TABLE_FLAGS, NFT_TABLE_F_OWNER);
  }
  return object;
}

ChainPtr encode(const Chain& chain) {
  auto object = own<ChainPtr>(nftnl_chain_alloc());
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TABLE, chain.table.name.c_str());
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_NAME, chain.name.c_str());
  if (chain.hook) {
    nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TYPE, "filter");
    nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_HOOKNUM, chain.hook->number);
    nftnl_chain_set_s32(object.get(), NFTNL_CHAIN_PRIO, chain.hook->priority);
    nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_POLICY,
                        static_cast<std::uint32_t>(chain.hook->policy));
    set_devices(object.get(), chain.hook->devices);
  }
  return object;
}

RulePtr encode(const Rule& rule) {
  auto object = own<RulePtr>(nftnl_rule_alloc());
  nftnl_rule_set_u32(object.get(), NFTNL_RULE_FAMILY,
                     static_cast<std::uint32_t>(rule.table.family));
  nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, rule.table.name.c_str());
  nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, rule.chain.c_str());
  if (rule.handle != 0) {
    nftnl_rule_set_u64(object.get(), NFTNL_RULE_HANDLE, rule.handle);
  }
  if (!rule.comment.empty()) {
    const Bytes userdata = comment_userdata(rule.comment);
    nftnl_rule_set_data(object.get(), NFTNL_RULE_USERDATA, userdata.data(), data_size(userdata));
  }
  for (const Expression& expression : rule.expressions) {
    nftnl_rule_add_expr(object.get(), encode(expression).release());
  }
  return object;
}

SetPtr encode(const SetSpec& set, std::uint32_t id) {
  auto object = own<SetPtr>(nftnl_set_alloc());
  nftnl_set_set_u32(object.get(), NFTNL_SET_FAMILY, static_cast<std::uint32_t>(set.table.family));
  nftnl_set_set_str(object.get(), NFTNL_SET_TABLE, set.table.name.c_str());
  nftnl_set_set_str(object.get(), NFTNL_SET_NAME, set.name.c_str());
  nftnl_set_set_u32(object.get(), NFTNL_SET_ID, id);
  nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_TYPE, concatenated(set.key));
  nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_LEN, key_size(set));
  std::uint32_t flags = set.timeouts ? NFT_SET_TIMEOUT : 0;
  if (set.dynamic) {
    flags |= NFT_SET_EVAL;
  }
  if (set.counters) {
    nftnl_set_add_expr(object.get(), encode_counter().release());
  }
  if (set.interval) {
    // Ranges of one field would need another encoding (pairs of elements).
    TINET_ASSERT(set.key.size() > 1);
    flags |= NFT_SET_INTERVAL | NFT_SET_CONCAT;
    Bytes fields;
    for (const Datatype field : set.key) {
      fields.push_back(static_cast<std::uint8_t>(size_of(field)));
    }
    nftnl_set_set_data(object.get(), NFTNL_SET_DESC_CONCAT, fields.data(), data_size(fields));
  }
  encode_map(object.get(), set, flags);
  if (set.size_max != 0) {
    nftnl_set_set_u32(object.get(), NFTNL_SET_DESC_SIZE, set.size_max);
  }
  nftnl_set_set_u32(object.get(), NFTNL_SET_FLAGS, flags);
  return object;
}

SetPtr encode_elements(const SetSpec& set, std::span<const Element> elements, ElementPart part) {
  auto object = own<SetPtr>(nftnl_set_alloc());
  nftnl_set_set_u32(object.get(), NFTNL_SET_FAMILY, static_cast<std::uint32_t>(set.table.family));
  nftnl_set_set_str(object.get(), NFTNL_SET_TABLE, set.table.name.c_str());
  nftnl_set_set_str(object.get(), NFTNL_SET_NAME, set.name.c_str());
  for (const Element& element : elements) {
    auto encoded = own<ElementPtr>(nftnl_set_elem_alloc());
    nftnl_set_elem_set(encoded.get(), NFTNL_SET_ELEM_KEY, element.key.data(),
                       data_size(element.key));
    if (set.interval) {
      const Bytes& end = element.key_end.empty() ? element.key : element.key_end;
      nftnl_set_elem_set(encoded.get(), NFTNL_SET_ELEM_KEY_END, end.data(), data_size(end));
    }
    if (part == ElementPart::Full) {
      encode_data(encoded.get(), set, element);
    }
    nftnl_set_elem_add(object.get(), encoded.release());
  }
  return object;
}

std::size_t encoded_size_max(const Element& element) noexcept {
  constexpr std::size_t kHeaders = 96;  // attribute headers, padding, timeout, verdict code
  const std::size_t chain = element.verdict ? element.verdict->chain.size() : 0;
  return kHeaders + element.key.size() + element.key_end.size() + element.value.size() + chain +
         element.object.size() + std::min(element.comment.size(), kCommentMax) +
         (element.key_end.empty() ? element.key.size() : 0);
}

}  // namespace tinet::nft
