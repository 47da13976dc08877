/// Lost replies: of the chosen connections, requests arrive and are acknowledged, and what the
/// service says does not.

#include <algorithm>
#include <string_view>

#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "tests/kernel/arrivals.h"
#include "tests/kernel/fault_actions.h"
#include "tests/kernel/fault_traffic.h"
#include "tests/support/eventually.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 7000;
constexpr Endpoint kClient = 0;
constexpr Endpoint kService = 1;

Fault losing_replies(std::uint32_t ppm, std::vector<Link> links = {{kService, kClient}}) {
  LinkAction action;
  action.lost_replies = Ppm{ppm};
  Match match;
  match.protocol = Protocol::Tcp;
  match.from_ports = {kPort};
  return acting(1, action, std::move(links), match);
}

void say(const UniqueFd& fd, std::string_view text) {
  ASSERT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}

/// Whether that arrives, read off the socket.
bool hears(const UniqueFd& fd, std::string_view text, std::chrono::milliseconds patience) {
  pollfd waiting{fd.get(), POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(patience.count())) != 1) {
    return false;
  }
  char heard[16];
  const auto size = ::recv(fd.get(), heard, sizeof heard, MSG_DONTWAIT);
  return size > 0 && std::string_view(heard, static_cast<std::size_t>(size)) == text;
}

/// The other end has acknowledged all that was said.
bool acknowledged(const UniqueFd& fd) {
  int unsent = 0;
  return ::ioctl(fd.get(), TIOCOUTQ, &unsent) == 0 && unsent == 0;
}

/// That many connections from `from` to the service.
std::vector<Stream> connections(Listener& listener, Endpoint from, std::size_t count) {
  std::vector<Stream> all;
  for (std::size_t i = 0; i < count; ++i) {
    // A handshake carries no payload.
    EXPECT_EQ(listener.dial(from, 5s), Dialled::Connected);
    all.push_back(listener.take());
  }
  return all;
}

/// Every request arrives; which connections have had their reply when nothing comes any more.
std::vector<bool> ask_all(const std::vector<Stream>& streams) {
  for (const Stream& stream : streams) {
    say(stream.client, "ask");
    EXPECT_TRUE(hears(stream.server, "ask", 5s)) << "a request did not arrive";
    say(stream.server, "reply");
  }
  std::vector<bool> replied(streams.size());
  for (bool quiet = false; !quiet;) {
    quiet = true;
    for (std::size_t i = 0; i < streams.size(); ++i) {
      if (!replied[i] && hears(streams[i].client, "reply", 0ms)) {
        replied[i] = true;
        quiet = false;
      }
    }
    if (!quiet || std::all_of(replied.begin(), replied.end(), [](bool one) { return one; })) {
      continue;
    }
    std::vector<pollfd> waiting;
    for (std::size_t i = 0; i < streams.size(); ++i) {
      waiting.push_back({replied[i] ? -1 : streams[i].client.get(), POLLIN, 0});
    }
    quiet = ::poll(waiting.data(), waiting.size(), 300) == 0;
  }
  return replied;
}

std::size_t count_of(const std::vector<bool>& those) {
  return static_cast<std::size_t>(std::count(those.begin(), those.end(), true));
}

class LostReplies : public ::testing::TestWithParam<int> {
 protected:
  World world{3, true};
  Listener service{world, kService, kPort, GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Families, LostReplies, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& family) { return family.param == AF_INET ? "V4" : "V6"; });

TEST_P(LostReplies, OfItsShareOfTheConnectionsRequestsArriveAndRepliesDoNot) {
  constexpr std::size_t kConnections = 200;
  world.fabric->apply({losing_replies(400'000)}, now());
  const auto streams = connections(service, kClient, kConnections);
  const auto replied = ask_all(streams);
  const std::size_t silent = kConnections - count_of(replied);
  expect_share(silent, kConnections, 0.4);
  EXPECT_GE(world.fabric->packets({1}).dropped, silent);
  // The service says that it has the request, by a segment without payload if need be.
  EXPECT_TRUE(test::eventually(
      [&] {
        return std::all_of(streams.begin(), streams.end(),
                           [](const Stream& stream) { return acknowledged(stream.client); });
      },
      10s));

  // Nothing was lost for good.
  world.fabric->apply({}, now());
  for (std::size_t i = 0; i < streams.size(); ++i) {
    EXPECT_EQ(!replied[i] && hears(streams[i].client, "reply", 30s), !replied[i]) << i;
  }
}

TEST_P(LostReplies, AreLostForAConnectionsWholeLifeOrNotAtAll) {
  constexpr std::size_t kConnections = 60;
  world.fabric->apply({losing_replies(500'000)}, now());
  const auto streams = connections(service, kClient, kConnections);
  const auto first = ask_all(streams);
  for (int again = 0; again < 3; ++again) {
    EXPECT_EQ(ask_all(streams), first);
  }
  EXPECT_GT(count_of(first), 0U);
  EXPECT_LT(count_of(first), kConnections);
}

TEST_P(LostReplies, LeaveOtherLinksPortsAndDirectionsAlone) {
  constexpr std::size_t kConnections = 20;
  Listener elsewhere(world, kService, kPort + 1, GetParam());
  world.fabric->apply({losing_replies(1'000'000)}, now());
  EXPECT_EQ(count_of(ask_all(connections(service, kClient, kConnections))), 0U);
  EXPECT_EQ(count_of(ask_all(connections(service, 2, kConnections))), kConnections);
  EXPECT_EQ(count_of(ask_all(connections(elsewhere, kClient, kConnections))), kConnections);
  // The service as a client of others is not one who replies.
  Listener other(world, kClient, kPort, GetParam());
  ASSERT_EQ(other.dial(kService, 5s), Dialled::Connected);
  const Stream stream = other.take();
  say(stream.client, "ask");
  EXPECT_TRUE(hears(stream.server, "ask", 5s));
  say(stream.server, "reply");
  EXPECT_TRUE(hears(stream.client, "reply", 5s));
}

}  // namespace
}  // namespace tinet::testing
