#include "netns/nft/batch.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <libmnl/libmnl.h>

#include "netns/nft/encode.h"
#include "src/base/error.h"

namespace tinet::nft {
namespace {

// Headers, names (at most 255 bytes each, twice) and fixed attributes of any message.
constexpr std::size_t kRoom = 1024;
// An expression: at most two data values of 64 bytes, two names of 255 bytes, headers.
constexpr std::size_t kExpressionRoom = 768;
// The name of a device, 16 bytes, and its header.
constexpr std::size_t kDeviceRoom = 20;
// A nested attribute's length has 16 bits, and all elements of a message are in one.
constexpr std::size_t kElementsRoom = 60'000;

std::string or_default(std::string what, std::string generated) {
  return what.empty() ? std::move(generated) : std::move(what);
}

std::string quoted(const TableId& table, const std::string& name) {
  return "'" + to_string(table) + " " + name + "'";
}

std::string element_count(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " element" : " elements");
}

}  // namespace

Batch::Batch() {
  char* const at = reserve(kRoom);
  used_ += NLMSG_ALIGN(nftnl_batch_begin(at, 0)->nlmsg_len);
}

char* Batch::reserve(std::size_t room) {
  if (bytes_.size() < used_ + room) {
    bytes_.resize(std::max(used_ + room, bytes_.size() * 2));
  }
  // libnftnl takes characters; they may alias anything.
  return reinterpret_cast<char*>(bytes_.data() + used_);
}

template <typename Fill>
Batch& Batch::message(std::uint16_t type, std::uint16_t flags, Family family, std::size_t room,
                      std::string what, Fill&& fill) {
  nlmsghdr* const header =
      nftnl_nlmsg_build_hdr(reserve(room), type, static_cast<std::uint16_t>(family), flags, 0);
  fill(header);
  TINET_ASSERT(header->nlmsg_len <= room);
  used_ += NLMSG_ALIGN(header->nlmsg_len);
  what_.push_back(std::move(what));
  return *this;
}

Batch& Batch::add_table(const Table& table, std::string what) {
  return message(
      NFT_MSG_NEWTABLE, NLM_F_CREATE, table.id.family, kRoom,
      or_default(std::move(what), "add table '" + to_string(table.id) + "'"),
      [&](nlmsghdr* header) { nftnl_table_nlmsg_build_payload(header, encode(table).get()); });
}

Batch& Batch::delete_table(const TableId& table, std::string what) {
  return message(NFT_MSG_DELTABLE, 0, table.family, kRoom,
                 or_default(std::move(what), "delete table '" + to_string(table) + "'"),
                 [&](nlmsghdr* header) {
                   nftnl_table_nlmsg_build_payload(header, encode(Table{table, false, 0}).get());
                 });
}

Batch& Batch::add_chain(const Chain& chain, std::string what) {
  const std::size_t devices = chain.hook ? chain.hook->devices.size() : 0;
  return message(
      NFT_MSG_NEWCHAIN, NLM_F_CREATE, chain.table.family, kRoom + kDeviceRoom * devices,
      or_default(std::move(what), "add chain " + quoted(chain.table, chain.name)),
      [&](nlmsghdr* header) { nftnl_chain_nlmsg_build_payload(header, encode(chain).get()); });
}

Batch& Batch::delete_chain(const TableId& table, const std::string& chain, std::string what) {
  return message(
      NFT_MSG_DELCHAIN, 0, table.family, kRoom,
      or_default(std::move(what), "delete chain " + quoted(table, chain)), [&](nlmsghdr* header) {
        nftnl_chain_nlmsg_build_payload(header, encode(Chain{table, chain, std::nullopt}).get());
      });
}

Batch& Batch::flush_chain(const TableId& table, const std::string& chain, std::string what) {
  return message(
      NFT_MSG_DELRULE, 0, table.family, kRoom,
      or_default(std::move(what), "flush chain " + quoted(table, chain)), [&](nlmsghdr* header) {
        nftnl_rule_nlmsg_build_payload(header, encode(Rule{table, chain, {}, {}, 0}).get());
      });
}

Batch& Batch::add_rule(const Rule& rule, std::string what) {
  Rule sent = rule;
  sent.handle = 0;  // the kernel gives it
  return message(
      NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, rule.table.family,
      kRoom + kExpressionRoom * rule.expressions.size(),
      or_default(std::move(what), "add a rule to " + quoted(rule.table, rule.chain)),
      [&](nlmsghdr* header) { nftnl_rule_nlmsg_build_payload(header, encode(sent).get()); });
}

Batch& Batch::add_set(const SetSpec& set, std::string what) {
  const char* kind = set.map == MapKind::None ? "add set " : "add map ";
  return message(NFT_MSG_NEWSET, NLM_F_CREATE, set.table.family, kRoom,
                 or_default(std::move(what), kind + quoted(set.table, set.name)),
                 [&](nlmsghdr* header) {
                   nftnl_set_nlmsg_build_payload(header, encode(set, next_set_id_++).get());
                 });
}

Batch& Batch::delete_set(const TableId& table, const std::string& set, std::string what) {
  const SetSpec named{.table = table, .name = set};
  return message(
      NFT_MSG_DELSET, 0, table.family, kRoom,
      or_default(std::move(what), "delete set " + quoted(table, set)), [&](nlmsghdr* header) {
        nftnl_set_nlmsg_build_payload(header, encode_elements(named, {}, ElementPart::Keys).get());
      });
}

