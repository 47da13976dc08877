#include "src/supervisor/round_trips.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <span>
#include <string>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "src/supervisor/documents.h"
#include "src/supervisor/pair_probe.h"
#include "src/supervisor/probe_intent.h"
#include "src/supervisor/probe_socket.h"

namespace tinet {

namespace asio = boost::asio;
namespace json = boost::json;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t kSamples = 7;
/// Between two looks at the sockets; arrivals have the kernel's time.
constexpr std::chrono::milliseconds kLook{1};
/// Round trips through longer delays than this are not waited for.
constexpr std::chrono::milliseconds kRoundTripMax{5'000};
/// What a round trip may take beside delays, on a loaded machine.
constexpr std::chrono::milliseconds kMargin{50};

/// There: when it was sent. Back: the same, and how long the way there took.
struct Ping {
  std::int64_t sent_ns = 0;
  std::int64_t there_ns = 0;
  std::uint32_t number = 0;
  std::uint32_t check = 0;  ///< a corrupted one is nobody's
};

std::uint32_t check_of(const Ping& ping) {
  const auto mix = static_cast<std::uint64_t>(ping.sent_ns) * 3 +
                   static_cast<std::uint64_t>(ping.there_ns) * 5 + ping.number;
  return ~(static_cast<std::uint32_t>(mix) ^ static_cast<std::uint32_t>(mix >> 32U));
}

std::optional<Ping> receive(ProbeSocket& socket, StampTime& at) {
  std::array<std::byte, sizeof(Ping) + 1> buffer{};
  while (const auto arrival = socket.receive(buffer)) {
    Ping ping;
    std::memcpy(&ping, buffer.data(), sizeof ping);
    if (arrival->size == sizeof ping && ping.check == check_of(ping)) {
      at = arrival->at;
      return ping;
    }
  }
  return std::nullopt;
}

/// One socket at each end of a link, and one datagram between them at a time.
class Pair {
 public:
  Pair(const ClusterPlan& plan, Fabric& fabric, Link link)
      : near_(fabric, link.from, ProbeAddress(address_of(plan, link.from))),
        far_(fabric, link.to, ProbeAddress(address_of(plan, link.to))) {}

  [[nodiscard]] bool complete() const { return taken_.size() >= kSamples; }
  /// Whether every question has come back.
  [[nodiscard]] bool at_rest() const { return done_.size() >= asked_; }
  [[nodiscard]] std::size_t asked() const { return asked_; }
  [[nodiscard]] std::size_t answered() const { return answered_; }

  /// Asks anew when nothing was asked since the last turn: the question or its answer is lost.
  void take_turn() {
    if (!complete() && asked_ == asked_by_last_turn_) {
      ask();
    }
    asked_by_last_turn_ = asked_;
  }
  /// Answers questions and takes answers; asks on after an answer.
  /// @param ends answers are let go, and nothing is asked
  void look(bool ends = false) {
    StampTime at{};
    while (auto ping = receive(far_, at)) {
      ping->there_ns = at.count() - ping->sent_ns;
      ++answered_;
      send(far_, near_, *ping);
    }
    while (const auto ping = receive(near_, at)) {
      const bool is_copy = !done_.insert(ping->number).second;
      if (is_copy || ends || complete()) {
        continue;
      }
      taken_.emplace_back(ping->there_ns + at.count() - ping->sent_ns);
      if (!complete() && ping->number == asked_) {
        ask();
      }
    }
  }

  [[nodiscard]] std::optional<nanoseconds> median() const {
    std::vector<nanoseconds> taken = taken_;
    std::sort(taken.begin(), taken.end());
    return taken.empty() ? std::nullopt : std::optional(taken[taken.size() / 2]);
  }

 private:
  void ask() {
    Ping ping;
    ping.number = static_cast<std::uint32_t>(++asked_);
    send(near_, far_, ping);
  }

  static void send(ProbeSocket& from, const ProbeSocket& to, Ping ping) {
    ping.sent_ns = stamp_now().count();
    ping.check = check_of(ping);
    from.send(to.address(), std::as_bytes(std::span(&ping, 1)));
  }

  ProbeSocket near_;
  ProbeSocket far_;
  std::size_t asked_ = 0;
  std::size_t asked_by_last_turn_ = 0;
  std::size_t answered_ = 0;
  std::set<std::uint32_t> done_;
  std::vector<nanoseconds> taken_;
};

/// Of the datagrams that this module sends.
bool means_datagrams(const Match& match) {
  Match rest = match;
  if (rest.protocol == Protocol::Udp) {
    rest.protocol = Protocol::Any;
  }
  return rest.everything();
}

json::value microseconds(const std::optional<nanoseconds>& time) {
  return time ? json::value(std::chrono::duration_cast<std::chrono::microseconds>(*time).count())
              : json::value(nullptr);
}

}  // namespace

std::map<Link, Effect> effects_of(const std::vector<LinkState>& states) {
  std::map<Link, Effect> effects;
  for (const LinkState& state : states) {
    effects[state.link] = state.effect;
  }
  return effects;
}

std::chrono::milliseconds slowest_round_trip(const std::map<Link, Effect>& effects,
                                             const std::vector<Link>& links) {
  const auto slowest_on = [&](Link link) {
    const auto effect = effects.find(link);
    const LinkAction sum = effect == effects.end() ? LinkAction{} : combined(effect->second);
    return sum.delay ? sum.delay->delay + 4 * sum.delay->jitter : Nanoseconds{};
  };
  Nanoseconds longest{};
  for (const Link link : links) {
    longest = std::max(longest, slowest_on(link) + slowest_on({link.to, link.from}));
  }
  return std::min(std::chrono::ceil<std::chrono::milliseconds>(longest), kRoundTripMax);
}

std::vector<Link> links_to_time(const Fault& fault, const std::vector<LinkState>& states) {
  std::map<Link, Effect> effects = effects_of(states);
  std::vector<Link> links;
  std::set<Link> there;
  for (std::size_t i = 0; i < fault.links.size() && links.size() < kTimedPairsMax; ++i) {
    const Link link = fault.links[i];
    const FaultClause& clause = fault.clause(i);
    if (clause.action.shapes() && means_datagrams(clause.match) &&
        there.count({link.to, link.from}) == 0 &&
        !counts_round_trip(effects[link], effects[{link.to, link.from}])) {
      there.insert(link);
      links.push_back(link);
    }
  }
  return links;
}

asio::awaitable<TimedTrips> time_round_trips(const ClusterPlan& plan, Fabric& fabric,
                                             std::vector<Link> links,
                                             std::chrono::milliseconds budget) {
  std::vector<Pair> pairs;
  pairs.reserve(links.size());
  for (const Link& link : links) {
    pairs.emplace_back(plan, fabric, link);
  }
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto start = steady_clock::now();
  const auto complete = [&] {
    return std::all_of(pairs.begin(), pairs.end(),
                       [](const Pair& pair) { return pair.complete(); });
  };
  // A question that is lost is asked again a part of the budget later.
  for (std::size_t turn = 0; turn < kSamples && !complete(); ++turn) {
    const auto end = start + nanoseconds(budget) * static_cast<std::int64_t>(turn + 1) /
                                 static_cast<std::int64_t>(kSamples);
    for (Pair& pair : pairs) {
      pair.take_turn();
    }
    while (steady_clock::now() < end && !complete()) {
      timer.expires_after(kLook);
      co_await timer.async_wait(asio::use_awaitable);
      for (Pair& pair : pairs) {
        pair.look();
      }
    }
  }
  const auto all_at_rest = [&] {
    return std::all_of(pairs.begin(), pairs.end(), [](const Pair& pair) { return pair.at_rest(); });
  };
  const auto last = steady_clock::now() + kMargin +
                    slowest_round_trip(effects_of(fabric.links(steady_clock::now())), links);
  // One look more: copies come behind the others.
  for (bool rest = false; !rest && steady_clock::now() < last;) {
    rest = all_at_rest();
    timer.expires_after(kLook);
    co_await timer.async_wait(asio::use_awaitable);
    for (Pair& pair : pairs) {
      pair.look(true);
    }
  }
  TimedTrips trips;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    trips.medians.push_back(pairs[i].median());
    trips.sent[links[i]] += pairs[i].asked();
    trips.sent[{links[i].to, links[i].from}] += pairs[i].answered();
  }
  co_return trips;
}

json::array round_trips_document(const ClusterPlan& plan, const std::vector<RoundTrip>& trips) {
  json::array documents;
  for (const RoundTrip& trip : trips) {
    documents.push_back(json::object{{"from", endpoint_name(plan, trip.link.from)},
                                     {"to", endpoint_name(plan, trip.link.to)},
                                     {"rtt_before_us", microseconds(trip.before)},
                                     {"rtt_us", microseconds(trip.with)}});
  }
  return documents;
}

}  // namespace tinet
