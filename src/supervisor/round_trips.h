#pragma once
/// How long a datagram takes over a link and back, for `--verify` of faults that shape packets.

#include <chrono>
#include <optional>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>

#include "src/fabric/fabric.h"
#include "src/model/plan.h"

namespace tinet {

/// Pairs that are timed; the rest of a large fault would look the same.
inline constexpr std::size_t kTimedPairsMax = 20;

struct RoundTrip {
  Link link;  ///< there; back is the other way
  std::optional<std::chrono::nanoseconds> before;
  std::optional<std::chrono::nanoseconds> with;  ///< the fault; nullopt: nothing came back
};

/// Links whose round trips a fault changes, each pair once, the first kTimedPairsMax. None for a
/// fault that shapes nothing or does not mean every packet. Pure.
[[nodiscard]] std::vector<Link> links_to_time(const Fault& fault);

/// Median of up to eleven round trips of a small UDP datagram per link, IPv4, one after the other
/// within `budget`; as this process sees it, so some tens of microseconds more than the network
/// takes. Does not block the loop.
/// @return in the order of `links`; nullopt where nothing came back
/// @throws Error Operation when sockets cannot be made
[[nodiscard]] boost::asio::awaitable<std::vector<std::optional<std::chrono::nanoseconds>>>
time_round_trips(const ClusterPlan& plan, Fabric& fabric, std::vector<Link> links,
                 std::chrono::milliseconds budget);

/// [{"from","to","rtt_before_us":n|null,"rtt_us":n|null},..]
[[nodiscard]] boost::json::array round_trips_document(const ClusterPlan& plan,
                                                      const std::vector<RoundTrip>& trips);

}  // namespace tinet
