#include "src/supervisor/fault_verify.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>

#include "src/base/error.h"
#include "src/supervisor/connect_probe.h"
#include "src/supervisor/documents.h"
#include "src/supervisor/pair_probe.h"
#include "src/supervisor/probe_intent.h"

namespace tinet {

namespace asio = boost::asio;
namespace json = boost::json;
using std::chrono::milliseconds;

namespace {

/// A probe and its arrival take well under a millisecond; the rest is for a loaded machine.
constexpr milliseconds kMargin{50};
/// Phases that are let pass while looking for one that is long enough.
constexpr int kPhasesMax = 4;
/// Sockets that connections are tried with at a time.
constexpr std::size_t kConnectionsMax = 1'000;

MonoTime now() {
  return std::chrono::steady_clock::now();
}

/// Waits for a moment after which nothing changes for long enough, and says how long.
asio::awaitable<milliseconds> quiet_time(milliseconds budget,
                                         std::function<std::optional<MonoTime>()> next_change) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (int phase = 0; phase < kPhasesMax; ++phase) {
    const auto change = next_change();
    if (!change) {
      co_return budget;
    }
    const auto left = std::chrono::duration_cast<milliseconds>(*change - now()) - kMargin;
    if (left >= kMargin || left >= budget) {
      co_return std::min(left, budget);
    }
    timer.expires_at(*change + milliseconds(1));
    co_await timer.async_wait(asio::use_awaitable);
  }
  throw_conflict("the links change too often to be probed",
                 "verify without a flap on these links, or one with phases of 100ms and more");
}

using Effects = std::map<Link, Effect>;

/// Of links that suffer nothing, an empty one.
const Effect& effect_of(const Effects& effects, Link link) {
  static const Effect nothing;
  const auto found = effects.find(link);
  return found == effects.end() ? nothing : found->second;
}

std::vector<LinkState> states_of(const Effects& effects, const std::vector<Link>& links) {
  std::vector<LinkState> states;
  states.reserve(links.size());
  for (const auto& link : links) {
    states.push_back({link, effect_of(effects, link), {}});
  }
  return states;
}

std::vector<Link> links_of(const std::vector<RoundTrip>& trips) {
  std::vector<Link> links;
  links.reserve(trips.size());
  for (const RoundTrip& trip : trips) {
    links.push_back(trip.link);
  }
  return links;
}

/// IP and UDP headers and the payload.
constexpr std::size_t kProbeBytes4 = 20 + 8 + kProbeBytes;
constexpr std::size_t kProbeBytes6 = 40 + 8 + kProbeBytes;
/// IP and TCP headers of a SYN with Linux's options.
constexpr std::size_t kSynBytes = 60;

class Tally {
 public:
  void count(bool good, std::string from, std::string to) {
    ++pairs_;
    if (!good) {
      wrong_.push_back(json::array{std::move(from), std::move(to)});
    }
  }
  void skip(const std::string& reason, std::size_t pairs = 1) {
    if (pairs > 0) {
      skipped_ += pairs;
      reasons_[reason] += pairs;
    }
  }

  [[nodiscard]] json::object document() {
    json::array because;
    for (const auto& [reason, pairs] : reasons_) {
      because.push_back(json::object{{"reason", reason}, {"pairs", pairs}});
    }
    const std::size_t good = pairs_ - wrong_.size();
    return {{"pairs", pairs_},
            {"as_intended", good},
            {"wrong", std::move(wrong_)},
            {"skipped", skipped_},
            {"skipped_because", std::move(because)}};
  }

 private:
  std::size_t pairs_ = 0;
  std::size_t skipped_ = 0;
  json::array wrong_;
  std::map<std::string, std::size_t> reasons_;
};

void add_sighted(LinkProbes& probes, const Sighted& sighted, std::size_t bytes) {
  // Every other broken one may be a copy.
  add_probes(probes.datagrams, sighted.sent, sighted.intact + (sighted.corrupted + 1) / 2, bytes);
  probes.datagrams.copies += sighted.copies;
  probes.datagrams.corrupted += sighted.corrupted;
}

/// The probes of one fault's links.
class Verification {
 public:
  Verification(const ClusterPlan& plan, Fabric& fabric) : plan_(plan), fabric_(fabric) {}

  asio::awaitable<void> probe(FaultId fault, std::vector<Link> links, milliseconds budget) {
    const Effects effects = effects_of(fabric_.links(now()));
    const std::vector<LinkState> states = states_of(effects, links);
    std::vector<WantedLink> wanted;
    std::vector<PreventedConnection> connections;
    if (fabric_.carries_datagrams()) {
      wanted = wanted_links(fault, states, effects, budget);
      connections = prevented_connections(states);
    } else {
      std::size_t unseen = 0;
      connections = stopped_connections(plan_, states, unseen);
      tally_.skip("relays only show connections that are stopped", unseen);
    }
    tally_.skip(std::string(kWouldUseUp), leave_counted(connections, effects));
    if (connections.size() > kConnectionsMax) {
      tally_.skip("only " + std::to_string(kConnectionsMax) + " connections are tried",
                  connections.size() - kConnectionsMax);
      connections.resize(kConnectionsMax);
    }
    // One after the other within one budget; connections that are cut take all of theirs.
    const milliseconds share = connections.empty() ? budget : budget / 2;
    co_await probe_datagrams(std::move(wanted), share);
    co_await probe_connections(std::move(connections), budget - share);
  }

