#include "src/fabric/refusal.h"

#include <netinet/in.h>

#include "src/fabric/match_rules.h"

namespace tinet::fabric {

namespace {

constexpr std::int32_t kRawPriority = -300;
constexpr std::uint32_t kMacSize = 6;
constexpr std::uint32_t kSourceMac = 6;
constexpr std::uint8_t kPortUnreachable = 1;  ///< of icmpx
constexpr std::uint8_t kHostUnreachable = 2;

nft::Rule refuse(const nft::Chain& chain, Expressions condition, const nft::Reject& reject) {
  nft::Rule rule;
  rule.table = chain.table;
  rule.chain = chain.name;
  rule.expressions = {nft::PayloadLoad{nft::Header::Link, kSourceMac, kMacSize, nft::kR0},
                      nft::Compare{nft::CompareOp::Equal, nft::kR0, refusal_mac_bytes()}};
  rule.expressions << std::move(condition) << Expressions{reject};
  return rule;
}

}  // namespace

nft::Bytes refusal_mac_bytes() {
  return {0x06, 0x74, 0x69, 0x6e, 0x6f, 0x21};
}

StaticTable make_refusal_table() {
  StaticTable made;
  made.table = {{nft::Family::Inet, "tinet"}, true, 0};
  const nft::Chain chain{made.table.id, "refuse",
                         nft::Hook{nft::kInetPrerouting, kRawPriority, nft::Policy::Accept, {}}};
  using Kind = nft::Reject::Kind;
  made.chains.push_back(chain);
  made.rules.push_back(refuse(chain, is_protocol(IPPROTO_TCP), {Kind::TcpReset, 0}));
  made.rules.push_back(
      refuse(chain, is_protocol(IPPROTO_UDP), {Kind::IcmpxUnreachable, kPortUnreachable}));
  made.rules.push_back(refuse(chain, {}, {Kind::IcmpxUnreachable, kHostUnreachable}));
  return made;
}

void Refusals::add(Endpoint endpoint, netlink::Socket socket) {
  nft::Connection connection(std::move(socket));
  commit_table(connection, make_refusal_table());
  tables_.emplace(endpoint, std::move(connection));
}

std::vector<Endpoint> Refusals::audit() {
  const StaticTable table = make_refusal_table();
  std::vector<Endpoint> repaired;
  for (auto& [endpoint, connection] : tables_) {
    if (!is_intact(connection, table)) {
      commit_table(connection, table);
      repaired.push_back(endpoint);
    }
  }
  return repaired;
}

}  // namespace tinet::fabric
