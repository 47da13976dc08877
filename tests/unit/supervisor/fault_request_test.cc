#include "src/supervisor/fault_request.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"

namespace tinet {
namespace {

using api::FaultRequest;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// n-0, n-1, n-2 in zones a, b, a; service "peer" on 2380, and n-0 has "client" on 2379.
ClusterPlan plan() {
  ClusterPlan plan;
  for (const auto* zone : {"a", "b", "a"}) {
    InstancePlan instance;
    instance.name = "n-" + std::to_string(plan.instances.size());
    instance.component = "n";
    instance.zone = zone;
    instance.services = {{"peer", 2380}};
    plan.instances.push_back(std::move(instance));
  }
  plan.instances[0].services.push_back({"client", 2379});
  return plan;
}

SelectorScope scope() {
  SelectorScope scope;
  for (const auto& instance : plan().instances) {
    scope.members.push_back({instance.name, instance.component, instance.zone});
  }
  scope.client = 3;
  scope.seed = 11;
  return scope;
}

const MonoTime kStart = MonoTime{} + std::chrono::hours(1);

MadeFault made(const FaultRequest& request) {
  return make_fault(request, plan(), scope(), kStart);
}

FaultRequest request(std::string kind, std::string selector = "n-0") {
  FaultRequest request;
  request.kind = std::move(kind);
  request.selector = std::move(selector);
  return request;
}

FaultRequest with(FaultRequest base, const std::function<void(FaultRequest&)>& change) {
  change(base);
  return base;
}

TEST(MakeFault, TurnsAPartitionIntoCutLinks) {
  FaultRequest words = request("partition");
  words.mode = "reset";
  words.for_ms = 1500;
  words.summary = "partition n-0 --for 1.5s";
  const auto [fault, notes] = made(words);
  EXPECT_EQ(fault.kind, FaultKind::Partition);
  EXPECT_EQ(fault.links.size(), 4U);
  EXPECT_THAT(fault.target, ElementsAre("n-0"));
  EXPECT_THAT(fault.peers, ElementsAre("n-1", "n-2"));
  ASSERT_EQ(fault.clauses.size(), 1U);
  EXPECT_EQ(fault.clauses[0].action.cut, CutMode::Reset);
  EXPECT_TRUE(fault.clauses[0].match.everything());
  EXPECT_EQ(fault.end, kStart + milliseconds(1500));
  EXPECT_EQ(fault.summary, words.summary);
  EXPECT_THAT(notes, IsEmpty());
}

TEST(MakeFault, PutsEveryMemberOfTheActionWhereItBelongs) {
  FaultRequest words = request("delay");
  words.action.loss_ppm = 1;
  words.action.burst_begin_ppm = 2;
  words.action.burst_end_ppm = 3;
  words.action.delay_ns = 5'000;
  words.action.jitter_ns = 4'000;
  words.action.distribution = "table";
  words.action.table = {-8192, 8192};
  words.action.correlation_ppm = 6;
  words.action.duplicate_ppm = 7;
  words.action.corrupt_ppm = 8;
  words.action.silent = true;
  words.action.reorder_ppm = 9;
  words.action.rate_bits = 1'000;
  words.action.rate_burst_bytes = 1'700;
  words.action.rate_queue_packets = 12;
  const LinkAction action = made(words).fault.clauses.at(0).action;
  LinkAction expected;
  expected.loss = Ppm{1};
  expected.bursts = {{Ppm{2}, Ppm{3}}};
  expected.delay =
      Delay{Nanoseconds(5'000), Nanoseconds(4'000), Distribution::Table, {-8192, 8192}, Ppm{6}};
  expected.duplicate = Ppm{7};
  expected.corrupt = Ppm{8};
  expected.silent_corruption = true;
  expected.reorder = Ppm{9};
  expected.rate = Rate{1'000, 1'700, 12};
  expected.seed = 11;
  EXPECT_EQ(action, expected);
}

TEST(MakeFault, SeedsWhatChanceHasAPartIn) {
  FaultRequest loss = request("loss");
  loss.action.loss_ppm = 1'000;
  EXPECT_EQ(made(loss).fault.clauses[0].action.seed, 11U);
  EXPECT_EQ(made(request("partition")).fault.clauses[0].action.seed, 0U);
}

TEST(MakeFault, HoldsPackets) {
  const auto fault = made(request("hold")).fault;
  EXPECT_TRUE(fault.clauses.at(0).action.hold);
  EXPECT_EQ(fault.clauses.at(0).action.cut, std::nullopt);
}

TEST(MakeFault, LostRepliesComeFromTheService) {
  FaultRequest words = request("loss");
  words.service = "client";
  words.peers = "n-1";
  words.direction = "in";
  words.action.lost_replies_ppm = 500'000;
  const auto fault = made(words).fault;
  EXPECT_EQ(fault.links, (std::vector<Link>{{0, 1}}));
  EXPECT_THAT(fault.clauses.at(0).match.from_ports, ElementsAre(2379));
  EXPECT_EQ(fault.clauses.at(0).match.protocol, Protocol::Tcp);
}

/// Complaint 5 of the survey, chaos-mesh #3399: "I asked for 50 ms and saw 100".
TEST(MakeFault, Complaint05RoundTripIsHalvedPerDirection) {
  FaultRequest words = request("delay");
  words.action.delay_ns = 50'000'000;
  words.action.jitter_ns = 10'000'000;
  EXPECT_EQ(made(words).fault.clauses[0].action.delay->delay, milliseconds(50));
  words.rtt = true;
  EXPECT_EQ(made(words).fault.clauses[0].action.delay->delay, milliseconds(25));
  EXPECT_EQ(made(words).fault.clauses[0].action.delay->jitter, milliseconds(5));
  // Connections that n-0 opens: requests one way, replies the other.
  words.service = "peer";
  words.direction = "out";
  EXPECT_EQ(made(words).fault.clauses[0].action.delay->delay, milliseconds(25));
}

TEST(MakeFault, FlapsACutOrSomethingElse) {
  FaultRequest words = request("flap");
  words.flap_down_ms = 200;
  words.flap_up_ms = 300;
  auto fault = made(words).fault;
  EXPECT_EQ(fault.flap, (Flap{milliseconds(200), milliseconds(300), 0, kStart}));
  EXPECT_EQ(fault.clauses[0].action.cut, CutMode::Drop);
  EXPECT_EQ(fault.end, std::nullopt);

  words.flap_times = 3;
  EXPECT_EQ(made(words).fault.end, kStart + milliseconds(1'200));
  words.for_ms = 700;
  EXPECT_EQ(made(words).fault.end, kStart + milliseconds(700));
  words.for_ms = 100'000;
  EXPECT_EQ(made(words).fault.end, kStart + milliseconds(1'200));

  words.action.loss_ppm = 5;
  fault = made(words).fault;
  EXPECT_EQ(fault.clauses[0].action.cut, std::nullopt);
  EXPECT_EQ(fault.clauses[0].action.loss, Ppm{5});
}

TEST(MakeFault, GivesEveryLinkOfAMatrixItsOwnClause) {
  FaultRequest words = request("delay", "");
  words.rtt = true;
  words.matrix = {{"zone:a", "zone:b", {}}, {"zone:b", "zone:a", {}}};
  words.matrix[0].action.delay_ns = 10'000'000;
  words.matrix[1].action.delay_ns = 30'000'000;
  const auto fault = made(words).fault;
  EXPECT_EQ(fault.links.size(), 4U);
  for (std::size_t i = 0; i < fault.links.size(); ++i) {
    EXPECT_EQ(fault.clause(i).action.delay->delay,
              fault.links[i].to == 1 ? milliseconds(5) : milliseconds(15));
  }
}

TEST(MakeFault, PortsInAMatrixMatchEitherSide) {
  FaultRequest words = request("loss", "");
  words.ports = {2380};
  words.matrix = {{"n-0", "n-1", {}}};
  words.matrix[0].action.loss_ppm = 5;
  const auto fault = made(words).fault;
  EXPECT_EQ(fault.links, (std::vector<Link>{{0, 1}}));
  EXPECT_THAT(fault.clauses.at(0).match.to_ports, ElementsAre(2380));
  EXPECT_THAT(fault.clauses.at(0).match.from_ports, ElementsAre(2380));
}

TEST(MakeFault, SaysThatACutOfOneDirectionStallsTcpInBoth) {
  FaultRequest words = request("partition");
  words.direction = "out";
  EXPECT_THAT(made(words).notes, ElementsAre(HasSubstr("TCP stalls")));
  words.service = "peer";
  EXPECT_THAT(made(words).notes, IsEmpty());
  words.packets = true;
  EXPECT_THAT(made(words).notes, ElementsAre(HasSubstr("TCP stalls")));
  words.protocol = "udp";
  EXPECT_THAT(made(words).notes, IsEmpty());
}

TEST(RolesInRequest, LooksIntoTheMatrixToo) {
  FaultRequest words = request("partition", "role:x");
  words.peers = "role:y";
  EXPECT_THAT(roles_in(words), ElementsAre("x", "y"));
  words = request("delay", "");
  words.matrix = {{"role:z", "all", {}}};
  EXPECT_THAT(roles_in(words), ElementsAre("z"));
}

TEST(CanonicalWords, AreEqualForTheSameFault) {
  FaultRequest a = request("partition");
  a.ports = {80, 90, 80};
  a.summary = "as typed";
  a.place = "b.yaml:1";
  a.verify_ms = 5;
  FaultRequest b = request("partition");
  b.ports = {90, 80};
  b.dry_run = true;
  EXPECT_EQ(canonical_words(a), canonical_words(b));
  b.seed = 5;
  EXPECT_NE(canonical_words(a), canonical_words(b));
}

FaultRequest action_request(const std::string& kind,
                            const std::function<void(api::ActionWords&)>& change) {
  FaultRequest words = request(kind);
  change(words.action);
  return words;
}

TEST(MakeFault, RefusesWhatMeansNothing) {
  using Change = std::function<void(FaultRequest&)>;
  using Words = api::ActionWords;
  const FaultRequest delay = action_request("delay", [](Words& a) { a.delay_ns = 1'000'000; });
  const FaultRequest loss = action_request("loss", [](Words& a) { a.loss_ppm = 5; });
  const FaultRequest flap = with(request("flap"), [](FaultRequest& r) {
    r.flap_down_ms = 10;
    r.flap_up_ms = 10;
  });
  const FaultRequest matrix = with(request("delay", ""), [](FaultRequest& r) {
    r.matrix = {{"n-0", "n-1", {}}};
    r.matrix[0].action.delay_ns = 1;
  });
  const std::vector<std::tuple<const char*, FaultRequest, Change>> wrong{
      {"unknown kind", request("lag"), [](auto& /*r*/) {}},
      {"process fault", request("pause"), [](auto& /*r*/) {}},
      {"mode", request("partition"), [](auto& r) { r.mode = "ignore"; }},
      {"mode of a loss", loss, [](auto& r) { r.mode = "reject"; }},
      {"mode of a flapping loss", flap,
       [](auto& r) {
         r.mode = "reject";
         r.action.loss_ppm = 5;
       }},
      {"direction", loss, [](auto& r) { r.direction = "up"; }},
      {"protocol", loss, [](auto& r) { r.protocol = "sctp"; }},
      {"connections", loss, [](auto& r) { r.connections = "old"; }},
      {"distribution", delay, [](auto& r) { r.action.distribution = "gauss"; }},
      {"shape", request("partition"), [](auto& r) { r.shape = "star"; }},
      {"partition with loss", request("partition"), [](auto& r) { r.action.loss_ppm = 5; }},
      {"hold with delay", request("hold"), [](auto& r) { r.action.delay_ns = 5; }},
      {"loss of nothing", request("loss"), [](auto& /*r*/) {}},
      {"loss over 100%", loss, [](auto& r) { r.action.loss_ppm = 1'000'001; }},
      {"half a burst", loss, [](auto& r) { r.action.burst_begin_ppm = 5; }},
      {"no delay", request("delay"), [](auto& /*r*/) {}},
      {"negative delay", delay, [](auto& r) { r.action.delay_ns = -1; }},
      {"negative jitter", delay, [](auto& r) { r.action.jitter_ns = -1; }},
      {"jitter above the delay", delay, [](auto& r) { r.action.jitter_ns = 1'000'001; }},
      {"reorder without delay", request("reorder"), [](auto& r) { r.action.reorder_ppm = 5; }},
      {"rate 0", request("rate"), [](auto& /*r*/) {}},
      {"burst without rate", loss, [](auto& r) { r.action.rate_burst_bytes = 5; }},
      {"silence without corruption", loss, [](auto& r) { r.action.silent = true; }},
      {"lost replies of whom", request("loss"), [](auto& r) { r.action.lost_replies_ppm = 5; }},
      {"lost replies of udp", request("loss"),
       [](auto& r) {
         r.action.lost_replies_ppm = 5;
         r.service = "peer";
         r.protocol = "udp";
       }},
      {"rtt of a loss", loss, [](auto& r) { r.rtt = true; }},
      {"rtt of one direction", delay,
       [](auto& r) {
         r.rtt = true;
         r.direction = "out";
       }},
      {"rtt of requests", delay,
       [](auto& r) {
         r.rtt = true;
         r.connections = "new";
       }},
      {"new udp", loss,
       [](auto& r) {
         r.connections = "new";
         r.protocol = "udp";
       }},
      {"reject open ones", request("partition"),
       [](auto& r) {
         r.mode = "reject";
         r.connections = "established";
       }},
      {"unknown service", loss, [](auto& r) { r.service = "status"; }},
      {"service and port", loss,
       [](auto& r) {
         r.service = "peer";
         r.ports = {80};
       }},
      {"icmp ports", loss,
       [](auto& r) {
         r.protocol = "icmp";
         r.ports = {80};
       }},
      {"first 0", loss, [](auto& r) { r.first = 0; }},
      {"first and after bytes", loss,
       [](auto& r) {
         r.first = 1;
         r.after_bytes = 1;
       }},
      {"for 0", loss, [](auto& r) { r.for_ms = 0; }},
      {"for ever and ever", loss, [](auto& r) { r.for_ms = 9'000'000'000'000'000'000; }},
      {"flap without phases", request("flap"), [](auto& /*r*/) {}},
      {"flap too fast", flap, [](auto& r) { r.flap_up_ms = 9; }},
      {"flap backwards", flap, [](auto& r) { r.flap_down_ms = -5; }},
      {"flap too slow", flap, [](auto& r) { r.flap_down_ms = 9'000'000'000'000'000'000; }},
      {"phases of a loss", loss, [](auto& r) { r.flap_down_ms = 10; }},
      {"matrix and selector", matrix, [](auto& r) { r.selector = "n-0"; }},
      {"matrix and direction", matrix, [](auto& r) { r.direction = "in"; }},
      {"matrix and shape", matrix, [](auto& r) { r.shape = "ring"; }},
      {"matrix of a partition", matrix, [](auto& r) { r.kind = "partition"; }},
      {"matrix of a hold", matrix, [](auto& r) { r.kind = "hold"; }},
      {"matrix and action", matrix, [](auto& r) { r.action.loss_ppm = 5; }},
      {"matrix with a wrong cell", matrix, [](auto& r) { r.matrix[0].action.jitter_ns = 5; }},
      {"matrix with lost replies", matrix,
       [](auto& r) {
         r.matrix[0].action = {};
         r.matrix[0].action.lost_replies_ppm = 5;
         r.service = "peer";
       }},
      {"rtt of half a matrix", matrix, [](auto& r) { r.rtt = true; }},
  };
  for (const auto& [name, base, change] : wrong) {
    SCOPED_TRACE(name);
    try {
      static_cast<void>(made(with(base, change)));
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Usage) << error.what();
    }
  }
  for (const auto& good : {delay, loss, flap, matrix}) {
    EXPECT_NO_THROW(static_cast<void>(made(good)));
  }
}

TEST(MakeFault, NamesTheWrongCell) {
  FaultRequest words = request("delay", "");
  words.matrix = {{"n-0", "n-1", {}}, {"n-1", "n-0", {}}};
  words.matrix[1].action.reorder_ppm = 5;
  try {
    static_cast<void>(made(words));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("matrix[1]: reorder needs a delay"));
  }
}

}  // namespace
}  // namespace tinet
