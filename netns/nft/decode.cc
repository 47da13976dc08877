#include "netns/nft/decode.h"

#include <algorithm>

#include <linux/netfilter/nf_tables.h>

#include <libmnl/libmnl.h>

#include "netns/nft/decode_expression.h"
#include "netns/nft/encode.h"
#include "netns/nft/handles.h"

namespace tinet::nft {
namespace {

std::string text(const char* value) {
  return value == nullptr ? std::string() : value;
}

// Inverse of the comment that encode.cc writes: type 0, length, text with NUL.
std::string read_comment(const void* userdata, std::uint32_t size) {
  const auto* bytes = static_cast<const char*>(userdata);
  for (std::uint32_t at = 0; bytes != nullptr && at + 2 <= size;) {
    const auto length = static_cast<std::uint8_t>(bytes[at + 1]);
    if (at + 2 + length > size) {
      break;
    }
    if (bytes[at] == 0 && length > 0) {
      return {bytes + at + 2, static_cast<std::size_t>(length - 1)};
    }
    at += 2U + length;
  }
  return {};
}

std::vector<Datatype> split_types(std::uint32_t type) {
  std::vector<Datatype> fields;
  for (; type != 0; type >>= 6U) {
    fields.push_back(static_cast<Datatype>(type & 0x3fU));
  }
  std::reverse(fields.begin(), fields.end());
  return fields;
}

Bytes element_bytes(nftnl_set_elem* element, std::uint16_t attribute) {
  if (!nftnl_set_elem_is_set(element, attribute)) {
    return {};
  }
  std::uint32_t size = 0;
  const auto* data =
      static_cast<const std::uint8_t*>(nftnl_set_elem_get(element, attribute, &size));
  return data == nullptr ? Bytes() : Bytes(data, data + size);
}

std::optional<Milliseconds> element_time(nftnl_set_elem* element, std::uint16_t attribute) {
  if (!nftnl_set_elem_is_set(element, attribute)) {
    return std::nullopt;
  }
  return Milliseconds(static_cast<Milliseconds::rep>(nftnl_set_elem_get_u64(element, attribute)));
}

std::vector<std::string> read_devices(const nftnl_chain* chain) {
  std::vector<std::string> devices;
  if (nftnl_chain_is_set(chain, NFTNL_CHAIN_DEV)) {
    devices.push_back(text(nftnl_chain_get_str(chain, NFTNL_CHAIN_DEV)));
  } else if (nftnl_chain_is_set(chain, NFTNL_CHAIN_DEVICES)) {
    const char* const* names = nftnl_chain_get_array(chain, NFTNL_CHAIN_DEVICES);
    for (; names != nullptr && *names != nullptr; ++names) {
      devices.emplace_back(*names);
    }
  }
  return devices;
}

std::optional<Counts> read_counts(nftnl_set_elem* element) {
  std::optional<Counts> counts;
  const auto take = [](nftnl_expr* each, void* found) {
    const Expression expression = decode(each);
    if (const auto* counter = std::get_if<CountHere>(&expression)) {
      *static_cast<std::optional<Counts>*>(found) = Counts{counter->packets, counter->bytes};
    }
    return 0;
  };
  nftnl_set_elem_expr_foreach(element, take, &counts);
  return counts;
}

bool has_counter(const nftnl_set* set) {
  bool found = false;
  const auto look = [](nftnl_expr* each, void* result) {
    const Expression expression = decode(each);
    *static_cast<bool*>(result) |= std::holds_alternative<CountHere>(expression);
    return 0;
  };
  nftnl_set_expr_foreach(set, look, &found);
  return found;
}

MapKind object_kind(std::uint32_t type) {
  for (const MapKind kind : {MapKind::Counters, MapKind::Limits, MapKind::Quotas}) {
    if (object_type(kind) == type) {
      return kind;
    }
  }
  return MapKind::None;
}

Element read_element(nftnl_set_elem* source) {
  Element element;
  element.key = element_bytes(source, NFTNL_SET_ELEM_KEY);
  element.key_end = element_bytes(source, NFTNL_SET_ELEM_KEY_END);
  if (nftnl_set_elem_is_set(source, NFTNL_SET_ELEM_VERDICT)) {
    const std::uint32_t code = nftnl_set_elem_get_u32(source, NFTNL_SET_ELEM_VERDICT);
    element.verdict = Verdict{decode_verdict(static_cast<std::int32_t>(code)),
                              nftnl_set_elem_is_set(source, NFTNL_SET_ELEM_CHAIN)
                                  ? text(nftnl_set_elem_get_str(source, NFTNL_SET_ELEM_CHAIN))
                                  : std::string()};
  } else {
    element.value = element_bytes(source, NFTNL_SET_ELEM_DATA);
  }
  if (nftnl_set_elem_is_set(source, NFTNL_SET_ELEM_OBJREF)) {
    element.object = text(nftnl_set_elem_get_str(source, NFTNL_SET_ELEM_OBJREF));
  }
  element.timeout = element_time(source, NFTNL_SET_ELEM_TIMEOUT);
  element.expires = element_time(source, NFTNL_SET_ELEM_EXPIRATION);
  element.counts = read_counts(source);
  const Bytes userdata = element_bytes(source, NFTNL_SET_ELEM_USERDATA);
  element.comment = read_comment(userdata.data(), static_cast<std::uint32_t>(userdata.size()));
  return element;
}

}  // namespace

std::optional<Table> decode_table(const netlink::MessageView& message) {
  const auto object = own<TablePtr>(nftnl_table_alloc());
  if (nftnl_table_nlmsg_parse(aligned_header(message), object.get()) < 0) {
    return std::nullopt;
  }
  Table table;
  table.id.family = static_cast<Family>(nftnl_table_get_u32(object.get(), NFTNL_TABLE_FAMILY));
  table.id.name = text(nftnl_table_get_str(object.get(), NFTNL_TABLE_NAME));
  table.owner = nftnl_table_is_set(object.get(), NFTNL_TABLE_FLAGS) &&
                (nftnl_table_get_u32(object.get(), NFTNL_TABLE_FLAGS) & NFT_TABLE_F_OWNER) != 0;
  if (nftnl_table_is_set(object.get(), NFTNL_TABLE_OWNER)) {
    table.owner_port = nftnl_table_get_u32(object.get(), NFTNL_TABLE_OWNER);
  }
  return table;
}

std::optional<Chain> decode_chain(const netlink::MessageView& message) {
  const auto object = own<ChainPtr>(nftnl_chain_alloc());
  if (nftnl_chain_nlmsg_parse(aligned_header(message), object.get()) < 0) {
    return std::nullopt;
  }
  const nftnl_chain* source = object.get();
  Chain chain;
  chain.table.family = static_cast<Family>(nftnl_chain_get_u32(source, NFTNL_CHAIN_FAMILY));
  chain.table.name = text(nftnl_chain_get_str(source, NFTNL_CHAIN_TABLE));
  chain.name = text(nftnl_chain_get_str(source, NFTNL_CHAIN_NAME));
  if (nftnl_chain_is_set(source, NFTNL_CHAIN_HOOKNUM)) {
    Hook hook;
    hook.number = nftnl_chain_get_u32(source, NFTNL_CHAIN_HOOKNUM);
    hook.priority = nftnl_chain_get_s32(source, NFTNL_CHAIN_PRIO);
    hook.policy = static_cast<Policy>(nftnl_chain_get_u32(source, NFTNL_CHAIN_POLICY));
    hook.devices = read_devices(source);
    chain.hook = hook;
  }
  return chain;
}

std::optional<Rule> decode_rule(const netlink::MessageView& message) {
  const auto object = own<RulePtr>(nftnl_rule_alloc());
  if (nftnl_rule_nlmsg_parse(aligned_header(message), object.get()) < 0) {
    return std::nullopt;
  }
  Rule rule;
  rule.table.family = static_cast<Family>(nftnl_rule_get_u32(object.get(), NFTNL_RULE_FAMILY));
  rule.table.name = text(nftnl_rule_get_str(object.get(), NFTNL_RULE_TABLE));
  rule.chain = text(nftnl_rule_get_str(object.get(), NFTNL_RULE_CHAIN));
  rule.handle = nftnl_rule_get_u64(object.get(), NFTNL_RULE_HANDLE);
  if (nftnl_rule_is_set(object.get(), NFTNL_RULE_USERDATA)) {
    std::uint32_t size = 0;
    const void* userdata = nftnl_rule_get_data(object.get(), NFTNL_RULE_USERDATA, &size);
    rule.comment = read_comment(userdata, size);
  }
  const auto iterator = own<ExpressionIterPtr>(nftnl_expr_iter_create(object.get()));
  while (const nftnl_expr* expression = nftnl_expr_iter_next(iterator.get())) {
    rule.expressions.push_back(decode(expression));
  }
  return rule;
}

std::optional<SetSpec> decode_set(const netlink::MessageView& message) {
  const auto object = own<SetPtr>(nftnl_set_alloc());
  if (nftnl_set_nlmsg_parse(aligned_header(message), object.get()) < 0) {
    return std::nullopt;
  }
  const nftnl_set* source = object.get();
  const std::uint32_t flags =
      nftnl_set_is_set(source, NFTNL_SET_FLAGS) ? nftnl_set_get_u32(source, NFTNL_SET_FLAGS) : 0;
  SetSpec set;
  set.table.family = static_cast<Family>(nftnl_set_get_u32(source, NFTNL_SET_FAMILY));
  set.table.name = text(nftnl_set_get_str(source, NFTNL_SET_TABLE));
  set.name = text(nftnl_set_get_str(source, NFTNL_SET_NAME));
  set.key = split_types(nftnl_set_get_u32(source, NFTNL_SET_KEY_TYPE));
  set.timeouts = (flags & NFT_SET_TIMEOUT) != 0;
  set.interval = (flags & NFT_SET_INTERVAL) != 0;
  if (nftnl_set_is_set(source, NFTNL_SET_DESC_SIZE)) {
    set.size_max = nftnl_set_get_u32(source, NFTNL_SET_DESC_SIZE);
  }
  set.dynamic = (flags & NFT_SET_EVAL) != 0;
  set.counters = has_counter(source);
  if ((flags & NFT_SET_OBJECT) != 0) {
    set.map = object_kind(nftnl_set_get_u32(source, NFTNL_SET_OBJ_TYPE));
  } else if ((flags & NFT_SET_MAP) != 0) {
    const std::uint32_t type = nftnl_set_get_u32(source, NFTNL_SET_DATA_TYPE);
    set.map = type == NFT_DATA_VERDICT ? MapKind::Verdicts : MapKind::Values;
    if (set.map == MapKind::Values) {
      set.values = split_types(type);
    }
  }
  return set;
}

void decode_elements(const netlink::MessageView& message, std::vector<Element>& elements) {
  const auto object = own<SetPtr>(nftnl_set_alloc());
  if (nftnl_set_elems_nlmsg_parse(aligned_header(message), object.get()) < 0) {
    return;
  }
  const auto iterator = own<ElementIterPtr>(nftnl_set_elems_iter_create(object.get()));
  while (nftnl_set_elem* element = nftnl_set_elems_iter_next(iterator.get())) {
    elements.push_back(read_element(element));
  }
}

}  // namespace tinet::nft
