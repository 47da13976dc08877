/// The wire's process: its life, its death, and who replaces it.

#include <csignal>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "netns/user_namespace.h"
#include "src/base/error.h"
#include "src/model/distribution.h"
#include "tests/kernel/wire_child.h"
#include "tests/kernel/wire_spy.h"
#include "tests/kernel/wire_world.h"

namespace tinet::testing {
namespace {

using std::chrono::milliseconds;

constexpr std::uint16_t kClass = 9;

WireShape delayed(milliseconds delay) {
  WireShape shape;
  shape.delay = Delay{.delay = delay};
  return shape;
}

bool readable_within(int fd, int limit_ms) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, limit_ms) == 1;
}

class WireProcessTest : public ::testing::Test {
 protected:
  void kill_wire() {
    ASSERT_EQ(::kill(world.wire.pid(), SIGKILL), 0);
    ASSERT_TRUE(readable_within(world.wire.exit_fd(), 5000));
    EXPECT_FALSE(world.wire.alive());
  }

  WireWorld world{2};
  UniqueFd a = world.socket(0, AF_INET, SOCK_DGRAM);
  UniqueFd b = world.socket(1, AF_INET, SOCK_DGRAM);
};

TEST_F(WireProcessTest, WithoutItTrafficPasses) {
  world.classify(0, 1, kClass);
  WireWorld::send(a, b, 1);
  EXPECT_EQ(WireWorld::receive(b, 1).size(), 1U);
}

TEST_F(WireProcessTest, ItsDeathLetsTrafficPassAndEnsureReplacesIt) {
  EXPECT_EQ(world.wire.ensure(), WireState::Started);
  EXPECT_EQ(world.wire.ensure(), WireState::Running);
  world.wire.set_class(kClass, delayed(milliseconds(300)));
  world.classify(0, 1, kClass);
  WireWorld::send(a, b, 1);
  ASSERT_EQ(WireWorld::receive(b, 1).size(), 1U);

  kill_wire();
  EXPECT_THROW(static_cast<void>(world.wire.stats()), Error);
  EXPECT_THROW(world.wire.set_class(kClass, delayed(milliseconds(200))), Error);
  WireWorld::send(a, b, 1, 1);
  const auto passed = WireWorld::receive(b, 1);
  ASSERT_EQ(passed.size(), 1U);
  EXPECT_LT(passed[0].delay_ms(), 150.0);

  EXPECT_EQ(world.wire.ensure(), WireState::Started);
  WireWorld::send(a, b, 1, 2);
  const auto again = WireWorld::receive(b, 1);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_GE(again[0].delay_ms(), 200.0);  // what it was told while there was none
  EXPECT_LT(again[0].delay_ms(), 290.0);
}

TEST_F(WireProcessTest, ItsLastCountsOutliveIt) {
  world.wire.ensure();
  EXPECT_TRUE(world.wire.take_ended().empty());
  world.wire.set_class(kClass, delayed(std::chrono::minutes(1)));
  world.classify(0, 1, kClass);
  WireWorld::send(a, b, 3);
  static_cast<void>(world.wire.stats());
  kill_wire();
  const auto ended = world.wire.take_ended();
  ASSERT_EQ(ended.size(), 1U);
  ASSERT_EQ(ended[0].lanes.size(), 1U);
  EXPECT_EQ(ended[0].lanes[0].counters, (WireCounters{.packets = 3, .delayed = 3, .waiting = 3}));
  EXPECT_TRUE(world.wire.take_ended().empty());
  world.wire.ensure();
  EXPECT_TRUE(world.wire.counts().lanes.empty()) << "a new one counts from zero";
}

TEST_F(WireProcessTest, AReleasedHoldStaysReleasedInTheNextProcess) {
  world.wire.ensure();
  WireShape holding;
  holding.hold = true;
  world.wire.set_class(kClass, holding);
  const std::vector<std::uint16_t> classes{kClass};
  world.wire.release(classes, HeldPackets::Deliver);
  kill_wire();
  world.wire.ensure();
  world.classify(0, 1, kClass);
  WireWorld::send(a, b, 1);
  EXPECT_EQ(WireWorld::receive(b, 1).size(), 1U);
}

