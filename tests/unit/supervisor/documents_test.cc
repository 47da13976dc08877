#include "src/supervisor/documents.h"

#include <chrono>

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "src/base/error.h"

namespace tinet {
namespace {

bool seen(Link /*link*/) {
  return true;
}

ClusterPlan plan_of(int count) {
  ClusterPlan plan;
  for (int i = 0; i < count; ++i) {
    InstancePlan instance;
    instance.name = "tikv-" + std::to_string(i);
    plan.instances.push_back(instance);
  }
  return plan;
}

LinkState cut(Endpoint from, Endpoint to) {
  LinkState state;
  state.link = {from, to};
  state.effect.clauses = {{{}, {.cut = CutMode::Drop}, {FaultId{1}}}};
  return state;
}

TEST(EndpointName, ClientComesAfterTheLastInstance) {
  const ClusterPlan plan = plan_of(2);
  EXPECT_EQ(endpoint_name(plan, 1), "tikv-1");
  EXPECT_EQ(endpoint_name(plan, 2), "client");
  EXPECT_EQ(endpoint_named(plan, "client"), 2);
}

TEST(EndpointName, UnknownNameSuggestsTheNearest) {
  try {
    static_cast<void>(endpoint_named(plan_of(2), "tikv-9"));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_NE(error.hint().find("did you mean 'tikv-"), std::string::npos) << error.hint();
  }
}

TEST(FaultDocument, HasTheNormativeMembers) {
  Fault fault;
  fault.id = {7};
  fault.target = {"tikv-0"};
  fault.peers = {"tikv-1"};
  fault.links = {{0, 1}, {1, 0}};
  fault.clauses = {{{}, {.cut = CutMode::Drop}}};
  fault.created_at_unix_ms = 42;
  const MonoTime now{};
  fault.end = now + std::chrono::milliseconds(1500);
  FaultFacts facts;
  facts.packets.dropped = 3;
  facts.since = now - std::chrono::milliseconds(500);
  const auto document = fault_document(plan_of(2), fault, facts, now);
  EXPECT_EQ(document.at("id").as_string(), "f7");
  EXPECT_EQ(document.at("kind").as_string(), "partition");
  EXPECT_EQ(boost::json::serialize(document.at("links")),
            R"([["tikv-0","tikv-1"],["tikv-1","tikv-0"]])");
  EXPECT_EQ(document.at("expires_in_ms").as_int64(), 1500);
  EXPECT_EQ(document.at("lasts_ms").as_int64(), 2000);
  EXPECT_EQ(document.at("packets").at("dropped").as_uint64(), 3U);
  EXPECT_EQ(document.at("mechanism").as_string(), "nftables");
  EXPECT_TRUE(document.at("atomic").as_bool());
}

Fault fault_of(std::vector<FaultClause> clauses, std::vector<std::uint32_t> clause_of = {}) {
  Fault fault;
  fault.links = {{0, 1}, {1, 0}};
  fault.clauses = std::move(clauses);
  fault.clause_of = std::move(clause_of);
  return fault;
}

std::string params_of(const Fault& fault) {
  return boost::json::serialize(fault_document(plan_of(2), fault, {}, {}).at("params"));
}

TEST(FaultDocument, SaysWhatTheFaultDoes) {
  EXPECT_EQ(params_of(fault_of({{{}, {.cut = CutMode::Reject}}})), R"({"mode":"reject"})");
  LinkAction action{.loss = Ppm{100'000}, .delay = Delay{.delay = Milliseconds(50)}, .seed = 7};
  action.delay->jitter = Nanoseconds(500'000);
  EXPECT_EQ(params_of(fault_of({{{}, action}})),
            R"({"loss":"10%","delay_ms":50,"jitter_ms":5E-1,"distribution":"uniform","seed":7})");
  Fault flap = fault_of({{{.to_ports = {80}}, {.cut = CutMode::Drop}}});
  flap.flap = Flap{Milliseconds(20), Milliseconds(10), 3, {}};
  EXPECT_EQ(
      params_of(flap),
      R"({"mode":"drop","match":{"to_ports":[80]},"flap":{"down_ms":20,"up_ms":10,"times":3}})");
}

TEST(FaultDocument, SaysHowLinksDiffer) {
  EXPECT_EQ(
      params_of(fault_of({{{.to_ports = {80}}, {.cut = CutMode::Drop}},
                          {{.from_ports = {80}}, {.cut = CutMode::Drop}}},
                         {0, 1})),
      R"({"mode":"drop","clauses":[{"links":[["tikv-0","tikv-1"]],"match":{"to_ports":[80]}},)"
      R"({"links":[["tikv-1","tikv-0"]],"match":{"from_ports":[80]}}]})");
  EXPECT_EQ(params_of(fault_of({{{}, {.loss = Ppm{10'000}}}, {{}, {.loss = Ppm{20'000}}}}, {0, 1})),
            R"({"clauses":[{"loss":"1%","links":[["tikv-0","tikv-1"]],"match":{}},)"
            R"({"loss":"2%","links":[["tikv-1","tikv-0"]],"match":{}}]})");
}

TEST(FaultDocument, PermanentFaultHasNoEnd) {
  Fault fault;
  fault.id = {1};
  EXPECT_TRUE(fault_document(plan_of(1), fault, {}, {}).at("expires_in_ms").is_null());
  EXPECT_TRUE(fault_document(plan_of(1), fault, {}, {}).at("lasts_ms").is_null());
}

TEST(LinksDocument, NamesEveryPairInOrderAndTheClientOnlyWhenTouched) {
  const auto links = links_document(plan_of(2), {cut(2, 0), cut(1, 0)}, seen);
  std::string text;
  for (const auto& link : links) {
    text += std::string(link.at("from").as_string()) + ">" +
            std::string(link.at("to").as_string()) + " " +
            std::string(link.at("reachable").as_string()) + "; ";
  }
  EXPECT_EQ(text, "tikv-0>tikv-1 yes; tikv-1>tikv-0 no; client>tikv-0 no; ");
}

TEST(LinksDocument, OfALargeClusterNamesOnlyWhatIsKnown) {
  const ClusterPlan plan = plan_of(static_cast<int>(kMatrixInstances) + 1);
  EXPECT_EQ(links_document(plan, {cut(1, 0)}, seen).size(), 1U);
}

TEST(NetworkStates, CutOnlyWhenNoPeerIsLeft) {
  const ClusterPlan plan = plan_of(3);
  auto states = network_states(plan, {cut(0, 1), cut(0, 2)});
  EXPECT_EQ(states.at(0), "cut");
  EXPECT_EQ(states.at(1), "impaired");
  EXPECT_EQ(states.at(2), "impaired");
  states = network_states(plan, {cut(0, 1)});
  EXPECT_EQ(states.at(0), "impaired");
  EXPECT_EQ(states.at(2), "ok");
}

TEST(NetworkStates, TheClientsLinksDoNotCount) {
  const ClusterPlan plan = plan_of(2);
  EXPECT_EQ(network_states(plan, {cut(0, 2), cut(2, 0)}).at(0), "ok");
}

TEST(NetworkStates, ALoneInstanceIsNeverCut) {
  EXPECT_EQ(network_states(plan_of(1), {}).at(0), "ok");
}

}  // namespace
}  // namespace tinet
