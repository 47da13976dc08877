#include "netns/nft/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "netns/nft/decode.h"
#include "netns/nft/encode.h"

namespace tinet::nft {
namespace {

using netlink::MessageView;
using netlink::Request;

std::uint16_t message_type(int nft_type) {
  return static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8U | static_cast<unsigned>(nft_type));
}

Request& begin(Request& request, int type, std::uint16_t flags, Family family, const char* what) {
  nfgenmsg header{};
  header.nfgen_family = static_cast<std::uint8_t>(family);
  header.version = NFNETLINK_V0;
  return request.begin(message_type(type), flags, what).put_header(header);
}

// Dumps `type` of a table and collects what `decode` makes of each message.
template <typename Object>
std::vector<Object> collect(Connection& connection, Request& request,
                            std::optional<Object> (*decode)(const MessageView&)) {
  std::vector<Object> objects;
  connection.socket().dump(request).for_each([&](const MessageView& message) {
    if (auto object = decode(message)) {
      objects.push_back(std::move(*object));
    }
  });
  return objects;
}

template <typename Object>
std::vector<Object> list_objects(Connection& connection, const TableId& table, MapKind of,
                                 Reset reset, std::optional<Object> (*decode)(const MessageView&)) {
  const int type = reset == Reset::Yes ? NFT_MSG_GETOBJ_RESET : NFT_MSG_GETOBJ;
  Request request;
  begin(request, type, NLM_F_DUMP, table.family, "list objects")
      .put_string(NFTA_OBJ_TABLE, table.name)
      .put_u32(NFTA_OBJ_TYPE, htonl(object_type(of)));
  return collect<Object>(connection, request, decode);
}

[[noreturn]] void throw_result(const CommitResult& result) {
  if (result.stale) {
    throw_conflict("cannot change the ruleset: somebody else changed it meanwhile");
  }
  constexpr std::size_t kShown = 8;
  std::string message;
  for (std::size_t i = 0; i < std::min(kShown, result.refusals.size()); ++i) {
    message += (i == 0 ? "" : "; ") + describe(result.refusals[i]);
  }
  if (result.refusals.size() > kShown) {
    message += "; and " + std::to_string(result.refusals.size() - kShown) + " more";
  }
  switch (result.refusals.front().error) {
    case EPERM:
    case EACCES:
      throw_unavailable(message, "run as root; a table with an owner obeys only its owner");
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
      throw_unavailable(message, "this kernel lacks an nf_tables feature, see 'tinet doctor'");
    case EEXIST:
    case EBUSY:
      throw_conflict(message);
    default:
      throw_operation(message);
  }
}

}  // namespace

Connection Connection::open(const netlink::SocketOptions& options) {
  return Connection(netlink::Socket::open(NETLINK_NETFILTER, options));
}

CommitResult try_commit(Connection& connection, const SealedBatch& batch) {
  CommitResult result;
  if (batch.empty()) {
    return result;
  }
  if (!connection.fits(batch.size_bytes())) {
    throw_operation("cannot change the ruleset: " + std::to_string(batch.size_bytes()) +
                        " bytes do not fit one transaction of " +
                        std::to_string(connection.socket().send_limit()),
                    "raise net.core.wmem_max, or run as root");
  }
  std::vector<std::byte> bytes(batch.bytes().begin(), batch.bytes().end());
  // Message 0 begins the batch; success is asked for at the last message before the end. An ACK of
  // the end itself exists only since Linux 6.10.
  const auto answers = connection.socket().transact(bytes, batch.size());
  for (const netlink::Ack& answer : answers) {
    if (answer.error == 0) {
      continue;
    }
    if (answer.sequence == 0 && answer.error == ERESTART) {
      result.stale = true;
      continue;
    }
    const bool about_message = answer.sequence >= 1 && answer.sequence <= batch.size();
    const std::size_t index = about_message ? answer.sequence - 1 : 0;
    result.refusals.push_back({index,
                               about_message ? batch.descriptions()[index]
                                             : std::string("commit the change of the ruleset"),
                               answer.error, answer.text});
  }
  return result;
}

void commit(Connection& connection, const SealedBatch& batch) {
  if (const CommitResult result = try_commit(connection, batch); !result.ok()) {
    throw_result(result);
  }
}

