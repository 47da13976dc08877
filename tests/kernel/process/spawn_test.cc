#include "src/process/spawn.h"

#include <filesystem>
#include <set>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <gmock/gmock.h>

#include "tests/kernel/process/fixture.h"

namespace tinet::testing {
namespace {

using Spawn = ProcessTest;

constexpr const char* kNoCapability = "0000000000000000";

void expect_no_privilege(const std::string& text) {
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_EQ(field(text, set), kNoCapability) << set;
  }
  EXPECT_EQ(field(text, "NoNewPrivs"), "1");
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

TEST_F(Spawn, GivesTheUserAndNoCapability) {
  const Output output = run({.program = program("prints_status"), .user = user_});
  ASSERT_TRUE(output.status.success()) << output.text;
  expect_no_privilege(output.text);
  const std::string uid = std::to_string(user_ ? user_->uid : ::geteuid());
  EXPECT_EQ(field(output.text, "Uid"), uid + "\t" + uid + "\t" + uid + "\t" + uid);
  if (user_) {
    EXPECT_EQ(field(output.text, "Groups"), "65534 ");
  }
}

TEST_F(Spawn, LeavesNoCapabilityToRootEither) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root";
  }
  const Output output = run({.program = program("prints_status"), .user = current_user()});
  ASSERT_TRUE(output.status.success()) << output.text;
  expect_no_privilege(output.text);
  EXPECT_EQ(field(output.text, "Uid"), "0\t0\t0\t0");
}

TEST_F(Spawn, LeavesThreeDescriptorsOnly) {
  const UniqueFd inheritable(::open("/dev/null", O_RDONLY));  // NOLINT: without close-on-exec
  ASSERT_TRUE(inheritable);
  const Output output = run({.program = program("prints_status")});
  EXPECT_THAT(output.text, ::testing::HasSubstr("fd: 0\nfd: 1\nfd: 2\n"));
  EXPECT_THAT(output.text, ::testing::Not(::testing::HasSubstr("fd: 3")));
}

TEST_F(Spawn, ResetsSignalsLimitsAndUmask) {
  ASSERT_NE(::signal(SIGUSR1, SIG_IGN), SIG_ERR);
  sigset_t some;
  sigemptyset(&some);
  sigaddset(&some, SIGUSR2);
  sigprocmask(SIG_BLOCK, &some, nullptr);
  const Output output = run({.program = program("prints_status"), .cwd = "/usr", .umask = 077});
  sigprocmask(SIG_UNBLOCK, &some, nullptr);
  ASSERT_NE(::signal(SIGUSR1, SIG_DFL), SIG_ERR);
  EXPECT_EQ(field(output.text, "SigBlk"), "0000000000000000");
  EXPECT_EQ(field(output.text, "SigIgn"), "0000000000000000");
  EXPECT_EQ(field(output.text, "nofile"), "hard");
  EXPECT_EQ(field(output.text, "umask"), "63");
  EXPECT_EQ(field(output.text, "cwd"), "/usr");
  EXPECT_EQ(field(output.text, "pgrp"), "leader");
}

TEST_F(Spawn, PlacesDescriptorsThatAreInTheWay) {
  Pipe pipe = open_pipe();
  const UniqueFd saved(::dup(0));
  ASSERT_EQ(::dup2(pipe.write_end.get(), 0), 0);  // stdout of the child is our 0
  const Child child =
      spawn(executor(), {.program = program("prints_status"), .stdout_fd = 0, .stderr_fd = 0});
  ASSERT_EQ(::dup2(saved.get(), 0), 0);
  pipe.write_end.reset();
  EXPECT_THAT(read_all(pipe.read_end.get()), ::testing::HasSubstr("NoNewPrivs"));
  EXPECT_TRUE(wait(child).success());
}