  asio::awaitable<void> time(std::vector<RoundTrip>& trips, milliseconds patience) {
    const TimedTrips timed = co_await time_round_trips(plan_, fabric_, links_of(trips), patience);
    for (std::size_t i = 0; i < trips.size(); ++i) {
      trips[i].with = timed.medians[i];
    }
    add_trips(sent_, timed);
  }

  [[nodiscard]] VerifyReport report() { return {tally_.document(), std::move(sent_)}; }

 private:
  std::vector<WantedLink> wanted_links(FaultId fault, const std::vector<LinkState>& states,
                                       const Effects& effects, milliseconds budget) {
    const ProbeLimits limits{budget / 2, tries_per_link(states.size())};
    std::vector<WantedLink> wanted;
    for (const auto& state : states) {
      Expected expected = expected_datagrams(state.effect, fault, limits);
      if (expected.fate == Expected::Fate::Unsure) {
        tally_.skip(expected.reason);
      } else if (counts_refusals(state.effect,
                                 effect_of(effects, {state.link.to, state.link.from}))) {
        tally_.skip(std::string(kWouldUseUp));
      } else {
        wanted.push_back({state.link, std::move(expected)});
      }
    }
    return wanted;
  }

  asio::awaitable<void> probe_datagrams(std::vector<WantedLink> wanted, milliseconds budget) {
    const auto probed = co_await probe_pairs(plan_, fabric_, wanted, budget);
    for (std::size_t i = 0; i < probed.size(); ++i) {
      const ProbedLink& link = probed[i];
      const Expected& expected = wanted[i].expected;
      tally_.count(as_intended(expected, link.v4) && (!link.v6 || as_intended(expected, *link.v6)),
                   endpoint_name(plan_, link.link.from), endpoint_name(plan_, link.link.to));
      LinkProbes& probes = sent_[link.link];
      add_sighted(probes, link.v4, kProbeBytes4);
      if (link.v6) {
        add_sighted(probes, *link.v6, kProbeBytes6);
      }
    }
  }

  asio::awaitable<void> probe_connections(std::vector<PreventedConnection> connections,
                                          milliseconds budget) {
    if (connections.empty()) {
      co_return;
    }
    const auto tried = co_await try_connections(plan_, fabric_, connections, budget);
    for (std::size_t i = 0; i < tried.size(); ++i) {
      const auto& [from, to, port, mode] = connections[i];
      const bool good = tried[i].outcome == Attempt::Silent ||
                        (tried[i].outcome == Attempt::Refused && mode != CutMode::Drop);
      tally_.count(good, endpoint_name(plan_, from),
                   endpoint_name(plan_, to) + ":" + (port == 0 ? "tcp" : std::to_string(port)));
      // Every segment may have had an answer, and the other end may have repeated one of its own.
      const std::size_t segments = tried[i].segments;
      add_probes(sent_[{from, to}].segments, segments, 0, kSynBytes);
      add_probes(sent_[{to, from}].segments, segments + 1, 0, kSynBytes);
    }
  }

  const ClusterPlan& plan_;
  Fabric& fabric_;
  Tally tally_;
  SentProbes sent_;
};

}  // namespace

void add_trips(SentProbes& sent, const TimedTrips& trips) {
  for (const auto& [link, datagrams] : trips.sent) {
    // Which of them were lost is not known.
    add_probes(sent[link].datagrams, datagrams, 0, kProbeBytes4);
  }
}

asio::awaitable<VerifyReport> verify_links(const ClusterPlan& plan, Fabric& fabric, FaultId fault,
                                           std::vector<Link> links, milliseconds budget,
                                           std::function<std::optional<MonoTime>()> next_change,
                                           std::vector<RoundTrip> trips) {
  budget = co_await quiet_time(budget, next_change);
  Verification verification(plan, fabric);
  co_await verification.probe(fault, std::move(links), budget);
  const Effects effects = effects_of(fabric.links(now()));
  // A fault that counts may have come since they were timed before.
  std::erase_if(trips, [&](const RoundTrip& trip) {
    const Link back{trip.link.to, trip.link.from};
    return counts_round_trip(effect_of(effects, trip.link), effect_of(effects, back));
  });
  if (trips.empty()) {
    co_return verification.report();
  }
  // Only now, when nothing else of ours is on its way.
  milliseconds patience = std::max(budget, slowest_round_trip(effects, links_of(trips)) + kMargin);
  if (const auto change = next_change()) {
    const auto left = std::chrono::duration_cast<milliseconds>(*change - now()) - kMargin;
    patience = std::clamp(left, milliseconds(0), patience);
  }
  co_await verification.time(trips, patience);
  VerifyReport report = verification.report();
  report.document["rtt"] = round_trips_document(plan, trips);
  co_return report;
}

}  // namespace tinet
