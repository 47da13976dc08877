#pragma once
/// Which packets of the chosen links a fault means (design: "Services and direction"). Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/model/fault.h"
#include "src/model/plan.h"

namespace tinet {

/// The largest `first`: the kernel keeps it as that many times a day in nanoseconds, and compares
/// with 63 bits (nft_limit_eval() in net/netfilter/nft_limit.c).
inline constexpr std::uint32_t kFirstMax = 100'000;

/// The words of a fault verb that say which packets.
struct TrafficWords {
  std::string service{};               ///< named port of the listening side; empty: any
  std::vector<std::uint16_t> ports{};  ///< of the listening side; empty: any
  Protocol protocol = Protocol::Any;
  bool packets = false;  ///< links are directions of packets, although there are ports
  Connections connections = Connections::All;
  std::optional<std::uint32_t> first{};
  std::optional<std::uint64_t> after_bytes{};
  bool replies_only = false;  ///< only what the listening side sends

  [[nodiscard]] bool has_ports() const { return !service.empty() || !ports.empty(); }
};

/// Links and what is matched on each of them.
struct ScopedLinks {
  std::vector<Link> links;              ///< sorted, unique
  std::vector<Match> matches;           ///< distinct; without owners
  std::vector<std::uint32_t> match_of;  ///< for each link, position in `matches`
};

/// Refuses words that contradict each other or mean nothing, and fills in what follows from the
/// others: connections are those of TCP.
/// @throws Error Usage
void check_traffic(TrafficWords& words);

/// Without ports, every link is matched as it is. With them, a link x>y of `links` means the
/// connections that x opens to a port of y, so the result has x>y with the port as destination and
/// y>x with it as source; with `packets` it has x>y alone, with the port on either side.
/// A service is the port of that name of whoever listens; endpoints without it are left out.
/// Connection requests go to the port only, replies come from it only.
/// @param words checked
/// @param links sorted, unique
/// @throws Error Usage when nobody who could listen has the service, naming those that they have
[[nodiscard]] ScopedLinks resolve_traffic(const TrafficWords& words, const std::vector<Link>& links,
                                          const ClusterPlan& plan);

/// True when every link's opposite is there too.
[[nodiscard]] bool both_directions(const std::vector<Link>& sorted_links);

/// True for a flow with ports that `match` means, whatever its other conditions.
[[nodiscard]] bool ports_match(const Match& match, const Flow& flow);

}  // namespace tinet