TEST_F(WireProcessTest, EndsWithItsOwnerAndDeliversWhatWaits) {
  pid_t pid = 0;
  {
    WireClient own(world.client_options());
    own.ensure();
    own.set_class(kClass, delayed(std::chrono::minutes(1)));
    world.classify(0, 1, kClass);
    WireWorld::send(a, b, 10);
    pid = own.pid();
    // Asked after the packets, answered after they were read.
    EXPECT_EQ(own.stats().lanes.at(0).counters.waiting, 10U);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(WireWorld::receive(b, 10).size(), 10U);
}

TEST_F(WireProcessTest, DiesWhenItsOwnerIsKilled) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reports(ends[0]);
  UniqueFd report(ends[1]);
  const UniqueFd queue = world.client_options().open_queue();
  const pid_t owner = ::fork();
  if (owner == 0) {
    WireClientOptions options = world.client_options();
    options.open_queue = [&] { return UniqueFd(::fcntl(queue.get(), F_DUPFD_CLOEXEC, 0)); };
    WireClient own(std::move(options));
    own.ensure();
    const pid_t pid = own.pid();
    static_cast<void>(!::write(report.get(), &pid, sizeof pid));
    ::pause();
    ::_exit(0);
  }
  report.reset();
  pid_t pid = 0;
  ASSERT_EQ(::read(reports.get(), &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  const UniqueFd watched(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ASSERT_TRUE(watched);
  EXPECT_FALSE(readable_within(watched.get(), 0));
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  EXPECT_TRUE(readable_within(watched.get(), 5000));
}

TEST_F(WireProcessTest, WhatItDoesIsReadBack) {
  world.wire.ensure();
  WireShape table = delayed(milliseconds(5));
  table.delay->distribution = Distribution::Table;
  // Two do not fit one message.
  table.delay->table.assign(kDistributionTableMax, 1);
  WireShape holding;
  holding.hold = true;
  holding.end = WireTime(1);
  world.wire.set_class(3, table);
  world.wire.set_class(9, table);
  world.wire.set_class(65535, holding);
  EXPECT_TRUE(world.wire.holds(3));
  EXPECT_TRUE(world.wire.holds(65535)) << "and it has ended meanwhile";
  EXPECT_TRUE(world.wire.holds(4)) << "neither end knows it";
  EXPECT_TRUE(world.wire.audit().empty());

  // Behind the client's back.
  const auto controls = wire_controls();
  ASSERT_EQ(controls.size(), 1U);
  const WireShape told = table;
  table.delay->table[5] = 2;
  ask_wire(*controls.begin(), SetWireClass{9, table});
  ask_wire(*controls.begin(), SetWireClass{4, table});
  ask_wire(*controls.begin(), RemoveWireClass{65535});
  EXPECT_TRUE(world.wire.holds(3));
  for (const std::uint16_t number : std::vector<std::uint16_t>{4, 9, 65535}) {
    EXPECT_FALSE(world.wire.holds(number)) << number;
  }
  EXPECT_EQ(world.wire.audit(), (std::vector<std::uint16_t>{4, 9, 65535}));
  EXPECT_TRUE(world.wire.audit().empty());
  const auto read = read_wire(*controls.begin());
  EXPECT_EQ(read.size(), 3U);
  EXPECT_EQ(read.at(9), told);
}

TEST_F(WireProcessTest, ASecondListenerIsRefused) {
  world.wire.ensure();
  WireClient second(world.client_options());
  try {
    second.ensure();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Unavailable);
    EXPECT_NE(error.hint().find("listen"), std::string::npos);
  }
  EXPECT_FALSE(second.alive());
  EXPECT_TRUE(world.wire.alive());
}

TEST_F(WireProcessTest, AMissingProgramIsNamed) {
  WireClientOptions options = world.client_options();
  options.program = "/nonexistent/wire";
  WireClient wire(options);
  try {
    wire.ensure();
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("/nonexistent/wire"), std::string::npos);
  }
  EXPECT_FALSE(wire.alive());
}

TEST_F(WireProcessTest, AFrozenProcessDoesNotHangItsOwner) {
  WireClientOptions options = world.client_options();
  options.deadline = milliseconds(2000);  // an emulated machine takes 500 ms to start it
  WireClient wire(options);
  wire.ensure();
  ASSERT_EQ(::kill(wire.pid(), SIGSTOP), 0);
  EXPECT_THROW(static_cast<void>(wire.stats()), Error);
  EXPECT_NO_THROW(static_cast<void>(wire.counts()));
  EXPECT_TRUE(wire.alive());
  // Once is enough to know it.
  const auto before = std::chrono::steady_clock::now();
  EXPECT_THROW(static_cast<void>(wire.stats()), Error);
  EXPECT_LT(std::chrono::steady_clock::now() - before, options.deadline);
  ASSERT_EQ(::kill(wire.pid(), SIGCONT), 0);
  EXPECT_NO_THROW(static_cast<void>(wire.stats()));  // the late answer is not taken for this one
  ASSERT_EQ(::kill(wire.pid(), SIGSTOP), 0);
  // The destructor kills it.
}

TEST_F(WireProcessTest, SleepsWhenThereIsNothingToDo) {
  world.wire.ensure();
  WireShape holding;
  holding.hold = true;
  world.wire.set_class(kClass, holding);
  world.classify(0, 1, kClass);
  WireWorld::send(a, b, 5);
  ASSERT_EQ(world.wire.stats().lanes.at(0).counters.waiting, 5U);
  // The switch after the answer may still come.
  static_cast<void>(readable_within(world.wire.exit_fd(), 50));
  const std::string before = status_of(world.wire.pid(), "voluntary_ctxt_switches");
  ASSERT_FALSE(before.empty());
  EXPECT_FALSE(readable_within(world.wire.exit_fd(), 400));
  EXPECT_EQ(status_of(world.wire.pid(), "voluntary_ctxt_switches"), before);
}

TEST_F(WireProcessTest, KeepsOnlyTheCapabilityItNeeds) {
  world.wire.ensure();
  EXPECT_EQ(status_of(world.wire.pid(), "CapPrm"), "0000000000001000");  // CAP_NET_ADMIN
  EXPECT_EQ(status_of(world.wire.pid(), "CapEff"), "0000000000001000");
  EXPECT_EQ(status_of(world.wire.pid(), "CapInh"), "0000000000000000");
  EXPECT_EQ(status_of(world.wire.pid(), "NoNewPrivs"), "1");
}

TEST_F(WireProcessTest, HasANameOfItsOwn) {
  world.wire.ensure();
  EXPECT_EQ(status_of(world.wire.pid(), "Name"), "tinet-wire");
}

// As in the rootless backend: an ordinary uid that is itself in the user namespace, so that execve
// keeps a capability only when it was made ambient.
TEST(WireProcessRootless, WorksForAnOrdinaryUser) {
  // By descriptor, because that user may not reach its path; above those that the wire gets.
  const UniqueFd opened(::open(TINET_WIRE_PROGRAM, O_PATH | O_CLOEXEC));
  const UniqueFd program(::fcntl(opened.get(), F_DUPFD_CLOEXEC, 100));
  ASSERT_TRUE(program);
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0) {
      ::prctl(PR_SET_DUMPABLE, 1);  // else /proc/self belongs to root
    }
    try {
      enter_user_namespace();
    } catch (const Error&) {
      ::_exit(77);
    }
    try {
      WireWorld world(2);
      WireClientOptions options = world.client_options();
      options.program = "/proc/self/fd/" + std::to_string(program.get());
      WireClient wire(options);
      wire.ensure();
      wire.set_class(kClass, delayed(milliseconds(100)));
      world.classify(0, 1, kClass);
      const UniqueFd from = world.socket(0, AF_INET, SOCK_DGRAM);
      const UniqueFd to = world.socket(1, AF_INET, SOCK_DGRAM);
      WireWorld::send(from, to, 1);
      const auto arrivals = WireWorld::receive(to, 1);
      ::_exit(arrivals.size() == 1 && arrivals[0].delay_ms() >= 100.0 ? 0 : 1);
    } catch (const Error& error) {
      static_cast<void>(!::write(STDERR_FILENO, error.what(), std::string(error.what()).size()));
      ::_exit(2);
    }
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
    GTEST_SKIP() << "no user namespaces for ordinary users here";
  }
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace tinet::testing
