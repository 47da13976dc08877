#include "src/supervisor/fault_verify.h"

#include <thread>

#include <netinet/in.h>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/supervisor/pair_probe.h"
#include "tests/support/desk_world.h"

namespace tinet {
namespace {

using testing::HasSubstr;

/// Listens on one of the plan's loopback addresses, on a port that the kernel gives to nobody.
struct Listener {
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::uint16_t port = 0;

  explicit Listener(Ipv4 address) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(address.value);
    for (port = 20'160; port < 21'000; ++port) {
      where.sin_port = htons(port);
      if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0) {
        break;
      }
    }
    EXPECT_EQ(::listen(fd.get(), 8), 0);
  }
};

boost::json::object verified(DeskWorld& world, api::FaultRequest request) {
  request.verify_ms = 200;
  return world.create(std::move(request)).at("verify").as_object();
}

TEST(VerifyLinks, FindsLinksThatLetThrough) {
  // The fake cuts nothing, so what must be cut is found to be open.
  DeskWorld world(desk_plan(3));
  const auto verdict = verified(world, fault_request("partition", "n-0"));
  EXPECT_EQ(verdict.at("pairs").to_number<int>(), 4);
  EXPECT_EQ(verdict.at("as_intended").to_number<int>(), 0);
  EXPECT_EQ(boost::json::serialize(verdict.at("wrong")),
            R"([["n-0","n-1"],["n-0","n-2"],["n-1","n-0"],["n-2","n-0"]])");
}

TEST(VerifyLinks, SeesThatCutLinksAreCut) {
  DeskWorld world(desk_plan(3));
  world.fabric.deaf = {{0, AF_INET}};
  auto request = fault_request("partition", "n-0");
  request.direction = "in";
  EXPECT_EQ(verified(world, request).at("as_intended").to_number<int>(), 2);
}

TEST(VerifyLinks, SeesLossesOrTheirAbsence) {
  DeskWorld world(desk_plan(2));
  auto request = fault_request("loss", "n-0");
  request.action.loss_ppm = 300'000;
  EXPECT_EQ(verified(world, request).at("wrong").as_array().size(), 2U) << "nothing was lost";
  world.heal();
  world.fabric.hears_ppm = 700'000;
  const auto verdict = verified(world, request);
  EXPECT_EQ(verdict.at("as_intended").to_number<int>(), 2) << verdict;
}

TEST(VerifyLinks, DoesNotTakeWhatArrivesAtOnceForDelayed) {
  DeskWorld world(desk_plan(2));
  auto request = fault_request("delay", "n-0");
  request.action.delay_ns = 20'000'000;
  const auto verdict = verified(world, request);
  EXPECT_EQ(verdict.at("as_intended").to_number<int>(), 0);
  EXPECT_EQ(verdict.at("wrong").as_array().size(), 2U);
}

TEST(VerifyLinks, ConfirmsNothingThatItCannotProbe) {
  DeskWorld world(desk_plan(2));
  auto request = fault_request("corrupt", "n-0");
  request.action.corrupt_ppm = 1'000'000;
  request.protocol = "icmp";
  const auto verdict = verified(world, request);
  EXPECT_EQ(verdict.at("pairs").to_number<int>(), 0);
  EXPECT_EQ(verdict.at("skipped").to_number<int>(), 2);
  EXPECT_EQ(boost::json::serialize(verdict.at("skipped_because")),
            R"([{"reason":"probes are no ICMP packets","pairs":2}])");
}

TEST(VerifyLinks, OpensConnectionsOfItsOwnWhereNewOnesAreCut) {
  DeskWorld world(desk_plan(2));
  auto request = fault_request("partition", "n-0");
  request.connections = "new";
  request.direction = "out";
  EXPECT_EQ(boost::json::serialize(verified(world, request).at("wrong")), R"([["n-0","n-1:tcp"]])");
}

