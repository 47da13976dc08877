/// Faults as receivers see them: what each does is counted at the far end, and every other link is
/// left alone.

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>

#include <poll.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/model/traffic.h"
#include "tests/kernel/arrivals.h"
#include "tests/kernel/fault_actions.h"
#include "tests/kernel/fault_traffic.h"
#include "tests/support/statistics.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 7000;
constexpr std::array kFamilies = {AF_INET, AF_INET6};

TEST(Loss, TakesItsShareOfOneLinkAndCountsIt) {
  constexpr std::uint32_t kSent = 20'000;
  World world(3);
  world.fabric->apply({acting(1, losing(100'000))}, now());
  Datagrams lossy(world, kLink, kPort);
  Datagrams untouched(world, {2, 1}, kPort + 1);
  const std::size_t arrived = lossy.exchange(kSent, 200ms).size();
  EXPECT_EQ(untouched.exchange(2'000, 200ms).size(), 2'000U);
  expect_share(kSent - arrived, kSent, 0.1);
  const PacketCounts counts = world.fabric->packets({1});
  EXPECT_EQ(counts.dropped, kSent - arrived);
  EXPECT_EQ(counts.passed, arrived);
}

TEST(Loss, OfTwoFaultsIsIndependent) {
  constexpr std::uint32_t kSent = 10'000;
  World world(2);
  world.fabric->apply({acting(1, losing(500'000)), acting(2, losing(200'000))}, now());
  Datagrams lossy(world, kLink, kPort);
  const std::size_t arrived = lossy.exchange(kSent, 200ms).size();
  expect_share(arrived, kSent, 0.5 * 0.8);
  EXPECT_EQ(world.fabric->packets({1}).dropped + world.fabric->packets({2}).dropped,
            kSent - arrived);
}

TEST(Loss, OfAPortLeavesOtherPortsAlone) {
  World world(2, true);
  world.fabric->apply({acting(1, losing(1'000'000), {kLink}, to_port(kPort))}, now());
  for (const int family : kFamilies) {
    Datagrams scoped(world, kLink, kPort, family);
    Datagrams other(world, kLink, kPort + 1, family);
    scoped.send(0, 50);
    other.send(0, 50);
    EXPECT_EQ(other.receive(200ms).size(), 50U);
    EXPECT_EQ(scoped.receive(0ms).size(), 0U);
  }
  EXPECT_EQ(world.fabric->packets({1}).dropped, 100U);
}

TEST(First, DropsSoManyPacketsOfEachLinkAndNoMore) {
  for (const int family : kFamilies) {
    SCOPED_TRACE(family);
    World world(2, true);
    Match match = to_port(kPort);
    match.first = 3;
    match.owner = {1};
    const Fault fault = acting(1, cutting(CutMode::Drop), {{0, 1}, {1, 0}}, match);
    world.fabric->apply({fault}, now());
    Datagrams there(world, {0, 1}, kPort, family);
    there.send(0, 2);
    EXPECT_EQ(there.receive(50ms).size(), 0U);
    // Another fault on the link comes and goes: what was remembered stays.
    world.fabric->apply({fault, acting(2, losing(1))}, now());
    there.send(2, 5);
    const auto arrived = there.receive(200ms);
    ASSERT_EQ(arrived.size(), 4U);
    EXPECT_EQ(arrived.front().number, 3U);
    Datagrams back(world, {1, 0}, kPort, family);
    back.send(0, 5);
    EXPECT_EQ(back.receive(200ms).size(), 2U);
  }
}

TEST(First, CanBeAsManyAsIsSaid) {
  World world(2);
  Match match;
  match.first = kFirstMax;
  match.owner = {1};
  world.fabric->apply({acting(1, cutting(CutMode::Drop), {kLink}, match)}, now());
  EXPECT_FALSE(world.reaches(0, 1));
}

TEST(AfterBytes, CutsALinkOnceSoMuchHasPassed) {
  for (const int family : kFamilies) {
    SCOPED_TRACE(family);
    World world(2, true);
    Match match = to_port(kPort);
    match.after_bytes = 10'000;
    match.owner = {1};
    world.fabric->apply({acting(1, cutting(CutMode::Drop), {kLink}, match)}, now());
    Datagrams datagrams(world, kLink, kPort, family);
    datagrams.send(0, 20, {}, 1000);
    const std::size_t arrived = datagrams.receive(200ms).size();
    EXPECT_GE(arrived, 8U);
    EXPECT_LE(arrived, 10U);
    Datagrams other(world, kLink, kPort + 1, family);
    other.send(0, 20, {}, 1000);
    EXPECT_EQ(other.receive(200ms).size(), 20U);
  }
}

TEST(Duplicate, SendsItsShareTwiceAndNothingThrice) {
  constexpr std::uint32_t kSent = 5'000;
  for (const int family : kFamilies) {
    SCOPED_TRACE(family);
    World world(3, true);
    LinkAction action;
    action.duplicate = Ppm{300'000};
    world.fabric->apply({acting(1, action, {kLink}, to_port(kPort))}, now());
    Datagrams datagrams(world, kLink, kPort, family);
    const auto arrivals = datagrams.exchange(kSent, 200ms);
    std::map<std::uint32_t, int> times;
    for (const Arrival& arrival : arrivals) {
      EXPECT_LE(++times[arrival.number], 2);
      EXPECT_TRUE(arrival.intact);
    }
    EXPECT_EQ(times.size(), kSent);
    expect_share(arrivals.size() - kSent, kSent, 0.3);
    EXPECT_EQ(world.fabric->packets({1}).duplicated, arrivals.size() - kSent);
    Datagrams untouched(world, {2, 1}, kPort + 1, family);
    untouched.send(0, 200);
    EXPECT_EQ(untouched.receive(200ms).size(), 200U);
  }
}

TEST(Corrupt, IsNoticedByTheReceiversChecksum) {
  for (const int family : kFamilies) {
    SCOPED_TRACE(family);
    World world(2, true);
    LinkAction action;
    action.corrupt = Ppm{400'000};
    world.fabric->apply({acting(1, action)}, now());
    Datagrams datagrams(world, kLink, kPort, family);
    const auto arrivals = datagrams.exchange(2'000, 200ms);
    expect_share(2'000 - arrivals.size(), 2'000, 0.4);
    EXPECT_TRUE(std::all_of(arrivals.begin(), arrivals.end(),
                            [](const Arrival& arrival) { return arrival.intact; }));
  }
}

TEST(Corrupt, ReachesTheProgramWhenItIsSilent) {
  for (const int family : kFamilies) {
    SCOPED_TRACE(family);
    World world(2, true);
    LinkAction action;
    action.corrupt = Ppm{400'000};
    action.silent_corruption = true;
    world.fabric->apply({acting(1, action, {kLink}, to_port(kPort))}, now());
    Datagrams datagrams(world, kLink, kPort, family);
    const auto arrivals = datagrams.exchange(2'000, 200ms);
    ASSERT_EQ(arrivals.size(), 2'000U);
    const auto changed = std::count_if(arrivals.begin(), arrivals.end(),
                                       [](const Arrival& arrival) { return !arrival.intact; });
    expect_share(static_cast<std::size_t>(changed), 2'000, 0.4);
    EXPECT_EQ(world.fabric->packets({1}).corrupted, static_cast<std::uint64_t>(changed));
  }
}

TEST(Reject, RefusesNewConnectionsAndLetsOpenOnesStall) {
  World world(3);
  Listener listener(world, 1, kPort);
  ASSERT_EQ(listener.dial(0, 1s), Dialled::Connected);
  const Stream open = listener.take();
  const auto report =
      world.fabric->apply({acting(1, cutting(CutMode::Reject), {{0, 1}, {1, 0}})}, now());
  EXPECT_TRUE(report.atomic);
  EXPECT_EQ(listener.dial(0, 1s), Dialled::Refused);
  EXPECT_EQ(listener.dial(2, 1s), Dialled::Connected) << "another link";
  ASSERT_EQ(::send(open.client.get(), "x", 1, MSG_NOSIGNAL), 1);
  pollfd waiting{open.server.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 100), 0);
  world.fabric->apply({}, now());
  EXPECT_EQ(::poll(&waiting, 1, 3000), 1) << "the open connection goes on";
}

TEST(Reject, AnswersDatagramsWithAnError) {
  World world(2, true);
  world.fabric->apply({acting(1, cutting(CutMode::Reject))}, now());
  for (const int family : kFamilies) {
    Datagrams datagrams(world, kLink, kPort, family);
    datagrams.send(0, 1);
    EXPECT_EQ(datagrams.receive(100ms).size(), 0U);
    EXPECT_EQ(datagrams.sender_error(), ECONNREFUSED);
  }
  EXPECT_GE(world.fabric->packets({1}).rejected, 2U);
}

TEST(Reset, EndsOpenConnections) {
  World world(2, true);
  for (const int family : kFamilies) {
    Listener listener(world, 1, kPort, family);
    ASSERT_EQ(listener.dial(0, 1s), Dialled::Connected);
    const Stream open = listener.take();
    world.fabric->apply({acting(1, cutting(CutMode::Reset), {{0, 1}, {1, 0}})}, now());
    ASSERT_EQ(::send(open.client.get(), "x", 1, MSG_NOSIGNAL), 1);
    pollfd waiting{open.client.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, 2000), 1);
    char byte = 0;
    EXPECT_EQ(::recv(open.client.get(), &byte, 1, 0), -1);
    EXPECT_EQ(errno, ECONNRESET);
    EXPECT_EQ(listener.dial(0, 1s), Dialled::Refused);
    world.fabric->apply({}, now());
  }
}

TEST(Reject, OfAPortLeavesTheRestOpen) {
  World world(2);
  Listener refused(world, 1, kPort);
  Listener open(world, 1, kPort + 1);
  world.fabric->apply({acting(1, cutting(CutMode::Reject), {kLink}, to_port(kPort, Protocol::Tcp))},
                      now());
  EXPECT_EQ(refused.dial(0, 1s), Dialled::Refused);
  EXPECT_EQ(open.dial(0, 1s), Dialled::Connected);
}

TEST(Reject, IsSilentWhenTheWayBackIsCut) {
  World world(2);
  Listener listener(world, 1, kPort);
  world.fabric->apply(
      {acting(1, cutting(CutMode::Reject)), acting(2, cutting(CutMode::Drop), {{1, 0}})}, now());
  EXPECT_EQ(listener.dial(0, 300ms), Dialled::TimedOut);
  const LinkExplanation why = world.fabric->why(kLink, {}, now());
  ASSERT_EQ(why.notes.size(), 1U);
  EXPECT_NE(why.notes[0].find("do not get back"), std::string::npos);
}

TEST(NewConnections, AreCutAndOpenOnesLive) {
  World world(2);
  Listener listener(world, 1, kPort);
  ASSERT_EQ(listener.dial(0, 1s), Dialled::Connected);
  const Stream open = listener.take();
  Match match = to_port(kPort, Protocol::Tcp);
  match.connections = Connections::New;
  world.fabric->apply({acting(1, cutting(CutMode::Drop), {kLink}, match)}, now());
  EXPECT_EQ(listener.dial(0, 300ms), Dialled::TimedOut);
  ASSERT_EQ(::send(open.client.get(), "x", 1, MSG_NOSIGNAL), 1);
  pollfd waiting{open.server.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 1000), 1);
}

TEST(DelayFault, HoldsEveryPacketThatLongInOrder) {
  World world(3);
  world.fabric->apply({acting(1, delaying(30ms))}, now());
  Datagrams delayed(world, kLink, kPort);
  Datagrams untouched(world, {2, 1}, kPort + 1);
  delayed.send(0, 200, 1ms);
  const auto arrivals = delayed.receive(300ms);
  ASSERT_EQ(arrivals.size(), 200U);
  // A queue of the kernel is emptied by more than one processor, each with a backlog of its own.
  const bool kernel_queue = world.fabric->mechanism(acting(1, delaying(30ms))) == "netem";
  EXPECT_LE(out_of_order(arrivals), kernel_queue ? 20U : 0U);
  for (const Arrival& arrival : arrivals) {
    EXPECT_GE(arrival.took, 29ms);
  }
  EXPECT_LT(median_ms(arrivals), 30 + kLateMs);
  EXPECT_EQ(world.fabric->packets({1}).delayed, 200U);
  untouched.send(0, 100, 1ms);
  EXPECT_LT(median_ms(untouched.receive(300ms)), 29);
  EXPECT_TRUE(world.fabric->audit(now()).empty());
}

TEST(DelayFault, IsTheWiresWhereNetemIsNotToBeUsed) {
  NetnsOptions options = test_options();
  options.use_netem = false;
  World world(2, false, options);
  const Fault fault = acting(1, delaying(30ms));
  EXPECT_EQ(world.fabric->mechanism(fault), "wire");
  world.fabric->apply({fault}, now());
  Datagrams datagrams(world, kLink, kPort);
  datagrams.send(0, 10);
  const auto arrivals = datagrams.receive(500ms);
  ASSERT_EQ(arrivals.size(), 10U);
  EXPECT_GE(median_ms(arrivals), 29);
}

TEST(DelayFault, AddsUpAndFollowsItsScope) {
  World world(2);
  world.fabric->apply(
      {acting(1, delaying(20ms)), acting(2, delaying(40ms), {kLink}, to_port(kPort))}, now());
  Datagrams both(world, kLink, kPort);
  Datagrams one(world, kLink, kPort + 1);
  both.send(0, 50, 1ms);
  one.send(0, 50, 1ms);
  const double slow = median_ms(both.receive(300ms));
  const double quick = median_ms(one.receive(300ms));
  EXPECT_GE(slow, 59);
  EXPECT_LT(slow, 60 + kLateMs);
  EXPECT_GE(quick, 19);
  EXPECT_LT(quick, slow);
}

TEST(DelayFault, EndsByItselfAndLosesNothing) {
  World world(2);
  Fault fault = acting(1, delaying(80ms));
  fault.end = now() + 150ms;
  world.fabric->apply({fault}, now());
  Datagrams datagrams(world, kLink, kPort);
  datagrams.send(0, 400, 1ms);
  const auto arrivals = datagrams.receive(300ms);
  EXPECT_EQ(arrivals.size(), 400U);
  const auto quick = std::count_if(arrivals.begin(), arrivals.end(),
                                   [](const Arrival& arrival) { return arrival.took < 40ms; });
  EXPECT_GT(quick, 150);
}

TEST(Hold, KeepsPacketsUntilTheyAreReleasedInOrder) {
  World world(2);
  LinkAction hold;
  hold.hold = true;
  const Fault fault = acting(1, hold);
  world.fabric->apply({fault}, now());
  Datagrams datagrams(world, kLink, kPort);
  datagrams.send(0, 100);
  EXPECT_EQ(datagrams.receive(100ms).size(), 0U);
  EXPECT_EQ(world.fabric->release({1}, false).delivered, 100U);
  world.fabric->apply({}, now());
  const auto arrivals = datagrams.receive(300ms);
  ASSERT_EQ(arrivals.size(), 100U);
  EXPECT_EQ(out_of_order(arrivals), 0U);

  world.fabric->apply({acting(2, hold)}, now());
  datagrams.send(0, 10);
  EXPECT_EQ(datagrams.receive(50ms).size(), 0U);
  EXPECT_EQ(world.fabric->release({2}, true).dropped, 10U);
  EXPECT_EQ(world.fabric->packets({2}), (PacketCounts{.dropped = 10}));
  world.fabric->apply({}, now());
  EXPECT_EQ(datagrams.receive(50ms).size(), 0U);
}

TEST(RateFault, LetsSoManyBitsThrough) {
  constexpr std::size_t kSize = 1400;
  constexpr std::uint64_t kRate = 8'000'000;
  constexpr std::uint32_t kBurst = 3'000;
  constexpr std::size_t kWindow = 100;  // a tenth of a second and more
  constexpr std::size_t kPackets = 1'100;
  for (const int family : kFamilies) {
    SCOPED_TRACE(family);
    World world(3, true);
    LinkAction action;
    action.rate = Rate{kRate, kBurst, 5'000};
    world.fabric->apply({acting(1, action)}, now());
    Datagrams limited(world, kLink, kPort, family);
    limited.send(0, kPackets, {}, kSize);
    const auto arrivals = limited.receive(400ms);
    ASSERT_EQ(arrivals.size(), kPackets);
    const double bits = (kSize + (family == AF_INET ? 42 : 62)) * 8.0;  // with all headers
    const auto rate = [&](std::size_t first, std::size_t last) {
      const std::chrono::duration<double> span = arrivals[last].at - arrivals[first].at;
      return static_cast<double>(last - first) * bits / span.count() / kRate;
    };
    // From the first packet that had to wait on. When the machine stands still, a packet comes
    // late: that makes one window slower and the next one faster, but not the one in the middle.
    std::vector<double> rates;
    for (std::size_t first = 100; first + kWindow < kPackets; ++first) {
      rates.push_back(rate(first, first + kWindow));
    }
    EXPECT_NEAR(median(rates), 1, 0.03) << "all: " << rate(100, kPackets - 1);
    // Since they were sent, what may pass at once aside, never more than that.
    const std::chrono::duration<double> since =
        arrivals.back().at - (arrivals.front().at - arrivals.front().took);
    EXPECT_LT((kPackets * bits - 8 * kBurst) / since.count() / kRate, 1.03);
    Datagrams untouched(world, {2, 1}, kPort + 1, family);
    untouched.send(0, 100, 100us, kSize);
    EXPECT_LT(median_ms(untouched.receive(200ms)), 10);
    EXPECT_TRUE(world.fabric->audit(now()).empty());
  }
}

TEST(ReorderFault, LetsItsShareOvertakeAndLosesNothing) {
  // Few enough for the kernel's backlog, should all become due at once.
  constexpr std::uint32_t kPackets = 900;
  for (const int family : kFamilies) {
    SCOPED_TRACE(family);
    World world(3, true);
    LinkAction action = delaying(600ms);
    action.reorder = Ppm{250'000};
    world.fabric->apply({acting(1, action)}, now());
    Datagrams datagrams(world, kLink, kPort, family);
    datagrams.send(0, kPackets, 200us);
    auto arrivals = datagrams.receive(1500ms);
    ASSERT_EQ(arrivals.size(), kPackets);
    EXPECT_GT(out_of_order(arrivals), 0U);
    const auto late =
        std::stable_partition(arrivals.begin(), arrivals.end(),
                              [](const Arrival& arrival) { return arrival.took < 595ms; });
    expect_share(static_cast<std::size_t>(late - arrivals.begin()), kPackets, 0.25);
    // Those that were delayed keep their order, and so do those that overtook.
    // A queue of the kernel is emptied by more than one processor, see DelayFault.
    const std::size_t strays = world.fabric->mechanism(acting(1, action)) == "netem" ? 90 : 0;
    EXPECT_LE(out_of_order({arrivals.begin(), late}), strays);
    EXPECT_LE(out_of_order({late, arrivals.end()}), strays);
    Datagrams untouched(world, {2, 1}, kPort + 1, family);
    untouched.send(0, 100, 100us);
    const auto others = untouched.receive(200ms);
    EXPECT_EQ(others.size(), 100U);
    EXPECT_EQ(out_of_order(others), 0U);
  }
}

TEST(Flap, ComesAndGoesWithoutAnyProcess) {
  World world(2);
  Datagrams datagrams(world, kLink, kPort);
  Fault fault = acting(1, cutting(CutMode::Drop));
  const auto flap = [&](Nanoseconds phase) {
    const MonoTime start = now();
    fault.flap = Flap{phase, phase, 0, start};
    fault.end = start + 5 * phase;
    world.fabric->apply({fault}, start);
    return start;
  };
  // A phase may end as late as its transaction took, which an emulated machine needs long for.
  const MonoTime trial = flap(10s);
  const Nanoseconds lateness = now() - trial;
  world.fabric->apply({}, now());
  // The kernel's clock ticks, and what a loaded machine sends a moment after it has looked.
  const Nanoseconds edge = 30ms + lateness;
  const Nanoseconds phase_length = std::max<Nanoseconds>(100ms, 4 * edge);
  const MonoTime start = flap(phase_length);
  const auto sent =
      datagrams.send(0, 700, std::chrono::ceil<std::chrono::microseconds>(phase_length / 100));
  std::set<std::uint32_t> arrived;
  for (const Arrival& arrival : datagrams.receive(200ms)) {
    arrived.insert(arrival.number);
  }
  std::size_t judged = 0;
  for (std::uint32_t i = 0; i < sent.size(); ++i) {
    const auto since = sent[i] - start;
    const auto phase = since / phase_length;
    const auto into = since % phase_length;
    const bool next_late = i + 1 < sent.size() && sent[i + 1] - sent[i] > edge / 2;
    if (into < edge || into > phase_length - edge || next_late) {
      continue;
    }
    ++judged;
    // Down in the first, third and fifth phase, and never again.
    EXPECT_EQ(arrived.contains(i), phase % 2 == 1 || phase > 4) << i << " in phase " << phase;
  }
  EXPECT_GT(judged, 50U);
}

}  // namespace
}  // namespace tinet::testing
