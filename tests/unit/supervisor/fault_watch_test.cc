#include "src/supervisor/fault_watch.h"

#include <array>
#include <chrono>
#include <functional>

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/desk_world.h"

namespace tinet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr WatchTimes kFast{.match_within = Milliseconds(30),
                           .audit_after_change = Milliseconds(1),
                           .audit_with_faults = Milliseconds(2),
                           .audit_at_rest = Milliseconds(2)};

/// Long enough that a test ends before it.
constexpr WatchTimes kNoAudits{.match_within = Milliseconds(30),
                               .audit_after_change = std::chrono::hours(1),
                               .audit_with_faults = std::chrono::hours(1),
                               .audit_at_rest = std::chrono::hours(1)};

bool said_matched_nothing(DeskWorld& world) {
  return world.desk.reports().documents(false).at(0).at("matched_nothing").as_bool();
}

/// Complaint 21 of the survey, pumba #273: no effect, no error.
TEST(FaultWatch, Complaint21TellsOfAFaultThatNoPacketMeets) {
  DeskWorld world(desk_plan(2), kNoAudits);
  world.desk.traffic_begins();
  world.create(fault_request("partition", "n-0"));
  EXPECT_FALSE(said_matched_nothing(world));
  EXPECT_TRUE(world.run_until([&] { return !world.events("fault-matched-nothing").empty(); }));
  EXPECT_THAT(world.events("fault-matched-nothing"),
              ElementsAre(HasSubstr("f1: no packet was meant in 30ms of traffic")));
  EXPECT_TRUE(said_matched_nothing(world));
  world.fabric.counts[FaultId{1}].rejected = 1;
  EXPECT_FALSE(said_matched_nothing(world));
}

TEST(FaultWatch, KeepsSilentAboutAFaultThatMeetsPackets) {
  DeskWorld world(desk_plan(2), kNoAudits);
  world.desk.traffic_begins();
  world.create(fault_request("partition", "n-0"));
  world.fabric.counts[FaultId{1}].dropped = 1;
  world.create(fault_request("partition", "n-1"));
  EXPECT_TRUE(world.run_until([&] { return !world.events("fault-matched-nothing").empty(); }));
  EXPECT_THAT(world.events("fault-matched-nothing"), ElementsAre(HasSubstr("f2")));
}

TEST(FaultWatch, WaitsForTheFirstProcess) {
  DeskWorld world(desk_plan(2), kNoAudits);
  auto first = fault_request("partition", "n-0");
  first.for_ms = 60;
  world.create(first);
  EXPECT_TRUE(world.run_until([&] { return world.desk.book().entries().empty(); }));
  EXPECT_THAT(world.events("fault-matched-nothing"), IsEmpty());
  world.create(fault_request("partition", "n-0"));
  world.desk.traffic_begins();
  EXPECT_TRUE(world.run_until([&] { return !world.events("fault-matched-nothing").empty(); }));
}

TEST(FaultWatch, SaysNothingWhileTheClusterRests) {
  DeskWorld world(desk_plan(2), kNoAudits);
  world.fabric.sent = 17;
  world.desk.traffic_begins();
  world.create(fault_request("partition", "n-0"));
  boost::asio::steady_timer later(world.loop, 5 * kNoAudits.match_within);
  bool over = false;
  later.async_wait([&](const boost::system::error_code& /*error*/) { over = true; });
  EXPECT_TRUE(world.run_until([&] { return over; }));
  EXPECT_THAT(world.events("fault-matched-nothing"), IsEmpty());
  EXPECT_FALSE(said_matched_nothing(world));

  // A single packet is no traffic that went on for so long.
  ++*world.fabric.sent;
  over = false;
  later.expires_after(5 * kNoAudits.match_within);
  later.async_wait([&](const boost::system::error_code& /*error*/) { over = true; });
  EXPECT_TRUE(world.run_until([&] { return over; }));
  EXPECT_THAT(world.events("fault-matched-nothing"), IsEmpty());
}

TEST(FaultWatch, CountsTheTimeInWhichAnythingTalks) {
  DeskWorld world(desk_plan(2), kNoAudits);
  world.fabric.sent = 0;
  world.desk.traffic_begins();
  world.create(fault_request("partition", "n-0"));
  const auto start = std::chrono::steady_clock::now();
  boost::asio::steady_timer talk(world.loop);
  std::function<void(const boost::system::error_code&)> send = [&](const auto& /*error*/) {
    ++*world.fabric.sent;
    talk.expires_after(Milliseconds(2));
    talk.async_wait(send);
  };
  send({});
  EXPECT_TRUE(world.run_until([&] { return !world.events("fault-matched-nothing").empty(); }));
  EXPECT_GE(std::chrono::steady_clock::now() - start, kNoAudits.match_within);
  EXPECT_TRUE(said_matched_nothing(world));
  world.heal();
  const auto ended = world.desk.reports().documents(true).at(0);
  EXPECT_TRUE(ended.at("matched_nothing").as_bool()) << "also when it is history";
}