TEST(VerifyLinks, TakesItsProbesOutOfWhatIsCounted) {
  DeskWorld world(desk_plan(2));
  world.fabric.deaf = {{0, AF_INET}, {1, AF_INET}};
  // Probes and packets of the cluster, as one number.
  world.fabric.count_per_socket = {{FaultId{1}, 1'000}};
  const auto fault = [&] {
    auto request = fault_request("partition", "n-0");
    request.verify_ms = 100;
    return world.create(std::move(request));
  }();
  EXPECT_EQ(fault.at("verify").at("as_intended").to_number<int>(), 2);
  const auto told = world.desk.reports().documents(false).at(0).at("packets").at("dropped");
  EXPECT_EQ(told.to_number<int>(), 2'000 - 40) << "twenty probes of each link are not told of";
}

TEST(VerifyLinks, SkipsWhatProbesWouldUseUp) {
  DeskWorld world(desk_plan(2));
  auto request = fault_request("partition", "n-0");
  request.first = 3;
  const auto verdict = verified(world, request);
  EXPECT_EQ(verdict.at("pairs").to_number<int>(), 0);
  EXPECT_EQ(verdict.at("skipped").to_number<int>(), 2);
}

api::FaultRequest first_packets_of(const std::string& selector) {
  auto request = fault_request("partition", selector);
  request.direction = "out";
  request.first = 5;
  return request;
}

TEST(VerifyLinks, TimesNothingThatAnotherFaultCounts) {
  for (const std::string counting : {"n-0", "n-1"}) {
    DeskWorld world(desk_plan(2));
    world.create(first_packets_of(counting));
    auto request = fault_request("delay", "n-0");
    request.action.delay_ns = 1'000;
    request.direction = "out";
    EXPECT_FALSE(verified(world, request).contains("rtt")) << counting << " is cut";
  }
}

TEST(VerifyLinks, TriesNoConnectionThatAnotherFaultCounts) {
  for (const std::string counting : {"n-0", "n-1"}) {
    DeskWorld world(desk_plan(2));
    world.create(first_packets_of(counting));
    auto request = fault_request("partition", "n-0");
    request.connections = "new";
    request.direction = "out";
    const auto verdict = verified(world, request);
    EXPECT_THAT(boost::json::serialize(verdict.at("skipped_because")), HasSubstr("use up"));
    EXPECT_THAT(boost::json::serialize(verdict.at("wrong")), testing::Not(HasSubstr("tcp")));
  }
}

TEST(VerifyLinks, ProvokesNoRefusalThatAnotherFaultCounts) {
  DeskWorld world(desk_plan(2));
  world.create(first_packets_of("n-0"));
  auto request = fault_request("partition", "n-1");
  request.direction = "out";
  request.mode = "reject";
  EXPECT_EQ(verified(world, request).at("pairs").to_number<int>(), 0);
}

TEST(VerifyLinks, TriesTheConnectionsThatAPortScopePrevents) {
  ClusterPlan plan = desk_plan(2);
  const Listener listener(plan.instances[1].address);
  plan.instances[1].services = {{"web", listener.port}};
  DeskWorld world(std::move(plan));
  auto request = fault_request("partition", "n-0");
  request.service = "web";
  auto verdict = verified(world, request);
  const std::string name = "n-1:" + std::to_string(listener.port);
  EXPECT_EQ(boost::json::serialize(verdict.at("wrong")), R"([["n-0",")" + name + R"("]])");
  EXPECT_EQ(verdict.at("pairs").to_number<int>(), 3) << "two links and one connection";
}

TEST(VerifyLinks, TakesAnAnswerForProofWhereRelaysAcceptEverything) {
  ClusterPlan plan = desk_plan(2);
  const Listener silent(plan.instances[1].address);
  const Listener answering(plan.instances[0].address);
  plan.instances[1].services = {{"silent", silent.port}};
  plan.instances[0].services = {{"answering", answering.port}};
  DeskWorld world(std::move(plan));
  world.fabric.datagrams = false;
  // What a service does when the other side has nothing to say.
  std::thread service([&answering] {
    const UniqueFd connection(::accept4(answering.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  });
  const auto verdict = verified(world, fault_request("partition", "n-0"));
  service.join();
  EXPECT_EQ(verdict.at("pairs").to_number<int>(), 2) << "one connection to each service";
  EXPECT_EQ(boost::json::serialize(verdict.at("wrong")),
            R"([["n-1","n-0:)" + std::to_string(answering.port) + R"("]])");
}

TEST(VerifyLinks, TakesARefusalForAnAnswerOfRejectOnly) {
  ClusterPlan plan = desk_plan(2);
  std::uint16_t closed = 0;
  {
    const Listener gone(plan.instances[1].address);
    closed = gone.port;
  }
  DeskWorld world(std::move(plan));
  auto request = fault_request("partition", "n-0");
  request.ports = {closed};
  request.direction = "out";
  request.mode = "reject";
  EXPECT_TRUE(verified(world, request).at("wrong").as_array().empty());
  world.heal();
  request.mode = "drop";
  EXPECT_EQ(verified(world, request).at("wrong").as_array().size(), 1U);
}

TEST(VerifyLinks, WaitsUntilTheEffectsStayForAWhile) {
  DeskWorld world(desk_plan(2));
  auto request = fault_request("flap", "n-0");
  request.flap_down_ms = 10;
  request.flap_up_ms = 10;
  request.verify_ms = 200;
  try {
    world.create(request);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Conflict);
    EXPECT_THAT(error.what(), HasSubstr("f1 is in place but unverified"));
  }
  world.heal();
  request.flap_down_ms = 60'000;
  EXPECT_EQ(world.create(request).at("verify").at("pairs").to_number<int>(), 2);
}

TEST(VerifyLinks, TimesRoundTripsOfFaultsThatShape) {
  DeskWorld world(desk_plan(3));
  auto request = fault_request("delay", "n-0");
  request.action.delay_ns = 1'000;
  const auto verdict = verified(world, request);
  const auto& trips = verdict.at("rtt").as_array();
  ASSERT_EQ(trips.size(), 2U) << "each pair once";
  EXPECT_EQ(trips[0].at("from").as_string(), "n-0");
  EXPECT_EQ(trips[0].at("to").as_string(), "n-1");
  for (const auto& trip : trips) {
    EXPECT_GT(trip.at("rtt_before_us").to_number<int>(), 0);
    EXPECT_GT(trip.at("rtt_us").to_number<int>(), 0);
  }
}

TEST(VerifyLinks, SaysWhereNothingComesBack) {
  DeskWorld world(desk_plan(2));
  world.fabric.deaf = {{1, AF_INET}};
  const auto trips = verified(world, fault_request("hold", "n-0")).at("rtt").as_array();
  ASSERT_EQ(trips.size(), 1U);
  EXPECT_TRUE(trips[0].at("rtt_before_us").is_null());
  EXPECT_TRUE(trips[0].at("rtt_us").is_null());
}

TEST(VerifyLinks, TimesNothingThatIsNotShaped) {
  DeskWorld world(desk_plan(2));
  EXPECT_FALSE(verified(world, fault_request("partition", "n-0")).contains("rtt"));
  auto scoped = fault_request("delay", "n-0");
  scoped.action.delay_ns = 1'000;
  scoped.ports = {80};
  EXPECT_FALSE(verified(world, scoped).contains("rtt")) << "datagrams are not meant";
}

TEST(LinksToTime, AreNotMoreThanAnybodyReads) {
  Fault fault;
  LinkAction slow;
  slow.delay = Delay{Milliseconds(5), {}, Distribution::Uniform, {}, {}};
  fault.clauses = {{{}, slow}};
  for (Endpoint from = 0; from < 30; ++from) {
    for (Endpoint to = 0; to < 30; ++to) {
      if (from != to) {
        fault.links.push_back({from, to});
      }
    }
  }
  const auto links = links_to_time(fault, {});
  EXPECT_EQ(links.size(), kTimedPairsMax);
  EXPECT_EQ(links.front(), (Link{0, 1}));
}

TEST(SlowestRoundTrip, IsTheSumOfBothWaysWithTheirJitter) {
  const auto late = [](Milliseconds delay, Milliseconds jitter) {
    return Effect{{{{}, {.delay = Delay{.delay = delay, .jitter = jitter}}, {FaultId{1}}}}};
  };
  const std::map<Link, Effect> effects{{{0, 1}, late(Milliseconds(30), Milliseconds(5))},
                                       {{1, 0}, late(Milliseconds(20), Milliseconds(0))},
                                       {{2, 0}, late(Milliseconds(60'000), Milliseconds(0))}};
  EXPECT_EQ(slowest_round_trip(effects, {{0, 1}, {1, 2}}), Milliseconds(70));
  EXPECT_EQ(slowest_round_trip(effects, {{0, 2}}), Milliseconds(5'000)) << "nobody waits longer";
  EXPECT_EQ(slowest_round_trip({}, {{0, 1}}), Milliseconds(0));
}

TEST(VerifyLinks, RefusesABudgetThatIsNone) {
  DeskWorld world(desk_plan(2));
  for (const std::int64_t budget : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{600'001}}) {
    auto request = fault_request("partition", "n-0");
    request.verify_ms = budget;
    EXPECT_THROW(world.create(request), Error);
  }
  EXPECT_TRUE(world.fabric.applied.empty());
}

TEST(ProbePairs, ProbesBothFamiliesOfADualStackCluster) {
  ClusterPlan plan = desk_plan(2);
  plan.ipv6 = true;
  Ipv6 loopback;
  loopback.bytes.back() = 1;
  plan.instances[0].address6 = loopback;
  plan.instances[1].address6 = loopback;
  boost::asio::io_context loop;
  const auto probed = [&](FakeFabric& fabric) {
    auto result = boost::asio::co_spawn(
        loop, probe_pairs(plan, fabric, {{{0, 1}, {}}, {{1, 0}, {}}}, Milliseconds(200)),
        boost::asio::use_future);
    loop.restart();
    loop.run();
    return result.get();
  };
  FakeFabric both;
  for (const auto& link : probed(both)) {
    EXPECT_EQ(link.v4.intact, 1U);
    EXPECT_EQ(link.v6.value().intact, 1U);
  }
  FakeFabric half;
  half.deaf = {{1, AF_INET6}};
  const auto verdicts = probed(half);
  EXPECT_EQ(verdicts.at(0).v4.intact, 1U);
  EXPECT_EQ(verdicts.at(0).v6.value().intact, 0U) << "IPv6 to n-1 is cut, IPv4 is not";
  EXPECT_EQ(verdicts.at(1).v6.value().intact, 1U);
}

}  // namespace
}  // namespace tinet