std::uint32_t generation(Connection& connection) {
  Request request;
  begin(request, NFT_MSG_GETGEN, 0, Family::Any, "read the ruleset's generation");
  std::uint32_t value = 0;
  connection.socket().query(request).for_each([&](const MessageView& message) {
    const auto attributes = netlink::attributes_after(message.payload, sizeof(nfgenmsg));
    if (const auto id = netlink::find_attribute(attributes, NFTA_GEN_ID)) {
      value = ntohl(netlink::read_value<std::uint32_t>(*id).value_or(0));
    }
  });
  return value;
}

std::vector<Table> list_tables(Connection& connection, Family family) {
  Request request;
  begin(request, NFT_MSG_GETTABLE, NLM_F_DUMP, family, "list tables");
  return collect<Table>(connection, request, decode_table);
}

std::vector<Chain> list_chains(Connection& connection, const TableId& table) {
  Request request;
  begin(request, NFT_MSG_GETCHAIN, NLM_F_DUMP, table.family, "list chains");
  auto chains = collect<Chain>(connection, request, decode_chain);
  // The kernel lists the chains of all tables of the family.
  std::erase_if(chains, [&](const Chain& chain) { return chain.table != table; });
  return chains;
}

std::vector<Rule> list_rules(Connection& connection, const TableId& table, std::string_view chain) {
  Request request;
  begin(request, NFT_MSG_GETRULE, NLM_F_DUMP, table.family, "list rules")
      .put_string(NFTA_RULE_TABLE, table.name);
  if (!chain.empty()) {
    request.put_string(NFTA_RULE_CHAIN, chain);
  }
  return collect<Rule>(connection, request, decode_rule);
}

std::vector<SetSpec> list_sets(Connection& connection, const TableId& table) {
  Request request;
  begin(request, NFT_MSG_GETSET, NLM_F_DUMP, table.family, "list sets")
      .put_string(NFTA_SET_TABLE, table.name);
  return collect<SetSpec>(connection, request, decode_set);
}

std::vector<Element> list_elements(Connection& connection, const TableId& table,
                                   const std::string& set) {
  Request request;
  begin(request, NFT_MSG_GETSETELEM, NLM_F_DUMP, table.family, "list elements")
      .put_string(NFTA_SET_ELEM_LIST_TABLE, table.name)
      .put_string(NFTA_SET_ELEM_LIST_SET, set);
  std::vector<Element> elements;
  connection.socket().dump(request).for_each(
      [&](const MessageView& message) { decode_elements(message, elements); });
  return elements;
}

std::vector<std::optional<Element>> find_elements(Connection& connection, const TableId& table,
                                                  const std::string& set,
                                                  std::span<const Bytes> keys) {
  Request request;
  for (const Bytes& key : keys) {
    begin(request, NFT_MSG_GETSETELEM, 0, table.family, "find element")
        .put_string(NFTA_SET_ELEM_LIST_TABLE, table.name)
        .put_string(NFTA_SET_ELEM_LIST_SET, set)
        .nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&] {
          request.nest(NFTA_LIST_ELEM, [&] {
            request.nest(NFTA_SET_ELEM_KEY, [&] {
              request.put_bytes(NFTA_DATA_VALUE, std::as_bytes(std::span(key)));
            });
          });
        });
  }
  const netlink::Answers answers = connection.socket().query_each(request);
  std::vector<Element> found;
  answers.objects.for_each([&](const MessageView& message) { decode_elements(message, found); });
  std::vector<std::optional<Element>> elements(keys.size());
  auto next = found.begin();
  auto refusal = answers.refusals.begin();
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (refusal != answers.refusals.end() && refusal->index == i) {
      if (refusal->error != ENOENT) {
        throw_operation(describe(*refusal));
      }
      ++refusal;
    } else if (next != found.end() && next->key == keys[i]) {
      elements[i] = std::move(*next++);
    }
  }
  return elements;
}

std::vector<Counter> list_counters(Connection& connection, const TableId& table, Reset reset) {
  return list_objects<Counter>(connection, table, MapKind::Counters, reset, decode_counter);
}

std::vector<LimitObject> list_limits(Connection& connection, const TableId& table) {
  return list_objects<LimitObject>(connection, table, MapKind::Limits, Reset::No, decode_limit);
}

std::vector<QuotaObject> list_quotas(Connection& connection, const TableId& table, Reset reset) {
  return list_objects<QuotaObject>(connection, table, MapKind::Quotas, reset, decode_quota);
}

}  // namespace tinet::nft
