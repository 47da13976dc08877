#pragma once
/// How long a datagram takes over a link and back, for `--verify` of faults that shape packets.

#include <chrono>
#include <cstddef>
#include <map>
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
/// fault that shapes nothing or does not mean every packet, and none where another fault would
/// count the datagrams (counts_round_trip()). Pure.
/// @param states what links suffer already
[[nodiscard]] std::vector<Link> links_to_time(const Fault& fault,
                                              const std::vector<LinkState>& states);

/// The effects of links, by link. Pure.
[[nodiscard]] std::map<Link, Effect> effects_of(const std::vector<LinkState>& states);

/// How long the slowest round trip over these links takes if nothing but delays is in its way; at
/// most five seconds, which is what longer ones are waited for. Pure.
[[nodiscard]] std::chrono::milliseconds slowest_round_trip(const std::map<Link, Effect>& effects,
                                                           const std::vector<Link>& links);

struct TimedTrips {
  std::vector<std::optional<std::chrono::nanoseconds>> medians;  ///< nullopt: nothing came back
  std::map<Link, std::size_t> sent;                              ///< datagrams over each link
};

/// Medians of up to seven round trips of a small UDP datagram per link, IPv4, one after the other
/// within `budget`: the sum of both ways, each from the sending to the kernel's own time of the
/// arrival, so that what this process does between them does not count. After that, waits for what
/// is on its way still, no longer than slowest_round_trip(): no datagram is to find its socket
/// closed, which would be answered with an ICMP error. Does not block the loop.
/// @return medians in the order of `links`
/// @throws Error Operation when sockets cannot be made
[[nodiscard]] boost::asio::awaitable<TimedTrips> time_round_trips(const ClusterPlan& plan,
                                                                  Fabric& fabric,
                                                                  std::vector<Link> links,
                                                                  std::chrono::milliseconds budget);

/// [{"from","to","rtt_before_us":n|null,"rtt_us":n|null},..]
[[nodiscard]] boost::json::array round_trips_document(const ClusterPlan& plan,
                                                      const std::vector<RoundTrip>& trips);

}  // namespace tinet