TEST(FaultWatch, SaysNothingWhenTheFabricCannotBeAsked) {
  DeskWorld world(desk_plan(2), kNoAudits);
  world.fabric.traffic_fails = Error(ErrorKind::Operation, "no socket");
  world.desk.traffic_begins();
  world.create(fault_request("partition", "n-0"));
  boost::asio::steady_timer later(world.loop, 5 * kNoAudits.match_within);
  bool over = false;
  later.async_wait([&](const boost::system::error_code& /*error*/) { over = true; });
  EXPECT_TRUE(world.run_until([&] { return over; }));
  EXPECT_THAT(world.events("fault-matched-nothing"), IsEmpty());
}

TEST(FaultWatch, LooksAgainForMatchesWhenTheFabricCouldNotBeAsked) {
  DeskWorld world(desk_plan(2), kNoAudits);
  world.desk.traffic_begins();
  world.create(fault_request("partition", "n-0"));
  world.fabric.packets_fail = Error(ErrorKind::Operation, "no answer");
  EXPECT_TRUE(world.run_until([&] { return world.fabric.packets_failed >= 2; }));
  EXPECT_THAT(world.events("fault-matched-nothing"), IsEmpty());
  world.fabric.packets_fail.reset();
  EXPECT_TRUE(world.run_until([&] { return !world.events("fault-matched-nothing").empty(); }));
}

TEST(FaultWatch, GivesACutAfterBytesItsTime) {
  DeskWorld world(desk_plan(2), kNoAudits);
  world.desk.traffic_begins();
  auto request = fault_request("partition", "n-0");
  request.after_bytes = 1'000;
  world.create(request);
  world.create(fault_request("partition", "n-1"));
  EXPECT_TRUE(world.run_until([&] { return !world.events("fault-matched-nothing").empty(); }));
  EXPECT_FALSE(said_matched_nothing(world));
}

/// Complaint 4 of the survey, chaos-mesh #4545: says "injected" whatever the kernel does.
TEST(FaultWatch, Complaint04AuditsAndTellsOfDriftOnce) {
  DeskWorld world(desk_plan(2), kFast);
  world.fabric.drifts = {{"class 3 of port 1 is missing", false}};
  world.create(fault_request("partition", "n-0"));
  EXPECT_TRUE(world.run_until([&] { return world.fabric.audits >= 5; }));
  EXPECT_THAT(world.events("drift"),
              ElementsAre("class 3 of port 1 is missing; could not be repaired"));

  world.fabric.drifts = {{"class 3 of port 1 is missing", true}};
  world.run_until([&] { return world.events("drift").size() == 2; });
  world.fabric.drifts.clear();
  EXPECT_THAT(world.events("drift").at(1), HasSubstr("; repaired"));
}

TEST(FaultWatch, DoesNotTakeProbesForTheClustersTraffic) {
  DeskWorld world(desk_plan(2), kNoAudits);
  world.fabric.deaf = {{0, AF_INET}, {1, AF_INET}};
  world.fabric.sent = 0;
  world.fabric.talks = true;
  world.desk.traffic_begins();
  auto request = fault_request("partition", "n-0");
  request.verify_ms = 200;
  world.create(std::move(request));
  EXPECT_THAT(world.events("fault-matched-nothing"), IsEmpty());
  EXPECT_TRUE(world.run_until([&] { return !world.events("fault-matched-nothing").empty(); }))
      << "afterwards it counts";
}

TEST(FaultWatch, TellsOfQueuesThatAreFullNowAndThen) {
  WatchTimes times = kFast;
  times.queue_full_every = Milliseconds(20);
  DeskWorld world(desk_plan(2), times);
  auto slow = fault_request("delay", "n-0");
  slow.action.delay_ns = 1'000'000;
  world.create(slow);
  auto lossy = fault_request("loss", "n-0");
  lossy.action.loss_ppm = 1'000;
  world.create(lossy);
  world.fabric.counts[FaultId{1}].dropped = 7;
  world.fabric.counts[FaultId{2}].dropped = 9;
  EXPECT_TRUE(world.run_until([&] { return !world.events("queue-full").empty(); }));
  world.fabric.counts[FaultId{1}].dropped = 12;
  const MonoTime told = std::chrono::steady_clock::now();
  EXPECT_TRUE(world.run_until([&] { return world.events("queue-full").size() == 2; }));
  EXPECT_GE(std::chrono::steady_clock::now() - told, Milliseconds(10)) << "not at every audit";
  const int audits = world.fabric.audits;
  world.run_until([&] { return world.fabric.audits >= audits + 3; });
  EXPECT_THAT(world.events("queue-full"),
              ElementsAre("f1: 7 packets found their queue full and were dropped",
                          "f1: 5 packets found their queue full and were dropped"));
}

