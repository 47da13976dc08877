#include "src/supervisor/probe_intent.h"

#include <gtest/gtest.h>

namespace tinet {
namespace {

using std::chrono::milliseconds;

Expected expected(Match match, LinkAction action, milliseconds budget = milliseconds(1000)) {
  return expected_datagrams({{{std::move(match), std::move(action), {FaultId{1}}}}}, budget);
}

TEST(ExpectedDatagrams, StayWhereEverythingIsKeptAway) {
  EXPECT_EQ(expected({}, {.cut = CutMode::Reject}), Expected::Stay);
  EXPECT_EQ(expected({.protocol = Protocol::Udp}, {.cut = CutMode::Drop}), Expected::Stay);
  EXPECT_EQ(expected({}, {.hold = true}), Expected::Stay);
  EXPECT_EQ(expected({}, {.loss = Ppm{1'000'000}}), Expected::Stay);
}

TEST(ExpectedDatagrams, ArriveWhereSomeOfManyPass) {
  EXPECT_EQ(expected_datagrams({}, milliseconds(1)), Expected::Arrive);
  EXPECT_EQ(expected({}, {.loss = Ppm{500'000}}), Expected::Arrive);
  EXPECT_EQ(expected({}, {.delay = Delay{.delay = milliseconds(500)}}), Expected::Arrive);
  EXPECT_EQ(expected({}, {.rate = Rate{1'000'000, 0, 0}}), Expected::Arrive);
}

TEST(ExpectedDatagrams, ArriveWhereOthersAreMeant) {
  const LinkAction cut{.cut = CutMode::Drop};
  EXPECT_EQ(expected({.protocol = Protocol::Tcp}, cut), Expected::Arrive);
  EXPECT_EQ(expected({.to_ports = {2380}}, cut), Expected::Arrive);
  EXPECT_EQ(expected({.connections = Connections::New}, cut), Expected::Arrive);
}

TEST(ExpectedDatagrams, AreUnsureWhereChanceOrCountingDecides) {
  const LinkAction cut{.cut = CutMode::Drop};
  EXPECT_EQ(expected({}, {.loss = Ppm{500'001}}), Expected::Unsure);
  EXPECT_EQ(expected({}, {.bursts = {{Ppm{1}, Ppm{1}}}}), Expected::Unsure);
  EXPECT_EQ(expected({}, {.delay = Delay{.delay = milliseconds(501)}}), Expected::Unsure);
  EXPECT_EQ(expected({}, {.delay = Delay{.delay = milliseconds(100), .jitter = milliseconds(101)}}),
            Expected::Unsure);
  EXPECT_EQ(expected({}, {.rate = Rate{999'999, 0, 0}}), Expected::Unsure);
  EXPECT_EQ(expected({.first = 3}, cut), Expected::Unsure);
  EXPECT_EQ(expected({.after_bytes = 3}, cut), Expected::Unsure);
  EXPECT_EQ(expected({.to_ports = {40'000}}, cut), Expected::Unsure);
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
