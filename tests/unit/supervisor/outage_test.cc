#include "src/supervisor/outage.h"

#include <gtest/gtest.h>

namespace tinet {
namespace {

using std::chrono::seconds;

Fault fault_of(Match match, LinkAction action) {
  Fault fault;
  fault.clauses = {{std::move(match), std::move(action)}};
  return fault;
}

constexpr PacketCounts kDropped{.dropped = 1};

TEST(ResidualOutage, LastsAsLongAsTheCutDid) {
  const Fault cut = fault_of({}, {.cut = CutMode::Drop});
  EXPECT_EQ(residual_outage(cut, kDropped, seconds(12)), seconds(12));
  EXPECT_EQ(residual_outage(cut, kDropped, seconds(1000)), seconds(120));
  EXPECT_EQ(residual_outage(fault_of({}, {.loss = Ppm{900'000}}), kDropped, seconds(3)),
            seconds(3));
}

TEST(ResidualOutage, IsAtMostTheLongestPauseOfTheCluster) {
  const Fault cut = fault_of({}, {.cut = CutMode::Drop});
  EXPECT_EQ(residual_outage(cut, kDropped, seconds(9), seconds(1)), seconds(1));
  EXPECT_EQ(residual_outage(cut, kDropped, Milliseconds(400), seconds(1)), Milliseconds(400));
}

TEST(ResidualOutage, OfAFlapIsOnePhase) {
  Fault flap = fault_of({}, {.cut = CutMode::Drop});
  flap.flap = Flap{seconds(2), seconds(1), 0, {}};
  EXPECT_EQ(residual_outage(flap, kDropped, seconds(60)), seconds(2));
  EXPECT_EQ(residual_outage(flap, kDropped, seconds(1)), seconds(1));
}

TEST(ResidualOutage, IsNoneWhereNoSegmentWasKeptAway) {
  EXPECT_EQ(residual_outage(fault_of({}, {.cut = CutMode::Drop}), {}, seconds(9)), std::nullopt);
  EXPECT_EQ(residual_outage(fault_of({}, {.cut = CutMode::Reset}), kDropped, seconds(9)),
            std::nullopt);
  EXPECT_EQ(residual_outage(fault_of({.protocol = Protocol::Udp}, {.cut = CutMode::Drop}), kDropped,
                            seconds(9)),
            std::nullopt);
  EXPECT_EQ(residual_outage(fault_of({}, {.loss = Ppm{10'000}}), kDropped, seconds(9)),
            std::nullopt);
}

TEST(OutageNote, SaysHowLongAndWhatHelps) {
  EXPECT_EQ(outage_note(Milliseconds(12'300), Milliseconds(12'300)),
            "healed after 12.3 s; TCP connections that were retransmitting may take up to 12.3 s "
            "more to resume; 'tinet heal --kick' ends them");
}

}  // namespace
}  // namespace tinet
