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
#include "src/supervisor/join.h"
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
/// Round trips through longer delays than this are not waited for.
constexpr milliseconds kRoundTripMax{5'000};

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

/// What each link suffers now; links that suffer nothing have an empty effect.
std::vector<LinkState> states_of(Fabric& fabric, const std::vector<Link>& links) {
  std::map<Link, Effect> effects;
  for (auto& state : fabric.links(now())) {
    effects[state.link] = std::move(state.effect);
  }
  std::vector<LinkState> states;
  states.reserve(links.size());
  for (const auto& link : links) {
    states.push_back({link, effects[link], {}});
  }
  return states;
}

/// How long the slowest of these round trips takes if nothing but delays is in its way.
milliseconds slowest(Fabric& fabric, const std::vector<RoundTrip>& trips) {
  std::vector<Link> ways;
  for (const RoundTrip& trip : trips) {
    ways.push_back(trip.link);
    ways.push_back({trip.link.to, trip.link.from});
  }
  const std::vector<LinkState> states = states_of(fabric, ways);
  Nanoseconds longest{};
  for (std::size_t i = 0; i + 1 < states.size(); i += 2) {
    Nanoseconds both{};
    for (const LinkState* way : {&states[i], &states[i + 1]}) {
      const LinkAction sum = combined(way->effect);
      both += sum.delay ? sum.delay->delay + sum.delay->jitter : Nanoseconds{};
    }
    longest = std::max(longest, both);
  }
  return std::chrono::ceil<milliseconds>(longest);
}

struct Tally {
  std::size_t pairs = 0;
  std::size_t skipped = 0;
  json::array wrong;

  void count(bool as_intended, std::string from, std::string to) {
    ++pairs;
    if (!as_intended) {
      wrong.push_back(json::array{std::move(from), std::move(to)});
    }
  }
};

}  // namespace

namespace {

asio::awaitable<json::object> probe_links(const ClusterPlan& plan, Fabric& fabric,
                                          std::vector<Link> links, milliseconds budget) {
  Tally tally;
  const std::vector<LinkState> states = states_of(fabric, links);
  std::vector<Link> probed;
  std::vector<Expected> expected;
  std::vector<PreventedConnection> connections;
  if (fabric.carries_datagrams()) {
    for (const auto& state : states) {
      const Expected intent = expected_datagrams(state.effect, budget / 2);
      if (intent == Expected::Unsure) {
        ++tally.skipped;
      } else {
        probed.push_back(state.link);
        expected.push_back(intent);
      }
    }
    connections = prevented_connections(states);
  } else {
    connections = stopped_connections(plan, states, tally.skipped);
  }
  if (connections.size() > kConnectionsMax) {
    tally.skipped += connections.size() - kConnectionsMax;
    connections.resize(kConnectionsMax);
  }

  // One after the other within one budget; connections that are cut take all of theirs.
  const milliseconds share = connections.empty() ? budget : budget / 2;
  const auto datagrams = co_await probe_pairs(plan, fabric, std::move(probed), share);
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    const bool good = expected[i] == Expected::Stay ? !datagrams[i].any : datagrams[i].all;
    tally.count(good, endpoint_name(plan, datagrams[i].link.from),
                endpoint_name(plan, datagrams[i].link.to));
  }
  const auto attempts = co_await try_connections(plan, fabric, connections, budget - share);
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    const auto& tried = connections[i];
    const bool good = attempts[i] == Attempt::Silent ||
                      (attempts[i] == Attempt::Refused && tried.mode != CutMode::Drop);
    tally.count(good, endpoint_name(plan, tried.from),
                endpoint_name(plan, tried.to) + ":" + std::to_string(tried.port));
  }
  const std::size_t as_intended = tally.pairs - tally.wrong.size();
  co_return json::object{{"pairs", tally.pairs},
                         {"as_intended", as_intended},
                         {"wrong", std::move(tally.wrong)},
                         {"skipped", tally.skipped}};
}

}  // namespace

asio::awaitable<json::object> verify_links(const ClusterPlan& plan, Fabric& fabric,
                                           std::vector<Link> links, milliseconds budget,
                                           std::function<std::optional<MonoTime>()> next_change,
                                           std::vector<RoundTrip> trips) {
  budget = co_await quiet_time(budget, next_change);
  if (trips.empty()) {
    co_return co_await probe_links(plan, fabric, std::move(links), budget);
  }
  const bool changes_soon = next_change().has_value();
  const milliseconds patience =
      changes_soon ? budget
                   : std::max(budget, std::min(slowest(fabric, trips) + kMargin, kRoundTripMax));
  std::vector<Link> timed;
  for (const RoundTrip& trip : trips) {
    timed.push_back(trip.link);
  }
  json::object verdict;
  const auto probe = [&]() -> asio::awaitable<void> {
    verdict = co_await probe_links(plan, fabric, std::move(links), budget);
  };
  const auto time = [&]() -> asio::awaitable<void> {
    const auto taken = co_await time_round_trips(plan, fabric, std::move(timed), patience);
    for (std::size_t i = 0; i < taken.size(); ++i) {
      trips[i].with = taken[i];
    }
  };
  std::vector<asio::awaitable<void>> both;
  both.push_back(probe());
  both.push_back(time());
  co_await join_all(std::move(both));
  verdict["rtt"] = round_trips_document(plan, trips);
  co_return verdict;
}

}  // namespace tinet