Batch& Batch::elements(std::uint16_t type, std::uint16_t flags, const SetSpec& set,
                       std::span<const Element> elements, const std::string& what) {
  const ElementPart part = type == NFT_MSG_NEWSETELEM ? ElementPart::Full : ElementPart::Keys;
  while (!elements.empty()) {
    std::size_t count = 0;
    std::size_t room = 0;
    while (count < elements.size()) {
      const std::size_t more = encoded_size_max(elements[count]);
      if (room + more > kElementsRoom && count > 0) {
        break;
      }
      room += more;
      ++count;
    }
    const SetPtr chunk = encode_elements(set, elements.first(count), part);
    const char* verb = part == ElementPart::Full ? "add " : "delete ";
    const char* link = part == ElementPart::Full ? " to " : " of ";
    message(type, flags, set.table.family, kRoom + room,
            or_default(what, verb + element_count(count) + link + quoted(set.table, set.name)),
            [&](nlmsghdr* header) { nftnl_set_elems_nlmsg_build_payload(header, chunk.get()); });
    elements = elements.subspan(count);
  }
  return *this;
}

Batch& Batch::add_elements(const SetSpec& set, std::span<const Element> added, std::string what) {
  return elements(NFT_MSG_NEWSETELEM, NLM_F_CREATE, set, added, what);
}

Batch& Batch::delete_elements(const SetSpec& set, std::span<const Element> deleted,
                              std::string what) {
  return elements(NFT_MSG_DELSETELEM, 0, set, deleted, what);
}

Batch& Batch::replace_elements(const SetSpec& set, std::span<const Element> before,
                               std::span<const Element> after, std::string what) {
  add_elements(set, before, what);
  delete_elements(set, before, what);
  return add_elements(set, after, std::move(what));
}

Batch& Batch::flush_set(const TableId& table, const std::string& set, std::string what) {
  const SetSpec named{.table = table, .name = set};
  return message(
      NFT_MSG_DELSETELEM, 0, table.family, kRoom,
      or_default(std::move(what), "flush set " + quoted(table, set)), [&](nlmsghdr* header) {
        nftnl_set_nlmsg_build_payload(header, encode_elements(named, {}, ElementPart::Keys).get());
      });
}

template <typename Object>
Batch& Batch::put_object(const Object& object, const char* kind, std::string what) {
  return message(
      NFT_MSG_NEWOBJ, NLM_F_CREATE, object.table.family, kRoom,
      or_default(std::move(what), std::string("add ") + kind + quoted(object.table, object.name)),
      [&](nlmsghdr* header) { nftnl_obj_nlmsg_build_payload(header, encode(object).get()); });
}

Batch& Batch::delete_object(const TableId& table, const std::string& name, MapKind of,
                            const char* kind, std::string what) {
  return message(NFT_MSG_DELOBJ, 0, table.family, kRoom,
                 or_default(std::move(what), std::string("delete ") + kind + quoted(table, name)),
                 [&](nlmsghdr* header) {
                   nftnl_obj_nlmsg_build_payload(header, encode_object_name(table, name, of).get());
                 });
}

Batch& Batch::add_counter(const Counter& counter, std::string what) {
  return put_object(counter, "counter ", std::move(what));
}

Batch& Batch::add_limit(const LimitObject& limit, std::string what) {
  return put_object(limit, "limit ", std::move(what));
}

Batch& Batch::delete_limit(const TableId& table, const std::string& limit, std::string what) {
  return delete_object(table, limit, MapKind::Limits, "limit ", std::move(what));
}

Batch& Batch::add_quota(const QuotaObject& quota, std::string what) {
  return put_object(quota, "quota ", std::move(what));
}

Batch& Batch::delete_quota(const TableId& table, const std::string& quota, std::string what) {
  return delete_object(table, quota, MapKind::Quotas, "quota ", std::move(what));
}

SealedBatch Batch::seal(std::optional<std::uint32_t> generation) && {
  char* const end = reserve(kRoom);
  used_ += NLMSG_ALIGN(nftnl_batch_end(end, 0)->nlmsg_len);
  bytes_.resize(used_);
  SealedBatch sealed;
  if (generation) {
    // The begin message grows by one attribute, and everything after it moves.
    std::byte attribute[sizeof(nlattr) + sizeof(std::uint32_t)];
    nlattr header{};
    header.nla_len = sizeof attribute;
    header.nla_type = NFNL_BATCH_GENID;
    const std::uint32_t value = htonl(*generation);
    std::memcpy(attribute, &header, sizeof header);
    std::memcpy(attribute + sizeof header, &value, sizeof value);
    nlmsghdr begin{};
    std::memcpy(&begin, bytes_.data(), sizeof begin);
    const auto old_end = static_cast<std::ptrdiff_t>(begin.nlmsg_len);
    begin.nlmsg_len += static_cast<std::uint32_t>(sizeof attribute);
    std::memcpy(bytes_.data(), &begin, sizeof begin);
    bytes_.insert(bytes_.begin() + old_end, std::begin(attribute), std::end(attribute));
  }
  sealed.bytes_ = std::move(bytes_);
  sealed.what_ = std::move(what_);
  return sealed;
}

}  // namespace tinet::nft
