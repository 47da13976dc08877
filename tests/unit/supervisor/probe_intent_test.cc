#include "src/supervisor/probe_intent.h"

#include <string>

#include <gtest/gtest.h>

namespace tinet {
namespace {

using std::chrono::milliseconds;

constexpr FaultId kFault{1};
constexpr FaultId kOther{2};
constexpr ProbeLimits kLimits{milliseconds(1000), 1'000};
constexpr LinkAction kCut{.cut = CutMode::Drop};

Expected expected(Match match, LinkAction action, FaultId fault = kFault) {
  return expected_datagrams({{{std::move(match), std::move(action), {kFault}}}}, fault, kLimits);
}

bool is_unsure(const Expected& expected, const std::string& reason) {
  return expected.fate == Expected::Fate::Unsure &&
         expected.reason.find(reason) != std::string::npos;
}

TEST(ExpectedDatagrams, StayWhereEverythingIsKeptAway) {
  for (const LinkAction& action : {LinkAction{.cut = CutMode::Reject}, LinkAction{.hold = true},
                                   LinkAction{.loss = Ppm{1'000'000}}}) {
    EXPECT_EQ(expected({}, action).fate, Expected::Fate::Stay);
  }
  EXPECT_EQ(expected({.protocol = Protocol::Udp}, kCut).fate, Expected::Fate::Stay);
}

TEST(ExpectedDatagrams, ArriveWhereOthersAreMeantThatConnectionsShow) {
  EXPECT_EQ(expected_datagrams({}, kFault, kLimits), Expected{});
  EXPECT_EQ(expected({.protocol = Protocol::Tcp}, kCut), Expected{});
  EXPECT_EQ(expected({.to_ports = {2380}}, kCut), Expected{});
  EXPECT_EQ(expected({.connections = Connections::New}, kCut), Expected{});
}

TEST(ExpectedDatagrams, MustShowWhatChanceDoes) {
  const Expected lossy = expected({}, {.loss = Ppm{100'000}});
  EXPECT_EQ(lossy.lost, Ppm{100'000});
  EXPECT_EQ(lossy.tries, 197U) << "0.9^197 is less than 1e-9";
  EXPECT_EQ(expected({}, {.corrupt = Ppm{1'000'000}}).tries, 1U);
  EXPECT_EQ(expected({}, {.corrupt = Ppm{1'000'000}}).corrupted, Ppm{1'000'000});
  const Expected twice = expected({}, {.loss = Ppm{500'000}, .duplicate = Ppm{200'000}});
  EXPECT_EQ(twice.duplicated, Ppm{200'000});
  EXPECT_EQ(twice.tries, 197U) << "every tenth arrives and is doubled";
  EXPECT_TRUE(
      is_unsure(expected({}, {.loss = Ppm{10'000}}), "1000 probes of each pair are too few"));
  EXPECT_EQ(expected({}, {.loss = Ppm{100'000}}, kOther).lost, Ppm{}) << "another's only";
}

TEST(ExpectedDatagrams, MustTakeAsLongAsADelaySays) {
  const Expected late = expected({}, {.delay = Delay{.delay = milliseconds(500)}});
  EXPECT_EQ(late.delay, milliseconds(500));
  EXPECT_TRUE(is_unsure(expected({}, {.delay = Delay{.delay = milliseconds(501)}}),
                        "longer than probes wait"));
  const Delay vague{.delay = milliseconds(100), .jitter = milliseconds(50)};
  EXPECT_TRUE(is_unsure(expected({}, {.delay = vague}), "jitter hides"));
  EXPECT_EQ(expected({}, {.delay = vague}, kOther), Expected{});
}

TEST(ExpectedDatagrams, AreUnsureOfWhatTheyCannotShow) {
  EXPECT_TRUE(is_unsure(expected({.protocol = Protocol::Icmp}, kCut), "no ICMP"));
  EXPECT_TRUE(
      is_unsure(expected({.protocol = Protocol::Icmp}, {.corrupt = Ppm{1'000'000}}), "no ICMP"));
  EXPECT_TRUE(is_unsure(expected({.from_ports = {2380}}, {.lost_replies = Ppm{1'000'000}}),
                        "only replies"));
  EXPECT_TRUE(is_unsure(expected({}, {.lost_replies = Ppm{1'000'000}}), "only replies"));
  EXPECT_TRUE(is_unsure(expected({.to_ports = {2380}}, {.corrupt = Ppm{1'000'000}}),
                        "only a cut of some packets"));
  EXPECT_TRUE(is_unsure(expected({.protocol = Protocol::Udp, .to_ports = {53}}, kCut), "UDP"));
  EXPECT_TRUE(is_unsure(expected({}, {.bursts = {{Ppm{1}, Ppm{1}}}}), "bursts"));
  EXPECT_TRUE(is_unsure(expected({}, {.reorder = Ppm{1}}), "overtake"));
  EXPECT_TRUE(is_unsure(expected({}, {.rate = Rate{1'000'000, 0, 0}}), "rate"));
  EXPECT_TRUE(is_unsure(expected({}, {.rate = Rate{999'999, 0, 0}}, kOther), "rate"));
  EXPECT_EQ(expected({}, {.rate = Rate{1'000'000, 0, 0}}, kOther), Expected{});
  EXPECT_TRUE(is_unsure(expected({.first = 3}, kCut), "use up"));
  EXPECT_TRUE(is_unsure(expected({.after_bytes = 3}, kCut), "use up"));
  EXPECT_TRUE(is_unsure(expected({.connections = Connections::Established}, kCut), "open"));
  EXPECT_TRUE(is_unsure(expected({.to_ports = {40'000}}, kCut), "ports that probes may have"));
}

TEST(ExpectedDatagrams, AreSureOfACutWhateverElseIsThere) {
  const Effect both{
      {{{.protocol = Protocol::Icmp}, {.loss = Ppm{1}}, {kFault}}, {{}, kCut, {kOther}}}};
  EXPECT_EQ(expected_datagrams(both, kFault, kLimits).fate, Expected::Fate::Stay);
}

Effect cut_by(Match match, CutMode mode = CutMode::Drop) {
  return {{{std::move(match), {.cut = mode}, {kOther}}}};
}

TEST(CountsRoundTrip, WhereEitherWayHasAFaultThatCountsDatagrams) {
  for (const Match& match :
       {Match{.first = 5}, Match{.after_bytes = 1}, Match{.protocol = Protocol::Udp, .first = 5},
        Match{.to_ports = {40'000}, .first = 5}}) {
    EXPECT_TRUE(counts_round_trip(cut_by(match), {}));
    EXPECT_TRUE(counts_round_trip({}, cut_by(match)));
  }
  for (const Match& match :
       {Match{}, Match{.protocol = Protocol::Tcp, .first = 5}, Match{.to_ports = {80}, .first = 5},
        Match{.protocol = Protocol::Icmp, .first = 5},
        Match{.connections = Connections::New, .first = 5}}) {
    EXPECT_FALSE(counts_round_trip(cut_by(match), {}));
    EXPECT_FALSE(counts_round_trip({}, cut_by(match)));
  }
}

TEST(CountsRefusals, WhereErrorsAreCountedThatAnswerDatagrams) {
  const Effect refusing = cut_by({}, CutMode::Reject);
  const Effect counting = cut_by({.protocol = Protocol::Icmp, .first = 5});
  EXPECT_TRUE(counts_refusals(refusing, counting));
  EXPECT_TRUE(counts_refusals(refusing, cut_by({.first = 5})));
  EXPECT_TRUE(counts_round_trip(counting, refusing));
  EXPECT_FALSE(counts_refusals(cut_by({}), counting));
  EXPECT_FALSE(counts_refusals(cut_by({.protocol = Protocol::Tcp}, CutMode::Reject), counting));
  EXPECT_FALSE(counts_refusals(refusing, cut_by({.protocol = Protocol::Icmp})));
  EXPECT_FALSE(counts_refusals(refusing, cut_by({.protocol = Protocol::Udp, .first = 5})));
}

TEST(LeaveCounted, TakesAwayConnectionsWhoseSegmentsAreCounted) {
  const auto left = [](std::uint16_t port, Match there, Match back) {
    std::vector<PreventedConnection> connections{{0, 1, port, CutMode::Drop}};
    const std::size_t gone = leave_counted(
        connections, {{{0, 1}, cut_by(std::move(there))}, {{1, 0}, cut_by(std::move(back))}});
    EXPECT_EQ(gone + connections.size(), 1U);
    return connections.size() == 1;
  };
  EXPECT_TRUE(left(80, {}, {}));
  EXPECT_FALSE(left(80, {.first = 5}, {}));
  EXPECT_FALSE(left(80, {}, {.after_bytes = 1}));
  EXPECT_FALSE(left(80, {.to_ports = {80}, .first = 5}, {}));
  EXPECT_FALSE(left(80, {}, {.from_ports = {80}, .first = 5}));
  EXPECT_TRUE(left(80, {.to_ports = {81}, .first = 5}, {.from_ports = {81}, .first = 5}));
  EXPECT_FALSE(left(0, {.to_ports = {40'000}, .first = 5}, {})) << "a port that the kernel gives";
  EXPECT_TRUE(left(80, {.protocol = Protocol::Udp, .first = 5}, {}));
  EXPECT_FALSE(left(80, {.connections = Connections::New, .first = 5}, {}));
  EXPECT_TRUE(left(80, {}, {.connections = Connections::New, .first = 5}));
  EXPECT_TRUE(left(80, {.connections = Connections::Established}, {}));
}

Sighted sighted(std::size_t sent, std::size_t intact, std::size_t corrupted = 0,
                std::size_t copies = 0) {
  Sighted all;
  all.sent = sent;
  all.intact = intact;
  all.corrupted = corrupted;
  all.copies = copies;
  return all;
}

TEST(AsIntended, TakesOnlyWhatWasSeen) {
  EXPECT_TRUE(as_intended({.fate = Expected::Fate::Stay}, sighted(20, 0)));
  EXPECT_FALSE(as_intended({.fate = Expected::Fate::Stay}, sighted(20, 0, 1)));
  EXPECT_TRUE(as_intended({}, sighted(2, 1)));
  EXPECT_FALSE(as_intended({}, sighted(20, 0)));

  EXPECT_TRUE(as_intended({.lost = Ppm{5}}, sighted(20, 19)));
  EXPECT_FALSE(as_intended({.lost = Ppm{5}}, sighted(20, 20)));
  EXPECT_TRUE(as_intended({.corrupted = Ppm{5}}, sighted(20, 19, 1)));
  EXPECT_FALSE(as_intended({.corrupted = Ppm{5}}, sighted(20, 20)));
  EXPECT_TRUE(as_intended({.corrupted = Ppm{1'000'000}}, sighted(1, 0, 1)));
  EXPECT_FALSE(as_intended({.corrupted = Ppm{1'000'000}}, sighted(2, 1, 1)));
  EXPECT_TRUE(as_intended({.duplicated = Ppm{5}}, sighted(20, 20, 0, 1)));
  EXPECT_TRUE(
      as_intended({.corrupted = Ppm{1'000'000}, .duplicated = Ppm{1'000'000}}, sighted(1, 0, 2)));
  EXPECT_FALSE(as_intended({.duplicated = Ppm{5}}, sighted(20, 20)));
}

TEST(AsIntended, ComparesTimesWithTheDelay) {
  Sighted seen = sighted(3, 3);
  seen.taken = {milliseconds(12), milliseconds(10), milliseconds(11)};
  EXPECT_TRUE(as_intended({.delay = milliseconds(10)}, seen));
  EXPECT_FALSE(as_intended({.delay = milliseconds(11)}, seen));
  EXPECT_TRUE(as_intended({.delay = milliseconds(20), .jitter = milliseconds(5)}, seen));
  EXPECT_FALSE(as_intended({.delay = milliseconds(24), .jitter = milliseconds(5)}, seen));
}

LinkState state(Link link, Match match, CutMode mode) {
  return {link, {{{std::move(match), {.cut = mode}, {FaultId{1}}}}}, {}};
}

TEST(PreventedConnections, AreFoundFromBothHalves) {
  const auto found = prevented_connections({
      state({0, 1}, {.to_ports = {80, 81}}, CutMode::Drop),
      state({1, 0}, {.from_ports = {80, 81}}, CutMode::Drop),
      state({2, 0}, {.from_ports = {90}}, CutMode::Reset),
  });
  const std::vector<PreventedConnection> expected{
      {0, 1, 80, CutMode::Drop}, {0, 1, 81, CutMode::Drop}, {0, 2, 90, CutMode::Reset}};
  EXPECT_EQ(found, expected);
}

TEST(PreventedConnections, AreToAnyPortWhereNoneIsNamed) {
  const auto found = prevented_connections({
      state({0, 1}, {.protocol = Protocol::Tcp}, CutMode::Reject),
      state({1, 2}, {.connections = Connections::New}, CutMode::Drop),
      {{2, 3}, {{{{.to_ports = {80}}, {.loss = Ppm{1'000'000}}, {FaultId{1}}}}}, {}},
  });
  const std::vector<PreventedConnection> expected{
      {0, 1, 0, CutMode::Reject}, {1, 2, 0, CutMode::Drop}, {2, 3, 80, CutMode::Drop}};
  EXPECT_EQ(found, expected);
}

TEST(PreventedConnections, LeaveOutWhatPreventsNone) {
  EXPECT_TRUE(
      prevented_connections(
          {state({0, 1}, {}, CutMode::Drop),
           state({0, 2}, {.protocol = Protocol::Udp, .to_ports = {80}}, CutMode::Drop),
           state({0, 3}, {.to_ports = {80}, .first = 1}, CutMode::Drop),
           state({0, 4}, {.to_ports = {80}, .connections = Connections::Established},
                 CutMode::Drop),
           state({0, 5}, {.from_ports = {80}, .connections = Connections::New}, CutMode::Drop),
           {{0, 6}, {{{{.to_ports = {80}}, {.loss = Ppm{1}}, {FaultId{1}}}}}, {}}})
          .empty());
}

TEST(StoppedConnections, AreThoseOfServicesAtEitherEndOfAWholeCut) {
  ClusterPlan plan;
  plan.instances.resize(2);
  plan.instances[0].services = {{"client", 1}};
  plan.instances[1].services = {{"client", 1}, {"peer", 2}};
  std::size_t skipped = 0;
  const LinkState delayed{
      {1, 0}, {{{{}, {.delay = Delay{.delay = milliseconds(1)}}, {FaultId{2}}}}}, {}};
  const auto found =
      stopped_connections(plan, {state({0, 1}, {}, CutMode::Reject), delayed}, skipped);
  const std::vector<PreventedConnection> expected{
      {0, 1, 1, CutMode::Reject}, {0, 1, 2, CutMode::Reject}, {1, 0, 1, CutMode::Reject}};
  EXPECT_EQ(found, expected);
  EXPECT_EQ(skipped, 1U);
}

}  // namespace
}  // namespace tinet
