/// Many connections, blocked ones, and no descriptors left: control answers, data goes on.

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/base/scope_exit.h"
#include "tests/support/eventually.h"
#include "tests/unit/proxy/relay_world.h"

namespace tinet::proxy::test {
namespace {

using namespace std::chrono_literals;
using tinet::test::eventually;

constexpr std::size_t kMany = 5'000;
constexpr milliseconds kControlMax{50};

/// Sends back what arrives, until the process is killed. Runs in a child: only plain calls.
[[noreturn]] void echo_for_ever(int listener) {
  const int set = ::epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener;
  ::epoll_ctl(set, EPOLL_CTL_ADD, listener, &event);
  static char buffer[65'536];
  for (;;) {
    epoll_event ready{};
    if (::epoll_wait(set, &ready, 1, -1) != 1) {
      continue;
    }
    if (ready.data.fd == listener) {
      const int fd = ::accept4(listener, nullptr, nullptr, 0);
      event.data.fd = fd;
      if (fd >= 0) {
        ::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
      }
      continue;
    }
    const ssize_t got = ::recv(ready.data.fd, buffer, sizeof buffer, 0);
    if (got <= 0) {
      ::close(ready.data.fd);
    } else if (::send(ready.data.fd, buffer, static_cast<std::size_t>(got), MSG_NOSIGNAL) < 0) {
      ::close(ready.data.fd);
    }
  }
}

class EchoProcess {
 public:
  explicit EchoProcess(int listener) : pid_(::fork()) {
    if (pid_ == 0) {
      echo_for_ever(listener);
    }
  }
  EchoProcess(const EchoProcess&) = delete;
  EchoProcess& operator=(const EchoProcess&) = delete;
  EchoProcess(EchoProcess&&) = delete;
  EchoProcess& operator=(EchoProcess&&) = delete;
  ~EchoProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

/// Raises the soft limit of open files as far as it goes.
rlim_t raise_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

/// What changes of rules took, asked from another thread while the loop does what it does.
struct Answers {
  std::vector<milliseconds> waited;
  /// The most work that the loop did between a question and its answer: on a machine that is busy
  /// with other things, what the answer waited for on account of the relay.
  Nanoseconds most_work{};

  [[nodiscard]] milliseconds usual() {
    std::nth_element(waited.begin(), waited.begin() + std::ssize(waited) / 2, waited.end());
    return waited[waited.size() / 2];
  }
};

Answers change_rules(RelayWorld& world, int times) {
  Answers answers;
  for (int i = 0; i < times; ++i) {
    Rule rule;
    rule.delay = {.base = milliseconds(i + 1)};
    const Nanoseconds work_before = world.work_done();
    const TimePoint start = Clock::now();
    world.put(9, rule, i % 2 == 0);
    answers.waited.push_back(since(start));
    answers.most_work = std::max(answers.most_work, world.work_done() - work_before);
  }
  return answers;
}

TEST(Load, FiveThousandConnectionsAtOnceAreAllServed) {
  // Two descriptors of the relay and one of the client for each.
  if (raise_files() < 3 * kMany + 200) {
    GTEST_SKIP() << "needs " << 3 * kMany + 200 << " open files (ulimit -Hn)";
  }
  Server echo;
  const EchoProcess process(echo.fd());
  RelayWorld world;
  world.on_loop([&] { world.listener->set_upstream(proxy::dial({echo.endpoint()})); });
  std::vector<Peer> clients;
  clients.reserve(kMany);
  for (std::size_t i = 0; i < kMany; ++i) {
    clients.push_back(world.dial());
  }
  for (std::size_t i = 0; i < kMany; ++i) {
    clients[i].send("connection " + std::to_string(i));
  }
  for (std::size_t i = 0; i < kMany; ++i) {
    const std::string expected = "connection " + std::to_string(i);
    ASSERT_EQ(clients[i].receive(expected.size()), expected);
  }
  EXPECT_EQ(world.open(), kMany);
  EXPECT_EQ(world.forward_count().open, kMany);

  // One change concerns all of them, and the next question waits for none of them.
  Rule rule;
  rule.hold = true;
  const Nanoseconds work_before = world.work_done();
  world.put(1, rule);
  EXPECT_LT(world.work_done() - work_before, kControlMax);
  for (Peer& client : clients) {
    client.send("held");
  }
  world.remove(1);
  for (Peer& client : clients) {
    ASSERT_EQ(client.receive(4), "held");
  }
  clients.clear();
  EXPECT_TRUE(eventually([&] { return world.open() == 0; }, 30s));
}

TEST(Control, AnswersWithin50MsWhileEveryDataPathIsBlocked) {
  RelayWorld world;
  std::vector<RelayWorld::Pair> pairs;
  for (int i = 0; i < 6; ++i) {
    pairs.push_back(world.connect());
    EXPECT_GT(pairs.back().client.fill(), 0U);
    EXPECT_GT(pairs.back().service.fill(), 0U);
  }
  Answers answers = change_rules(world, 50);
  EXPECT_LT(answers.usual(), kControlMax);
  EXPECT_LT(answers.most_work, kControlMax);
}

TEST(Control, AnswersWithin50MsWhileDataFlowsAsFastAsItCan) {
  RelayWorld world;
  std::vector<std::thread> senders;
  std::vector<std::thread> receivers;
  std::atomic<bool> is_over = false;
  for (int i = 0; i < 4; ++i) {
    auto pair = std::make_shared<RelayWorld::Pair>(world.connect());
    senders.emplace_back([pair, &is_over] {
      const std::string bytes(1'000'000, 'x');
      while (!is_over) {
        pair->client.send(bytes);
      }
      pair->client.finish_sending();
    });
    receivers.emplace_back([pair] { EXPECT_EQ(pair->service.wait_for_end(), 0); });
  }
  Answers answers = change_rules(world, 100);
  is_over = true;
  for (std::thread& thread : senders) {
    thread.join();
  }
  for (std::thread& thread : receivers) {
    thread.join();
  }
  EXPECT_LT(answers.usual(), kControlMax);
  EXPECT_LT(answers.most_work, kControlMax);
}

TEST(Control, AnswersWithin50MsWhileBytesGoOneByOne) {
  RelayWorld world;
  Rule rule;
  rule.slicer = Slicer{.average = 1};
  world.put(1, rule);
  std::vector<RelayWorld::Pair> pairs;
  for (int i = 0; i < 4; ++i) {
    pairs.push_back(world.connect());
    pairs.back().client.send(std::string(60'000, 'x'));
  }
  Answers answers = change_rules(world, 20);
  EXPECT_LT(answers.usual(), kControlMax);
  EXPECT_LT(answers.most_work, kControlMax);
  world.on_loop([&] { world.forward->clear(); });
  for (RelayWorld::Pair& pair : pairs) {
    EXPECT_EQ(pair.service.receive(60'000), std::string(60'000, 'x'));
  }
}

TEST(Descriptors, WhenThereAreNoneLeftDialersWaitAndOpenConnectionsGoOn) {
  RelayWorld world;
  auto pair = world.connect();
  std::vector<Peer> dialers;
  for (int i = 0; i < 4; ++i) {
    dialers.emplace_back(UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  }
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const ScopeExit restore([&] { ::setrlimit(RLIMIT_NOFILE, &before); });
  // Every number below is taken, so no new descriptor can be had.
  std::vector<UniqueFd> taken;
  for (;;) {
    UniqueFd fd(::dup(pair.client.fd()));
    const bool is_last = fd.get() > dialers.back().fd() + 20;
    taken.push_back(std::move(fd));
    if (is_last) {
      break;
    }
  }
  const auto top = static_cast<rlim_t>(taken.back().get());
  const rlimit low{.rlim_cur = top, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);

  for (Peer& dialer : dialers) {
    ASSERT_EQ(::connect(dialer.fd(), world.address().data(),
                        static_cast<socklen_t>(world.address().size())),
              0);
    dialer.send("patient");
  }
  EXPECT_TRUE(eventually([&] { return world.listener_count().starved > 0; }, 10s));
  EXPECT_EQ(world.listener_count().accepted, 1U);
  pair.client.send("goes on");
  EXPECT_EQ(pair.service.receive(7), "goes on");

  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  for (int i = 0; i < 4; ++i) {
    Peer service = world.server.accept();
    EXPECT_EQ(service.receive(7), "patient");
  }
}

}  // namespace
}  // namespace tinet::proxy::test
