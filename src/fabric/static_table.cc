#include "src/fabric/static_table.h"

#include <algorithm>
#include <map>

#include <linux/if_ether.h>
#include <linux/netfilter_bridge.h>

#include "src/fabric/match_rules.h"
#include "src/fabric/treatment.h"

namespace tinet::fabric {

namespace {

constexpr std::uint16_t kWireQueue = 0;
/// Behind the decision.
constexpr std::int32_t kWirePriority = NF_BR_PRI_FILTER_BRIDGED + 10;
/// Behind the queue, also where packets get there by way of bridge netfilter, at NF_BR_PRI_BRNF.
constexpr std::int32_t kGuardPriority = NF_BR_PRI_BRNF + 10;
constexpr std::int32_t kUnreadPriority = NF_BR_PRI_BRNF + 20;
/// Elements of "unread": two for each link and class.
constexpr std::uint32_t kUnreadMax = 1U << 22U;

/// Packets that should have gone through the queue, as lists of conditions of which one holds.
std::vector<Expressions> wired(bool native) {
  if (native) {
    return {mark_has(kWireMask)};
  }
  // Bridge netfilter hands over nothing else, e.g. no ARP.
  std::vector<Expressions> all;
  for (const std::uint16_t type : {std::uint16_t{ETH_P_IP}, std::uint16_t{ETH_P_IPV6}}) {
    Expressions one = is_ether_type(type);
    one << mark_has(kWireMask);
    all.push_back(std::move(one));
  }
  return all;
}

nft::Chain forward_chain(const StaticTable& table, const std::string& name, std::int32_t priority) {
  return {table.table.id, name, nft::Hook{nft::kBridgeForward, priority, nft::Policy::Accept, {}}};
}

nft::Rule rule_of(const nft::Chain& chain, Expressions expressions) {
  nft::Rule rule;
  rule.table = chain.table;
  rule.chain = chain.name;
  rule.expressions = std::move(expressions);
  return rule;
}

std::map<std::string, std::vector<nft::Rule>> by_chain(const std::vector<nft::Rule>& rules) {
  std::map<std::string, std::vector<nft::Rule>> chains;
  for (const nft::Rule& rule : rules) {
    chains[rule.chain].push_back(rule);
  }
  return chains;
}

}  // namespace

void commit_table(nft::Connection& connection, const StaticTable& table) {
  nft::Batch batch;
  // Adding it first makes the deletion safe when it is not there.
  batch.add_table(table.table);
  batch.delete_table(table.table.id);
  batch.add_table(table.table);
  for (const nft::SetSpec& set : table.sets) {
    batch.add_set(set);
  }
  for (const nft::Chain& chain : table.chains) {
    batch.add_chain(chain);
  }
  for (const nft::Rule& rule : table.rules) {
    batch.add_rule(rule);
  }
  nft::commit(connection, std::move(batch).seal());
}

bool is_intact(nft::Connection& connection, const StaticTable& table, std::uint32_t owner) {
  const auto tables = nft::list_tables(connection, table.table.id.family);
  const bool there = std::any_of(tables.begin(), tables.end(), [&](const nft::Table& one) {
    return one.id == table.table.id && one.owner_port == owner;
  });
  if (!there) {
    return false;
  }
  const auto chains = nft::list_chains(connection, table.table.id);
  const auto sets = nft::list_sets(connection, table.table.id);
  const auto read = by_chain(nft::list_rules(connection, table.table.id));
  const auto wanted = by_chain(table.rules);
  const auto same = [](const std::vector<nft::Rule>& a, const std::vector<nft::Rule>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), nft::same_rule);
  };
  return std::is_permutation(sets.begin(), sets.end(), table.sets.begin(), table.sets.end()) &&
         chains.size() == table.chains.size() &&
         std::is_permutation(chains.begin(), chains.end(), table.chains.begin()) &&
         std::equal(read.begin(), read.end(), wanted.begin(), wanted.end(),
                    [&](const auto& a, const auto& b) {
                      return a.first == b.first && same(a.second, b.second);
                    });
}

StaticTable make_copy_table(const std::vector<std::string>& ports) {
  StaticTable made;
  made.table = {{nft::Family::Netdev, "tinet"}, true, 0};
  const nft::Chain chain{made.table.id, "copy",
                         nft::Hook{nft::kNetdevEgress, 0, nft::Policy::Accept, ports}};
  nft::Rule rule;
  rule.table = made.table.id;
  rule.chain = chain.name;
  // The copy comes by here, too: it must not be copied again.
  rule.expressions = mark_is(kDuplicateBit, kDuplicateBit);
  rule.expressions << mark_set(kDuplicateBit, 0)
                   << Expressions{nft::MetaLoad{nft::MetaKey::OutIndex, nft::kR0},
                                  nft::Duplicate{nft::kR0}};
  made.chains.push_back(chain);
  made.rules.push_back(std::move(rule));
  return made;
}

StaticTable make_wire_table(bool native) {
  StaticTable made;
  made.table = {{native ? nft::Family::Bridge : nft::Family::Inet, "tinet_wire"}, true, 0};
  const nft::Hook hook =
      native ? nft::Hook{nft::kBridgeForward, kWirePriority, nft::Policy::Accept, {}}
             : nft::Hook{nft::kInetForward, 0, nft::Policy::Accept, {}};
  const nft::Chain chain{made.table.id, "wire", hook};
  nft::Rule rule = rule_of(chain, mark_has(kWireMask));
  if (native) {
    rule.expressions.emplace_back(nft::Queue{kWireQueue, 1, true});
  } else {
    rule.expressions.emplace_back(nft::CompatQueue{kWireQueue, 1, true});
  }
  made.chains.push_back(chain);
  made.rules.push_back(std::move(rule));
  return made;
}

StaticTable make_guard_table(bool native) {
  StaticTable made;
  made.table = {{nft::Family::Bridge, "tinet_guard"}, true, 0};
  const nft::Chain chain = forward_chain(made, "guard", kGuardPriority);
  for (Expressions expressions : wired(native)) {
    expressions << mark_set(kUnreadBit, kUnreadBit);
    made.rules.push_back(rule_of(chain, std::move(expressions)));
  }
  made.chains.push_back(chain);
  return made;
}

StaticTable make_unread_table(bool native) {
  StaticTable made;
  made.table = {{nft::Family::Bridge, "tinet_unread"}, true, 0};
  nft::SetSpec set;
  set.table = made.table.id;
  set.name = kUnreadSet;
  set.key = {nft::Datatype::IfIndex, nft::Datatype::IfIndex, nft::Datatype::Mark};
  set.size_max = kUnreadMax;
  set.dynamic = true;
  set.counters = true;
  made.sets.push_back(set);
  const nft::Chain chain = forward_chain(made, "unread", kUnreadPriority);
  for (Expressions expressions : wired(native)) {
    expressions << link_key_load()
                << Expressions{nft::MetaLoad{nft::MetaKey::Mark, nft::kR2},
                               nft::Bitwise{nft::kR2, nft::kR2,
                                            nft::KeyBuilder().u32(kWireMask | kUnreadBit).take(),
                                            nft::KeyBuilder().u32(0).take()},
                               nft::CountBy{kUnreadSet, nft::kR0}};
    made.rules.push_back(rule_of(chain, std::move(expressions)));
  }
  Expressions unread = mark_is(kUnreadBit, kUnreadBit);
  unread << Expressions{nft::GiveVerdict{{nft::Verdict::Kind::Drop, {}}}};
  made.rules.push_back(rule_of(chain, std::move(unread)));
  made.chains.push_back(chain);
  return made;
}

}  // namespace tinet::fabric
