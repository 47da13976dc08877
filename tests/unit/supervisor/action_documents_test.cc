#include "src/supervisor/action_documents.h"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace tinet {
namespace {

std::string text_of(const boost::json::object& document) {
  return boost::json::serialize(document);
}

Effect effect_of(Match match, LinkAction action) {
  return {{{std::move(match), std::move(action), {FaultId{1}}}}};
}

TEST(ActionDocument, NamesEverythingThatHappensAndNothingElse) {
  EXPECT_EQ(text_of(action_document({})), "{}");
  LinkAction all;
  all.cut = CutMode::Reset;
  all.loss = Ppm{1};
  all.lost_replies = Ppm{20'000};
  all.bursts = {{Ppm{10'000}, Ppm{500'000}}};
  all.delay = Delay{.delay = Milliseconds(2),
                    .jitter = Milliseconds(1),
                    .distribution = Distribution::Pareto,
                    .correlation = Ppm{250'000}};
  all.duplicate = Ppm{30'000};
  all.corrupt = Ppm{40'000};
  all.silent_corruption = true;
  all.reorder = Ppm{50'000};
  all.rate = Rate{10'000'000, 1'500, 20};
  all.hold = true;
  EXPECT_EQ(
      text_of(action_document(all)),
      R"({"cut":"reset","loss":"0.0001%","lost_replies":"2%","bursts":[{"begin":"1%","end":"50%"}],)"
      R"("delay_ms":2,"jitter_ms":1,"distribution":"pareto","correlation":"25%","duplicate":"3%",)"
      R"("corrupt":"4%","silent":true,"reorder":"5%","rate":"10mbit","rate_bits":10000000,)"
      R"("rate_burst_bytes":1500,"rate_queue_packets":20,"hold":true})");
}

TEST(MatchDocument, NamesEveryCondition) {
  EXPECT_EQ(text_of(match_document({})), "{}");
  EXPECT_EQ(text_of(match_document({.protocol = Protocol::Tcp,
                                    .to_ports = {80},
                                    .from_ports = {90},
                                    .connections = Connections::New,
                                    .first = 3,
                                    .after_bytes = 4})),
            R"({"protocol":"tcp","to_ports":[80],"from_ports":[90],"connections":"new",)"
            R"("first":3,"after_bytes":4})");
}

TEST(EffectDocument, KeepsScopedPartsApart) {
  Effect effect = effect_of({}, {.loss = Ppm{10'000}});
  effect.clauses.push_back({{.to_ports = {80}}, {.cut = CutMode::Drop}, {FaultId{2}}});
  EXPECT_EQ(text_of(effect_document(effect)),
            R"({"loss":"1%","scoped":[{"cut":"drop","match":{"to_ports":[80]}}]})");
  EXPECT_EQ(text_of(effect_document({})), "{}");
}

TEST(Reachability, IsNoWhenNoPacketArrives) {
  EXPECT_EQ(reachability(effect_of({}, {.cut = CutMode::Reject})), "no");
  EXPECT_EQ(reachability(effect_of({}, {.loss = Ppm{1'000'000}})), "no");
  EXPECT_EQ(reachability(effect_of({}, {.hold = true})), "no");
}

TEST(Reachability, IsPartialWhenSomeArrive) {
  EXPECT_EQ(reachability(effect_of({.to_ports = {80}}, {.cut = CutMode::Drop})), "partial");
  EXPECT_EQ(reachability(effect_of({.first = 1}, {.hold = true})), "partial");
  EXPECT_EQ(reachability(effect_of({}, {.loss = Ppm{1}})), "partial");
  EXPECT_EQ(reachability(effect_of({}, {.lost_replies = Ppm{1}})), "partial");
  EXPECT_EQ(reachability(effect_of({}, {.bursts = {{Ppm{1}, Ppm{1}}}})), "partial");
  EXPECT_EQ(reachability(effect_of({}, {.corrupt = Ppm{1}})), "partial");
}

TEST(Reachability, IsYesWhenAllArriveBeItLate) {
  EXPECT_EQ(reachability({}), "yes");
  EXPECT_EQ(reachability(effect_of({}, {.delay = Delay{.delay = Milliseconds(5)}})), "yes");
  EXPECT_EQ(reachability(effect_of({}, {.duplicate = Ppm{1}})), "yes");
  EXPECT_EQ(reachability(effect_of({}, {.rate = Rate{8, 0, 0}})), "yes");
}

}  // namespace
}  // namespace tinet