TEST(FaultWatch, BlamesNoQueueForWhatWentWithAWireThatDied) {
  DeskWorld world(desk_plan(2), kFast);
  world.create(fault_request("hold", "n-0"));
  world.fabric.drifts = {{"the wire had died", true}};
  world.fabric.counts[FaultId{1}].dropped = 7;
  EXPECT_TRUE(world.run_until([&] { return !world.events("drift").empty(); }));
  world.fabric.drifts.clear();
  const int audits = world.fabric.audits;
  world.run_until([&] { return world.fabric.audits >= audits + 3; });
  EXPECT_THAT(world.events("queue-full"), IsEmpty());
  world.fabric.counts[FaultId{1}].dropped = 9;
  EXPECT_TRUE(world.run_until([&] { return !world.events("queue-full").empty(); }));
  EXPECT_THAT(world.events("queue-full"),
              ElementsAre("f1: 2 packets found their queue full and were dropped"));
}

TEST(FaultWatch, DriftThatStaysIsSeenUntilItIsGone) {
  DeskWorld world(desk_plan(3), kFast);
  world.fabric.drifts = {{"foreign table 'bridge x' in the switch", false}};
  const auto drift = [&] { return boost::json::serialize(world.desk.reports().drift()); };
  EXPECT_TRUE(world.run_until([&] { return drift() != "[]"; }));
  EXPECT_EQ(drift(), R"(["foreign table 'bridge x' in the switch"])");
  EXPECT_EQ(world.desk.reports().network().at(2), "impaired");
  const auto links = world.desk.reports().links();
  EXPECT_EQ(boost::json::serialize(links.at(0).at("drift")), drift());
  const auto why = world.desk.reports().why({"n-0", "n-1", "", ""});
  EXPECT_THAT(boost::json::serialize(why.at("notes")),
              HasSubstr("the network is not as it should be: foreign table"));

  world.fabric.drifts = {{"port 'n-1' was deleted", false, Endpoint{1}}};
  EXPECT_TRUE(world.run_until([&] { return drift() == R"(["port 'n-1' was deleted"])"; }));
  EXPECT_EQ(world.desk.reports().network().at(1), "impaired");
  EXPECT_EQ(world.desk.reports().network().at(2), "ok");
  for (const auto& link : world.desk.reports().links()) {
    const bool meant = link.at("from") == "n-1" || link.at("to") == "n-1";
    EXPECT_EQ(link.as_object().contains("drift"), meant) << link;
  }

  world.fabric.drifts.clear();
  EXPECT_TRUE(world.run_until([&] { return drift() == "[]"; }));
  EXPECT_EQ(world.desk.reports().network().at(1), "ok");
}

TEST(FaultWatch, AuditsAtRestToo) {
  DeskWorld world(desk_plan(2), kFast);
  EXPECT_TRUE(world.run_until([&] { return world.fabric.audits >= 3; }));
}

TEST(FaultWatch, AuditsAtOnceWhenAProcessThatFaultsNeedHasEnded) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]);
  UniqueFd helper(ends[1]);
  DeskWorld world(desk_plan(2), kNoAudits);
  world.fabric.helper_fd = read_end.get();
  world.create(fault_request("partition", "n-0"));
  EXPECT_EQ(world.fabric.audits, 0);
  helper.reset();
  EXPECT_TRUE(world.run_until([&] { return world.fabric.audits == 1; }));
  // This one has ended, too: it is not replaced again and again without a pause.
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(world.run_until([&] { return world.fabric.audits == 2; }));
  EXPECT_GE(std::chrono::steady_clock::now() - start, Milliseconds(900));
}

TEST(FaultWatch, DoesNothingAfterShutDown) {
  DeskWorld world(desk_plan(2), kFast);
  world.desk.traffic_begins();
  world.create(fault_request("partition", "n-0"));
  world.desk.shut_down();
  const int audits = world.fabric.audits;
  world.loop.restart();
  world.loop.run();
  EXPECT_EQ(world.fabric.audits, audits);
  EXPECT_THAT(world.events("fault-matched-nothing"), IsEmpty());
}

}  // namespace
}  // namespace tinet
