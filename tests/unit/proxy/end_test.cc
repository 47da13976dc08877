/// How connections end: every end is carried as what it was.

#include <cerrno>

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "tests/support/eventually.h"
#include "tests/unit/proxy/relay_world.h"

namespace tinet::proxy::test {
namespace {

using namespace std::chrono_literals;
using tinet::test::eventually;

TEST(End, OfOneDirectionLeavesTheOtherOpen) {
  RelayWorld world;
  auto pair = world.connect();
  pair.client.send("question");
  pair.client.finish_sending();
  EXPECT_EQ(pair.service.receive_all(), "question");
  pair.service.send("answer");
  EXPECT_EQ(pair.client.receive(6), "answer");
  EXPECT_EQ(world.open(), 1U);
  pair.service.finish_sending();
  EXPECT_EQ(pair.client.wait_for_end(), 0);
  EXPECT_TRUE(eventually([&] { return world.open() == 0; }, 5s));
}

TEST(End, OfTheServiceFirstLeavesTheClientSending) {
  RelayWorld world;
  auto pair = world.connect();
  pair.service.finish_sending();
  EXPECT_EQ(pair.client.wait_for_end(), 0);
  pair.client.send("still here");
  EXPECT_EQ(pair.service.receive(10), "still here");
}

TEST(End, ByResetIsAResetOnTheOtherSide) {
  RelayWorld world;
  auto first = world.connect();
  first.client.reset();
  EXPECT_EQ(first.service.wait_for_end(), ECONNRESET);
  auto second = world.connect();
  second.service.reset();
  EXPECT_EQ(second.client.wait_for_end(), ECONNRESET);
  EXPECT_TRUE(eventually([&] { return world.open() == 0; }, 5s));
}

TEST(End, ByResetComesBehindTheBytesBeforeIt) {
  RelayWorld world;
  Rule rule;
  rule.delay = {.base = 100ms};
  world.put(1, rule);
  auto pair = world.connect();
  pair.client.send("bytes");
  EXPECT_TRUE(pair.service.is_silent(20ms));
  pair.client.reset();
  EXPECT_EQ(pair.service.receive(5), "bytes");
  EXPECT_EQ(pair.service.wait_for_end(), ECONNRESET);
}

TEST(End, ByResetDoesNotWaitForAReceiverThatDoesNotRead) {
  RelayWorld world;
  auto pair = world.connect();
  pair.client.fill();
  pair.client.reset();
  EXPECT_TRUE(eventually([&] { return world.open() == 0; }, 5s));
  EXPECT_EQ(pair.service.wait_for_end(), ECONNRESET);
}

TEST(End, ByResetAfterAnEndOfStreamIsCarriedToo) {
  RelayWorld world;
  auto pair = world.connect();
  pair.client.finish_sending();
  EXPECT_EQ(pair.service.wait_for_end(), 0);
  pair.client.reset();
  // A reader learns nothing new after the end of the stream; a writer does.
  EXPECT_TRUE(eventually([&] { return ::send(pair.service.fd(), "x", 1, MSG_NOSIGNAL) < 0; }, 5s));
  EXPECT_TRUE(eventually([&] { return world.open() == 0; }, 5s));
}

TEST(End, IsAResetForTheDialerWhenNobodyListens) {
  RelayWorld world;
  const Endpoint nowhere = [] { return Server().endpoint(); }();
  world.on_loop([&] { world.listener->set_upstream(proxy::dial({nowhere})); });
  EXPECT_EQ(world.dial().wait_for_end(), ECONNRESET);
  EXPECT_EQ(world.listener_count().dial_failed, 1U);
  EXPECT_EQ(world.open(), 0U);
}

TEST(Dial, TriesTheAddressesInTurn) {
  RelayWorld world;
  const Endpoint nowhere = [] { return Server().endpoint(); }();
  const Endpoint six(boost::asio::ip::address_v6::loopback(), nowhere.port());
  world.on_loop([&] {
    world.listener->set_upstream(proxy::dial({nowhere, six, world.server.endpoint()}));
  });
  auto pair = world.connect();
  pair.client.send("found");
  EXPECT_EQ(pair.service.receive(5), "found");
}

TEST(Dial, WaitsForAnAddressThatIsFoundLater) {
  RelayWorld world;
  std::function<void(std::vector<Endpoint>)> found;
  std::promise<void> asked;
  world.on_loop([&] {
    world.listener->set_upstream([&](auto callback) {
      found = std::move(callback);
      asked.set_value();
    });
  });
  Peer client = world.dial();
  client.send("early");
  asked.get_future().wait();
  EXPECT_TRUE(world.server.is_alone(50ms));
  world.on_loop([&] { found({world.server.endpoint()}); });
  EXPECT_EQ(world.server.accept().receive(5), "early");
}

TEST(Dial, OfAnAddressFoundAfterTheEndDoesNothing) {
  RelayWorld world;
  std::function<void(std::vector<Endpoint>)> found;
  std::promise<void> asked;
  world.on_loop([&] {
    world.listener->set_upstream([&](auto callback) {
      found = std::move(callback);
      asked.set_value();
    });
  });
  Peer client = world.dial();
  asked.get_future().wait();
  client.reset();
  EXPECT_TRUE(eventually([&] { return world.open() == 0; }, 5s));
  world.on_loop([&] { found({world.server.endpoint()}); });
  EXPECT_TRUE(world.server.is_alone(50ms));
}

TEST(Accept, WithoutRulesOrWithAnExceptionIsAReset) {
  for (const bool throws : {false, true}) {
    RelayWorld world;
    const Endpoint strange = world.on_loop([&] {
      ListenerOptions options;
      options.bind = {boost::asio::ip::address_v4::loopback(), 0};
      options.find_upstream = proxy::dial({world.server.endpoint()});
      options.on_accept = [throws](const Endpoint&) -> std::optional<Rules> {
        if (throws) {
          throw std::runtime_error("who is that?");
        }
        return std::nullopt;
      };
      world.listener = std::make_unique<RelayListener>(*world.loop, options);
      return world.listener->endpoint();
    });
    EXPECT_EQ(Peer::connect(strange).wait_for_end(), ECONNRESET);
    EXPECT_EQ(world.listener_count().refused, 1U);
    EXPECT_TRUE(world.server.is_alone(20ms));
  }
}

TEST(Accept, ToldOfTheDialersAddress) {
  RelayWorld world;
  Endpoint seen;
  const Endpoint address = world.on_loop([&] {
    ListenerOptions options;
    options.bind = {boost::asio::ip::address_v4::loopback(), 0};
    options.find_upstream = proxy::dial({world.server.endpoint()});
    options.on_accept = [&](const Endpoint& peer) -> std::optional<Rules> {
      seen = peer;
      return Rules{{world.forward, world.backward}, {}};
    };
    world.listener = std::make_unique<RelayListener>(*world.loop, options);
    return world.listener->endpoint();
  });
  Peer client = Peer::connect(address);
  const Peer service = world.server.accept();
  EXPECT_EQ(world.on_loop([&] { return seen; }), client.local());
}

TEST(Vanish, OfAKilledPeerIsNoticed) {
  RelayWorld world;
  const pid_t child = ::fork();
  if (child == 0) {
    // Only calls that are safe after fork() in a program with threads.
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    static_cast<void>(
        ::connect(fd, world.address().data(), static_cast<socklen_t>(world.address().size())));
    static_cast<void>(::send(fd, "x", 1, 0));
    for (;;) {
      ::pause();
    }
  }
  Peer service = world.server.accept();
  EXPECT_EQ(service.receive(1), "x");
  // Bytes that it will never read make its kernel answer with a reset.
  service.send(std::string(100'000, 'y'));
  EXPECT_TRUE(eventually([&] { return world.backward_count().bytes == 100'000; }, 5s));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(service.wait_for_end(), ECONNRESET);
  EXPECT_TRUE(eventually([&] { return world.open() == 0; }, 5s));
}

TEST(Owner, ClosesConnectionsInOrderAndResetsThem) {
  RelayWorld world;
  auto first = world.connect();
  first.client.send("unread by the relay's owner");
  EXPECT_EQ(first.service.receive(27).size(), 27U);
  world.on_loop([&] { world.listener->close_connections(); });
  EXPECT_EQ(first.client.wait_for_end(), 0);
  EXPECT_EQ(first.service.wait_for_end(), 0);
  auto second = world.connect();
  world.on_loop([&] { world.listener->reset_connections(); });
  EXPECT_EQ(second.client.wait_for_end(), ECONNRESET);
  EXPECT_EQ(second.service.wait_for_end(), ECONNRESET);
  EXPECT_TRUE(eventually([&] { return world.open() == 0; }, 5s));
}

TEST(Listener, EndsItsConnectionsInOrderWhenItEnds) {
  RelayWorld world;
  auto pair = world.connect();
  pair.client.send("question");
  EXPECT_EQ(pair.service.receive(8), "question");
  pair.service.send("answer that is still to be read");
  EXPECT_TRUE(eventually([&] { return world.backward_count().bytes == 31; }, 5s));
  world.on_loop([&] { world.listener.reset(); });
  EXPECT_EQ(pair.client.receive_all(), "answer that is still to be read");
  EXPECT_EQ(pair.service.wait_for_end(), 0);
  EXPECT_THROW(static_cast<void>(world.dial()), Error);
}

TEST(Listener, TakesNoAddressThatIsTaken) {
  RelayWorld world;
  ListenerOptions options;
  options.bind = world.address();
  try {
    world.on_loop([&] { RelayListener(*world.loop, options); });
    FAIL() << "listens twice";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Conflict);
  }
}

}  // namespace
}  // namespace tinet::proxy::test
