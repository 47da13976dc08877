#pragma once
/// How cuts are answered (reject, reset). The switch gives packets that shall be refused a source
/// MAC which no endpoint has; a small table in the receiver's namespace answers what carries it, as
/// the receiver itself would: TCP with RST, the rest with an ICMP error. So which packets are
/// refused remains the decision of the switch's one transaction.

#include <map>
#include <vector>

#include "netns/nft/connection.h"
#include "src/fabric/static_table.h"
#include "src/model/fault.h"

namespace tinet::fabric {

/// The source MAC of packets to be refused; locally administered, nobody's.
[[nodiscard]] nft::Bytes refusal_mac_bytes();

/// The table of a receiver's namespace. Pure.
[[nodiscard]] StaticTable make_refusal_table();

/// The tables that are there; each lives as long as its socket, which this owns.
class Refusals {
 public:
  [[nodiscard]] bool has(Endpoint endpoint) const { return tables_.contains(endpoint); }
  /// Makes the table of an endpoint.
  /// @param socket NETLINK_NETFILTER, opened in the endpoint's namespace
  /// @throws Error Unavailable when the kernel cannot reject in inet prerouting
  void add(Endpoint endpoint, netlink::Socket socket);
  /// Makes tables that are not what they should be anew.
  /// @return their endpoints
  [[nodiscard]] std::vector<Endpoint> audit();

 private:
  std::map<Endpoint, nft::Connection> tables_;
};

}  // namespace tinet::fabric
