// The fabric of relays, with plain sockets as the endpoints' programs. All on loopback.

#include "src/relays/proxy_fabric.h"

#include <cerrno>
#include <chrono>
#include <string>

#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/base/scope_exit.h"
#include "src/model/fault_build.h"
#include "tests/support/eventually.h"
#include "tests/unit/proxy/relay_world.h"

namespace tinet {
namespace {

using proxy::test::Peer;
using std::chrono::milliseconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint16_t kPort = 7000;
constexpr Endpoint kA = 0;
constexpr Endpoint kB = 1;
constexpr Endpoint kClient = 2;
constexpr milliseconds kSilence{150};

MonoTime now() {
  return std::chrono::steady_clock::now();
}

proxy::Endpoint at(Ipv4 address) {
  return {boost::asio::ip::address_v4(address.value), kPort};
}

/// Addresses that no other test process has.
FabricPlan plan() {
  const auto pid = static_cast<std::uint32_t>(::getpid());
  FabricPlan plan;
  plan.subnet = {Ipv4{0x7f640000 + ((pid % 8192) << 8U)}, 24};
  for (std::uint32_t i = 0; i < 3; ++i) {
    FabricEndpoint endpoint{i == kClient ? "client"
                            : i == kA    ? "a"
                                         : "b",
                            endpoint_address(plan.subnet, i), std::nullopt};
    endpoint.listen_address = address_behind_relay(plan.subnet, endpoint.address);
    if (i != kClient) {
      endpoint.ports = {kPort};
    }
    plan.endpoints.push_back(endpoint);
  }
  return plan;
}

/// Endpoints a and b with a service each, and the client.
class ProxyFabricTest : public testing::Test {
 protected:
  /// Connects as an endpoint's program would whose source address is its own.
  Peer dial(Endpoint from, Endpoint to) {
    UniqueFd fd = fabric_->open_socket(from, AF_INET, SOCK_STREAM, 0);
    const proxy::Endpoint target = at(plan_.endpoints[to].address);
    EXPECT_EQ(::connect(fd.get(), target.data(), static_cast<socklen_t>(target.size())), 0);
    return Peer(std::move(fd));
  }
  Peer accept(Endpoint endpoint) {
    pollfd item{.fd = programs_[endpoint].get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&item, 1, 20'000), 1) << "nobody has connected";
    return Peer(UniqueFd(::accept4(programs_[endpoint].get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }
  bool is_alone(Endpoint endpoint) {
    pollfd item{.fd = programs_[endpoint].get(), .events = POLLIN, .revents = 0};
    return ::poll(&item, 1, static_cast<int>(kSilence.count())) == 0;
  }

  Fault fault(std::vector<Link> links, LinkAction action, Match match = {}) {
    Fault made;
    made.id = FaultId{++last_id_};
    made.links = std::move(links);
    if (match.remembers()) {
      match.owner = made.id;
    }
    made.clauses = {{std::move(match), std::move(action)}};
    made.summary = "the fault";
    return made;
  }
  void apply(const std::vector<Fault>& faults) { static_cast<void>(fabric_->apply(faults, now())); }
  Effect effect_of(Link link) {
    for (const LinkState& state : fabric_->links(now())) {
      if (state.link == link) {
        return state.effect;
      }
    }
    return {};
  }

  FabricPlan plan_ = plan();
  std::unique_ptr<Fabric> fabric_ = make_proxy_fabric(plan_);
  UniqueFd programs_[2] = {proxy::listen_at(at(plan_.endpoints[kA].listen_address)),
                           proxy::listen_at(at(plan_.endpoints[kB].listen_address))};

 private:
  std::uint32_t last_id_ = 0;
};

TEST_F(ProxyFabricTest, CarriesBothWaysWithoutFaults) {
  Peer a = dial(kA, kB);
  Peer b = accept(kB);
  a.send("ping");
  EXPECT_EQ(b.receive(4), "ping");
  b.send("pong");
  EXPECT_EQ(a.receive(4), "pong");
  EXPECT_THAT(fabric_->links(now()), IsEmpty());
}

TEST_F(ProxyFabricTest, ACutHoldsBytesAndHealsWithoutLosingOne) {
  Peer a = dial(kA, kB);
  Peer b = accept(kB);
  Peer other = dial(kClient, kB);
  Peer served = accept(kB);
  const Fault cut = fault({{kA, kB}, {kB, kA}}, {.cut = CutMode::Drop});
  apply({cut});
  a.send("one");
  b.send("two");
  EXPECT_TRUE(b.is_silent(kSilence));
  EXPECT_TRUE(a.is_silent(kSilence));
  other.send("x");
  EXPECT_EQ(served.receive(1), "x") << "links that are not cut are not touched";
  EXPECT_EQ(fabric_->packets(cut.id).held, 2U);
  apply({});
  EXPECT_EQ(b.receive(3), "one");
  EXPECT_EQ(a.receive(3), "two");
  EXPECT_EQ(fabric_->packets(cut.id).held, 2U) << "counts outlive the fault";
}

TEST_F(ProxyFabricTest, ACutKeepsNewConnectionsWaiting) {
  const Fault cut = fault({{kB, kA}}, {.cut = CutMode::Drop});
  apply({cut});
  Peer a = dial(kA, kB);
  a.send("late");
  EXPECT_TRUE(is_alone(kB)) << "one way is enough: no answer to the handshake would come back";
  EXPECT_EQ(fabric_->packets(cut.id).held, 1U);
  apply({});
  EXPECT_EQ(accept(kB).receive(4), "late");
}

TEST_F(ProxyFabricTest, RejectRefusesNewConnectionsAndHoldsOpenOnes) {
  Peer open = dial(kA, kB);
  Peer served = accept(kB);
  const Fault cut = fault({{kA, kB}, {kB, kA}}, {.cut = CutMode::Reject});
  apply({cut});
  EXPECT_EQ(dial(kA, kB).wait_for_end(), ECONNRESET);
  open.send("x");
  EXPECT_TRUE(served.is_silent(kSilence));
  EXPECT_EQ(fabric_->packets(cut.id).rejected, 1U);
  apply({});
  EXPECT_EQ(served.receive(1), "x");
}

TEST_F(ProxyFabricTest, ResetEndsOpenConnectionsToo) {
  Peer open = dial(kA, kB);
  Peer served = accept(kB);
  Peer other = dial(kClient, kB);
  Peer other_served = accept(kB);
  apply({fault({{kA, kB}}, {.cut = CutMode::Reset})});
  EXPECT_EQ(open.wait_for_end(), ECONNRESET);
  EXPECT_EQ(served.wait_for_end(), ECONNRESET);
  other.send("x");
  EXPECT_EQ(other_served.receive(1), "x");
}

TEST_F(ProxyFabricTest, EstablishedMeansTheConnectionsOfThatMoment) {
  Peer old = dial(kA, kB);
  Peer old_served = accept(kB);
  EXPECT_EQ(fabric_->flows({{kA, kB}}).size(), 1U);
  apply({fault({{kA, kB}}, {.cut = CutMode::Drop}, {.connections = Connections::Established})});
  Peer fresh = dial(kA, kB);
  Peer fresh_served = accept(kB);
  fresh.send("new");
  EXPECT_EQ(fresh_served.receive(3), "new");
  old.send("old");
  EXPECT_TRUE(old_served.is_silent(kSilence));
  apply({});
  EXPECT_EQ(old_served.receive(3), "old");
}

TEST_F(ProxyFabricTest, NewMeansThoseThatComeLater) {
  Peer old = dial(kA, kB);
  Peer old_served = accept(kB);
  apply({fault({{kA, kB}}, {.cut = CutMode::Drop}, {.connections = Connections::New})});
  old.send("old");
  EXPECT_EQ(old_served.receive(3), "old");
  Peer fresh = dial(kA, kB);
  EXPECT_TRUE(is_alone(kB));
}

TEST_F(ProxyFabricTest, PortsChooseServices) {
  apply({fault({{kA, kB}, {kB, kA}}, {.cut = CutMode::Reject}, {.to_ports = {kPort + 1}})});
  Peer a = dial(kA, kB);
  Peer b = accept(kB);
  a.send("x");
  EXPECT_EQ(b.receive(1), "x");
}

TEST_F(ProxyFabricTest, DelaysAddToTheRoundTrip) {
  Peer a = dial(kA, kB);
  Peer b = accept(kB);
  const Fault delay = fault({{kA, kB}, {kB, kA}}, {.delay = Delay{.delay = milliseconds(60)}});
  apply({delay});
  const auto begin = now();
  a.send("x");
  EXPECT_EQ(b.receive(1), "x");
  b.send("y");
  EXPECT_EQ(a.receive(1), "y");
  EXPECT_GE(now() - begin, milliseconds(120));
  EXPECT_EQ(fabric_->packets(delay.id).delayed, 2U);
}

TEST_F(ProxyFabricTest, ATimedFaultEndsByItselfAndUncoversWhatLasts) {
  Peer a = dial(kA, kB);
  Peer b = accept(kB);
  Fault cut = fault({{kA, kB}}, {.cut = CutMode::Drop});
  cut.end = now() + milliseconds(300);
  const Fault delay = fault({{kA, kB}}, {.delay = Delay{.delay = milliseconds(1)}});
  apply({cut, delay});
  a.send("x");
  EXPECT_TRUE(b.is_silent(milliseconds(100)));
  EXPECT_EQ(b.receive(1), "x") << "nobody has called apply() again";
  EXPECT_GE(now(), *cut.end);
  EXPECT_EQ(effect_of({kA, kB}).faults(), std::vector<FaultId>{delay.id});
}

TEST_F(ProxyFabricTest, HoldKeepsTheOrderAndReleaseDelivers) {
  Peer a = dial(kA, kB);
  Peer b = accept(kB);
  const Fault hold = fault({{kA, kB}}, {.hold = true});
  apply({hold});
  a.send("1");
  a.send("2");
  EXPECT_TRUE(b.is_silent(kSilence));
  EXPECT_THROW(static_cast<void>(fabric_->release(hold.id, true)), Error);
  EXPECT_EQ(fabric_->packets(hold.id).held, 1U);
  static_cast<void>(fabric_->release(hold.id, false));
  apply({});
  EXPECT_EQ(b.receive(2), "12");
}

TEST_F(ProxyFabricTest, WhatRelaysCannotDoChangesNothing) {
  const Fault cut = fault({{kA, kB}}, {.cut = CutMode::Drop});
  apply({cut});
  for (const Fault& impossible :
       {fault({{kA, kB}}, {.loss = Ppm{1000}}),
        fault({{kA, kB}}, {.cut = CutMode::Drop}, {.protocol = Protocol::Udp})}) {
    try {
      apply({cut, impossible});
      ADD_FAILURE() << "was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Unavailable);
      EXPECT_THAT(error.what(), HasSubstr("backend 'proxy' cannot do 'the fault'"));
    }
  }
  EXPECT_EQ(effect_of({kA, kB}).faults(), std::vector<FaultId>{cut.id});
}

TEST_F(ProxyFabricTest, WhyShowsTheRulesOfTheRelay) {
  const Fault cut = fault({{kA, kB}}, {.cut = CutMode::Drop});
  apply({cut});
  const LinkExplanation why = fabric_->why({kA, kB}, {}, now());
  EXPECT_EQ(why.mechanism, "proxy");
  EXPECT_THAT(why.rules, Contains("relay a -> b:7000 requests: hold"));
  EXPECT_THAT(fabric_->why({kA, kB}, {Protocol::Udp, std::nullopt}, now()).notes,
              ElementsAre(HasSubstr("TCP connections only")));
}

/// A child that connects to the relay from an address of nobody and sends one byte.
/// @param fork_child as fork(2)
template <typename Fork>
pid_t start_dialer(Ipv4 address, Fork fork_child) {
  const proxy::Endpoint target = at(address);
  int sent_pipe[2];
  EXPECT_EQ(::pipe(sent_pipe), 0);
  const UniqueFd sent_from(sent_pipe[0]);
  const UniqueFd sent_to(sent_pipe[1]);
  const pid_t pid = fork_child();
  if (pid == 0) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const bool sent = ::connect(fd, target.data(), static_cast<socklen_t>(target.size())) == 0 &&
                      ::send(fd, "x", 1, 0) == 1 && ::write(sent_to.get(), "x", 1) == 1;
    if (sent) {
      ::pause();
    }
    ::_exit(1);
  }
  char byte = 0;
  EXPECT_EQ(::read(sent_from.get(), &byte, 1), 1);
  return pid;
}

void end(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

pid_t start_dialer(Ipv4 address) {
  return start_dialer(address, ::fork);
}

/// fork(2) with a pid that is free; -1 and EPERM without the privilege for that.
pid_t fork_as(pid_t pid) {
  clone_args wanted{};
  wanted.exit_signal = SIGCHLD;
  wanted.set_tid = reinterpret_cast<std::uintptr_t>(&pid);
  wanted.set_tid_size = 1;
  return static_cast<pid_t>(::syscall(SYS_clone3, &wanted, sizeof wanted));
}

TEST_F(ProxyFabricTest, APidThatWasUsedAgainIsAStrangers) {
  const Fault cut = fault({{kA, kB}}, {.cut = CutMode::Drop});
  apply({cut});
  pid_t pid = 0;
  fabric_->admit(kA, [&] {
    pid = start_dialer(plan_.endpoints[kB].address);
    return pid;
  });
  ASSERT_TRUE(
      test::eventually([&] { return fabric_->packets(cut.id).held == 1; }, milliseconds(10'000)));
  end(pid);
  const pid_t probe = fork_as(pid);
  if (probe == 0) {
    ::_exit(0);
  }
  if (probe < 0) {
    GTEST_SKIP() << "needs the right to choose a pid";
  }
  end(probe);
  ASSERT_EQ(start_dialer(plan_.endpoints[kB].address, [pid] { return fork_as(pid); }), pid);
  const ScopeExit cleanup([pid] { end(pid); });
  EXPECT_EQ(accept(kB).receive(1), "x");
}

TEST_F(ProxyFabricTest, KnowsAProgramByItsProcessFromItsFirstConnectionOn) {
  const Fault cut = fault({{kA, kB}}, {.cut = CutMode::Drop});
  apply({cut});
  pid_t pid = 0;
  fabric_->admit(kA, [&] {
    // The relay may meet the connection before it is told whose the process is.
    pid = start_dialer(plan_.endpoints[kB].address);
    return pid;
  });
  EXPECT_TRUE(is_alone(kB));
  EXPECT_TRUE(
      test::eventually([&] { return fabric_->packets(cut.id).held == 1; }, milliseconds(10'000)));
  apply({});
  EXPECT_EQ(accept(kB).receive(1), "x");
  end(pid);
}

TEST_F(ProxyFabricTest, FaultsDoNotConcernProgramsOutsideTheCluster) {
  apply({fault({{kA, kB}, {kB, kA}, {kClient, kB}, {kB, kClient}}, {.cut = CutMode::Drop})});
  const pid_t pid = start_dialer(plan_.endpoints[kB].address);
  EXPECT_EQ(accept(kB).receive(1), "x");
  end(pid);
}

TEST_F(ProxyFabricTest, LinksBetweenEndpointsWithoutServicesAreNotSeen) {
  EXPECT_TRUE(fabric_->sees({kClient, kA}));
  FabricPlan mute = plan_;
  mute.subnet.base.value ^= 0x00400000;
  for (FabricEndpoint& endpoint : mute.endpoints) {
    endpoint.ports.clear();
  }
  const auto fabric = make_proxy_fabric(mute);
  EXPECT_FALSE(fabric->sees({kA, kB}));
  EXPECT_THROW(static_cast<void>(fabric->apply({fault({{kA, kB}}, {.cut = CutMode::Drop})}, now())),
               Error);
}

TEST_F(ProxyFabricTest, ATakenAddressIsAConflict) {
  try {
    static_cast<void>(make_proxy_fabric(plan_));
    ADD_FAILURE() << "two fabrics at the same addresses";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Conflict);
  }
}

TEST_F(ProxyFabricTest, ASubnetWithListenersIsNotQuiet) {
  const Subnet elsewhere{Ipv4{plan_.subnet.base.value ^ 0x00400000U}, 24};
  EXPECT_THAT(without_listeners({plan_.subnet, elsewhere}), ElementsAre(elsewhere));
}

}  // namespace
}  // namespace tinet
