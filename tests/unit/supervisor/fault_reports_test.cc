#include "src/supervisor/fault_reports.h"

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/supervisor/action_documents.h"
#include "tests/support/desk_world.h"

namespace tinet {
namespace {

using testing::HasSubstr;
using testing::Not;

Effect effect_of(Match match) {
  return {{{std::move(match), {.cut = CutMode::Drop}, {FaultId{1}}}}};
}

TEST(Narrowed, LeavesOutWhatMeansOtherPackets) {
  const PacketWords to_80{Protocol::Any, 80};
  EXPECT_TRUE(narrowed(effect_of({.to_ports = {81}}), to_80).empty());
  EXPECT_TRUE(narrowed(effect_of({.protocol = Protocol::Udp}), {Protocol::Tcp, {}}).empty());
  EXPECT_FALSE(narrowed(effect_of({.to_ports = {81}, .from_ports = {90}}), to_80).empty());
}

TEST(Narrowed, DropsConditionsThatThePacketsFulfil) {
  EXPECT_EQ(reachability(narrowed(effect_of({.to_ports = {80}}), {Protocol::Any, 80})), "no");
  EXPECT_EQ(reachability(narrowed(effect_of({.protocol = Protocol::Tcp, .to_ports = {80, 90}}),
                                  {Protocol::Tcp, 80})),
            "no");
  EXPECT_EQ(reachability(narrowed(effect_of({.protocol = Protocol::Tcp, .to_ports = {80}}),
                                  {Protocol::Any, 80})),
            "partial");
  EXPECT_EQ(reachability(narrowed(effect_of({.from_ports = {80}}), {Protocol::Any, 80})),
            "partial");
  EXPECT_EQ(reachability(narrowed(effect_of({.to_ports = {80}}), {})), "partial");
}

TEST(Why, AsksForThePacketAndNamesTheFault) {
  DeskWorld world(desk_plan(3));
  auto request = fault_request("partition", "n-0");
  request.peers = "n-1";
  request.service = "peer";
  request.direction = "out";
  request.summary = "partition n-0 --to n-1 --service peer";
  world.create(request);

  const auto why = world.desk.reports().why({"n-0", "n-1", "peer", "tcp"});
  EXPECT_EQ(world.fabric.asked.to_port, 2380);
  EXPECT_EQ(world.fabric.asked.protocol, Protocol::Tcp);
  EXPECT_EQ(why.at("reachable").as_string(), "no");
  EXPECT_EQ(why.at("port").to_number<int>(), 2380);
  EXPECT_EQ(why.at("text").as_string(),
            "tcp packets from n-0 to n-1:2380 are dropped by f1 (" + request.summary + ")");
  EXPECT_EQ(boost::json::serialize(why.at("faults")), R"(["f1"])");
  EXPECT_EQ(why.at("rules").as_array().size(), 2U);
  EXPECT_EQ(why.at("rule").as_string(), "rule 1; rule 2");
  EXPECT_EQ(why.at("notes").at(0).as_string(), "a note");

  EXPECT_EQ(world.desk.reports().why({"n-0", "n-1", "", ""}).at("reachable").as_string(),
            "partial");
  EXPECT_EQ(world.desk.reports().why({"n-0", "n-1", "99", "udp"}).at("reachable").as_string(),
            "yes");
  EXPECT_EQ(world.desk.reports().why({"n-0", "n-2", "", ""}).at("text").as_string(),
            "packets from n-0 to n-2 pass: no fault concerns them");
}

TEST(Why, SaysWhatBecomesOfThePackets) {
  DeskWorld world(desk_plan(2));
  const auto text = [&](LinkAction action) {
    world.fabric.effects[{0, 1}] = {{{{}, std::move(action), {FaultId{1}}}}};
    return std::string(world.desk.reports().why({"n-0", "n-1", "", ""}).at("text").as_string());
  };
  EXPECT_THAT(text({.cut = CutMode::Reject}), HasSubstr("are refused by f1"));
  EXPECT_THAT(text({.cut = CutMode::Reset}), HasSubstr("answered with a reset by f1"));
  EXPECT_THAT(text({.hold = true}), HasSubstr("are held by f1"));
  EXPECT_THAT(text({.loss = Ppm{5}}), HasSubstr("only in part, because of f1"));
  EXPECT_THAT(text({.duplicate = Ppm{5}}), HasSubstr("changed by f1"));
}

TEST(Why, NamesOnlyTheCutWhereEverythingIsCut) {
  DeskWorld world(desk_plan(2));
  LinkAction delay;
  delay.delay = Delay{.delay = std::chrono::milliseconds(5)};
  world.fabric.effects[{0, 1}] = {
      {{{.to_ports = {2380}}, {.cut = CutMode::Reject}, {FaultId{2}}}, {{}, delay, {FaultId{1}}}}};
  const auto why = world.desk.reports().why({"n-0", "n-1", "peer", ""});
  EXPECT_EQ(boost::json::serialize(why.at("faults")), R"(["f2"])");
  EXPECT_EQ(why.at("text").as_string(), "packets from n-0 to n-1:2380 are refused by f2");
}

TEST(Why, TellsOfAnswersThatDoNotComeBack) {
  DeskWorld world(desk_plan(2));
  const auto notes = [&](const std::string& port) {
    return boost::json::serialize(world.desk.reports().why({"n-0", "n-1", port, ""}).at("notes"));
  };
  world.fabric.effects[{1, 0}] = {{{{.protocol = Protocol::Tcp, .from_ports = {2380}},
                                    {.lost_replies = Ppm{5}},
                                    {FaultId{1}}}}};
  EXPECT_THAT(notes("2380"),
              HasSubstr("answers from n-1:2380 to n-0 arrive only in part, because of f1"));
  EXPECT_THAT(notes("80"), Not(HasSubstr("answers")));
  EXPECT_THAT(notes(""), HasSubstr("answers from n-1 to n-0 arrive only in part"));

  world.fabric.effects[{1, 0}] = {{{{}, {.cut = CutMode::Drop}, {FaultId{2}}}}};
  EXPECT_THAT(notes("80"), HasSubstr("answers from n-1:80 to n-0 are dropped by f2"));
  world.fabric.effects[{0, 1}] = world.fabric.effects[{1, 0}];
  EXPECT_THAT(notes("80"), Not(HasSubstr("answers"))) << "there is nothing to answer";
  world.fabric.effects[{0, 1}] = {};
  world.fabric.effects[{1, 0}] = {
      {{{.connections = Connections::New}, {.cut = CutMode::Drop}, {FaultId{2}}}}};
  EXPECT_THAT(notes("80"), Not(HasSubstr("answers"))) << "an answer opens no connection";
  world.fabric.effects[{1, 0}] = {
      {{{.protocol = Protocol::Icmp}, {.cut = CutMode::Drop}, {FaultId{2}}}}};
  EXPECT_THAT(notes("80"), Not(HasSubstr("answers"))) << "ICMP has no ports";
}

TEST(Why, RefusesWhatIsNoPacket) {
  DeskWorld world(desk_plan(2));
  const std::vector<WhyWords> wrong{{"n-0", "n-9", "", ""},    {"n-0", "n-0", "", ""},
                                    {"n-0", "n-1", "0", ""},   {"n-0", "n-1", "70000", ""},
                                    {"n-0", "n-1", "web", ""}, {"n-0", "client", "peer", ""},
                                    {"n-0", "n-1", "", "ip"},  {"n-0", "n-1", "80", "icmp"}};
  for (const auto& words : wrong) {
    try {
      static_cast<void>(world.desk.reports().why(words));
      ADD_FAILURE() << words.to << " " << words.port << " " << words.protocol;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Usage);
    }
  }
}

}  // namespace
}  // namespace tinet