TEST_F(Spawn, ReportsHowItEnded) {
  EXPECT_EQ(run({.program = program("exits_after"), .args = {"0", "3"}}).status.text(),
            "exited with status 3");
  EXPECT_EQ(run({.program = program("exits_after"), .args = {"0", "-9"}}).status.text(),
            "killed by SIGKILL");
  const Child child = spawn(executor(), {.program = program("ignores_sigterm")});
  EXPECT_EQ(child.signal(SIGINT), Delivery::Sent);
  EXPECT_EQ(wait(child), ExitStatus::killed(SIGINT));
  EXPECT_EQ(child.signal(SIGINT), Delivery::Gone);
  EXPECT_EQ(wait(child), ExitStatus::killed(SIGINT)) << "a second wait tells the same";
}

TEST_F(Spawn, SaysWhyAProgramCannotBeExecuted) {
  struct Case {
    std::string program;
    int error;
    int shell_status;
  };
  std::ofstream(dir_ / "text") << "no program\n";
  std::ofstream(dir_ / "garbage") << "no program\n";
  std::filesystem::permissions(dir_ / "garbage", std::filesystem::perms(0755));
  for (const Case& c : {Case{"/nonexistent/program", ENOENT, 127}, Case{dir_ / "text", EACCES, 126},
                        Case{dir_ / "garbage", ENOEXEC, 126}}) {
    try {
      const Child child = spawn(executor(), {.program = c.program});
      ADD_FAILURE() << c.program << " was executed";
    } catch (const SpawnError& error) {
      EXPECT_EQ(error.step(), SpawnStep::Exec);
      EXPECT_EQ(error.error_number(), c.error) << c.program;
      EXPECT_EQ(error.shell_status(), c.shell_status) << c.program;
      EXPECT_EQ(error.kind(), ErrorKind::Unavailable);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("'" + c.program + "'"));
    }
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a failed start left a child";
}

TEST_F(Spawn, SaysWhichWorkingDirectoryIsMissing) {
  try {
    const Child child = spawn(executor(), {.program = "/bin/true", .cwd = "/nonexistent"});
    ADD_FAILURE() << "the directory was entered";
  } catch (const SpawnError& error) {
    EXPECT_EQ(error.step(), SpawnStep::Cwd);
    EXPECT_STREQ(error.what(), "cannot enter directory '/nonexistent': No such file or directory");
  }
}

TEST_F(Spawn, LeavesNoZombieAndNoDescriptorAfterFiftyStarts) {
  static_cast<void>(run({.program = "/bin/true"}));  // the loop's own descriptors exist now
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(run({.program = "/bin/true", .user = user_}).status.success());
  }
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(Spawn, KillsTheProgramWhenTheChildIsDestroyed) {
  UniqueFd pidfd;
  {
    const Child child = spawn(executor(), {.program = program("ignores_sigterm")});
    pidfd = open_pidfd(child.pid());
  }
  EXPECT_TRUE(wait_ended(pidfd.get(), std::chrono::seconds(5)));
  context_.run();
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "the loop must have reaped it";
}

TEST_F(Spawn, CancelsOneWaitOnly) {
  const Child child = spawn(executor(), {.program = program("ignores_sigterm")});
  boost::asio::cancellation_signal cancel;
  boost::system::error_code first;
  std::optional<ExitStatus> second;
  child.async_wait(boost::asio::bind_cancellation_slot(
      cancel.slot(), [&first](boost::system::error_code error, ExitStatus) { first = error; }));
  child.async_wait([&second](boost::system::error_code, ExitStatus status) { second = status; });
  cancel.emit(boost::asio::cancellation_type::all);
  run_until([&first] { return static_cast<bool>(first); });
  EXPECT_EQ(first, boost::asio::error::operation_aborted);
  EXPECT_FALSE(second.has_value());
  EXPECT_EQ(child.signal(SIGKILL), Delivery::Sent);
  run_until([&second] { return second.has_value(); });
  EXPECT_EQ(second, ExitStatus::killed(SIGKILL));
}

}  // namespace
}  // namespace tinet::testing
