// Sandboxes without namespaces: whom a stop, a kill and an end take with them. Each program passes
// its stdout on to what it starts, so the end of a pipe says that none of them is left.

#include "src/process/family.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <gmock/gmock.h>

#include "src/process/privileges.h"
#include "src/process/process_tree.h"
#include "src/process/stop.h"
#include "src/process/user_files.h"
#include "tests/kernel/process/fixture.h"

namespace tinet::testing {
namespace {

using ::testing::HasSubstr;

/// Whether no process holds the other end of the pipe, now or within the limit.
bool closes(const UniqueFd& pipe, std::chrono::milliseconds limit) {
  pollfd item{.fd = pipe.get(), .events = 0, .revents = 0};
  return ::poll(&item, 1, static_cast<int>(limit.count())) == 1 && (item.revents & POLLHUP) != 0;
}

constexpr std::chrono::milliseconds kNow{0};
constexpr std::chrono::milliseconds kSoon{10'000};

class FamilyTest : public ProcessTest {
 protected:
  ~FamilyTest() override {
    context_.restart();
    context_.run_for(std::chrono::seconds(20));  // ends when nothing is waited for any more
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a process was left";
    EXPECT_EQ(errno, ECHILD);
    // Tests of other kinds of sandboxes in this process expect orphans to go to init.
    EXPECT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
  }

  Sandbox make(const std::string& name = "node-0") {
    return Sandbox::create(executor(), {.name = name, .isolation = Isolation::None});
  }

  struct Program {
    Child child;
    UniqueFd out;  ///< of everything that it starts
  };

  /// Starts a program that prints "ready" and waits for that.
  Program ready(const Sandbox& sandbox, const std::string& name,
                std::vector<std::string> args = {}) {
    UniqueFd out;
    Child child = start(
        {.program = program(name), .args = std::move(args), .sandbox = &sandbox, .user = user_},
        out);
    EXPECT_EQ(read_line(out.get()), "ready");
    return {std::move(child), std::move(out)};
  }

  StopResult stop(const Program& running, const Sandbox& sandbox, StopOptions options) {
    std::optional<StopResult> result;
    async_stop(running.child, sandbox, options, [&](StopResult r) {
      EXPECT_TRUE(closes(running.out, kNow)) << "it was not over yet";
      result = r;
    });
    run_until([&result] { return result.has_value(); });
    return *result;
  }

  void bury_with(Sandbox& sandbox, const Program& running) {
    bool gone = false;
    sandbox.async_wait_gone([&](boost::system::error_code error, ExitStatus status) {
      EXPECT_FALSE(error);
      EXPECT_EQ(status, ExitStatus::killed(SIGKILL));
      EXPECT_TRUE(closes(running.out, kNow)) << "it was not over yet";
      gone = true;
    });
    sandbox.kill();
    run_until([&gone] { return gone; });
  }
};

TEST_F(FamilyTest, LeftoversDieWhenTheirProgramHasEnded) {
  const Sandbox sandbox = make();
  const Program running = ready(sandbox, "forks_a_daemon");
  EXPECT_TRUE(wait(running.child).success());
  run_until([&] { return closes(running.out, kNow); });
  EXPECT_TRUE(sandbox.alive()) << "the next program may come";
  EXPECT_TRUE(members(sandbox).empty());
}

TEST_F(FamilyTest, DaemonsStayWhileTheirProgramRuns) {
  Sandbox sandbox = make();
  const Program running = ready(sandbox, "forks_a_daemon", {"wait"});
  const std::vector<pid_t> inside = members(sandbox);
  ASSERT_EQ(inside.size(), 2U);
  EXPECT_EQ(inside.front(), running.child.pid());
  EXPECT_FALSE(closes(running.out, kNow));
  bury_with(sandbox, running);
  EXPECT_TRUE(members(sandbox).empty());
  EXPECT_EQ(signal_tree(sandbox, SIGCONT), 0U);
}

TEST_F(FamilyTest, LeftoversOfAKilledProgramDieToo) {
  Sandbox sandbox = make();
  const Program running = ready(sandbox, "forks_a_daemon", {"wait"});
  ASSERT_EQ(::kill(running.child.pid(), SIGKILL), 0);
  EXPECT_EQ(wait(running.child), ExitStatus::killed(SIGKILL));
  bury_with(sandbox, running);
}

TEST_F(FamilyTest, StopAsksFirst) {
  const Sandbox sandbox = make();
  const Program running = ready(sandbox, "forks_a_daemon", {"wait"});
  const StopResult result = stop(running, sandbox, {});
  EXPECT_EQ(result.outcome, StopOutcome::Clean);
  EXPECT_EQ(result.status, ExitStatus::killed(SIGTERM));
  EXPECT_FALSE(sandbox.alive());
}

TEST_F(FamilyTest, StopForcesAfterTheGrace) {
  const Sandbox sandbox = make();
  const Program running = ready(sandbox, "ignores_sigterm");
  const auto began = std::chrono::steady_clock::now();
  const StopResult result = stop(running, sandbox, {.grace = std::chrono::milliseconds(200)});
  EXPECT_EQ(result.outcome, StopOutcome::Forced);
  EXPECT_EQ(result.status, ExitStatus::killed(SIGKILL));
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(200));
}

TEST_F(FamilyTest, PauseReachesEveryProcessAndStopWakesThem) {
  const Sandbox sandbox = make();
  const Program running = ready(sandbox, "forks_a_daemon", {"wait"});
  EXPECT_EQ(signal_tree(sandbox, SIGSTOP), 2U);
  for (const pid_t pid : members(sandbox)) {
    EXPECT_TRUE(becomes_stopped(pid)) << pid;
  }
  EXPECT_EQ(stop(running, sandbox, {}).outcome, StopOutcome::Clean);
}

TEST_F(FamilyTest, AForkBombDiesAsAWhole) {
  const Sandbox sandbox = make();
  const Program running = ready(sandbox, "forks_without_end", {"bomb", "400"});
  EXPECT_EQ(stop(running, sandbox, {.grace = std::chrono::milliseconds(0)}).outcome,
            StopOutcome::Forced);
}

TEST_F(FamilyTest, AProcessThatHopsFromPidToPidDies) {
  const Sandbox sandbox = make();
  const Program running = ready(sandbox, "forks_without_end", {"hop"});
  EXPECT_EQ(stop(running, sandbox, {}).outcome, StopOutcome::Clean);
}

TEST_F(FamilyTest, LeavesOtherFamiliesAlone) {
  Sandbox one = make("node-0");
  Sandbox other = make("node-1");
  const Program in_one = ready(one, "forks_a_daemon", {"wait"});
  const Program in_other = ready(other, "forks_a_daemon", {"wait"});
  EXPECT_EQ(signal_tree(one, SIGSTOP), 2U);
  bury_with(one, in_one);
  EXPECT_EQ(members(other).size(), 2U);
  EXPECT_FALSE(closes(in_other.out, kNow));
  const std::string state = field(status_of(members(other).at(1)), "State");
  EXPECT_EQ(state, "S (sleeping)");
  bury_with(other, in_other);
}

TEST_F(FamilyTest, WaitsForLeftoversThatAnotherFamilyTookOver) {
  Sandbox one = make("node-0");
  Sandbox other = make("node-1");
  const Program in_one = ready(one, "forks_without_end", {"bomb", "100"});
  const Program in_other = ready(other, "forks_without_end", {"bomb", "100"});
  // Both have ended before the loop hears of either, so the first look finds what both left.
  int gone = 0;
  const auto watch = [&gone](Sandbox& sandbox, const Program& running) {
    sandbox.async_wait_gone([&gone, &running](boost::system::error_code, ExitStatus) {
      EXPECT_TRUE(closes(running.out, kNow)) << "it was not over yet";
      ++gone;
    });
  };
  watch(one, in_one);
  watch(other, in_other);
  for (const Program* running : {&in_one, &in_other}) {
    ASSERT_EQ(::kill(running->child.pid(), SIGKILL), 0);
    ASSERT_TRUE(wait_ended(running->child.pidfd(), kSoon));
  }
  one.kill();
  other.kill();
  run_until([&gone] { return gone == 2; });
}

TEST_F(FamilyTest, ACommandsLeftoversDieWithTheCommandOnly) {
  Sandbox sandbox = make();
  const Program instance = ready(sandbox, "forks_a_daemon", {"wait"});
  const Program command = ready(sandbox, "forks_a_daemon");
  EXPECT_TRUE(wait(command.child).success());
  run_until([&] { return closes(command.out, kNow); });
  EXPECT_EQ(members(sandbox).size(), 2U) << "instance and its daemon";
  bury_with(sandbox, instance);
}

TEST_F(FamilyTest, RefusesProgramsOnceItIsKilled) {
  Sandbox sandbox = make();
  bury(sandbox);
  EXPECT_FALSE(sandbox.alive());
  try {
    const Child child = spawn(executor(), {.program = "/bin/true", .sandbox = &sandbox});
    ADD_FAILURE() << "a dead sandbox took a program";
  } catch (const SpawnError& error) {
    EXPECT_EQ(error.step(), SpawnStep::Sandbox);
    EXPECT_THAT(error.what(), HasSubstr("the sandbox is gone"));
  }
}

TEST_F(FamilyTest, TakesPrivilegesAwayAsWell) {
  const Sandbox sandbox = make();
  const Output output =
      run({.program = program("prints_status"), .sandbox = &sandbox, .user = user_});
  EXPECT_EQ(field(output.text, "CapBnd"), std::string(16, '0'));
  EXPECT_EQ(field(output.text, "NoNewPrivs"), "1");
  EXPECT_EQ(field(output.text, "pgrp"), "leader");
}

TEST_F(FamilyTest, ShowsTheCallersFilesWhateverMountsWereAskedFor) {
  const Sandbox sandbox = Sandbox::create(
      executor(),
      {.name = "node-0", .mounts = {.tmp_source = "/nonexistent"}, .isolation = Isolation::None});
  const RunAs inside{.user = user_, .sandbox = &sandbox};
  write_files(inside, {{.path = dir_ / "program", .content = "x", .mode = 0755}});
  access_check(inside, {{.path = dir_ / "program"}});
  EXPECT_THROW(access_check(inside, {{.path = dir_ / "none"}}), Error);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "program"));
}

TEST_F(FamilyTest, StopCompletesWhenChildAndSandboxAreDestroyed) {
  std::optional<StopResult> result;
  UniqueFd out;
  {
    const Sandbox sandbox = make();
    Program running = ready(sandbox, "forks_a_daemon", {"wait"});
    out = std::move(running.out);
    async_stop(running.child, sandbox, {.signal = SIGCONT}, [&](StopResult r) {
      EXPECT_TRUE(closes(out, kNow));
      result = r;
    });
  }
  run_until([&result] { return result.has_value(); });
  EXPECT_EQ(result->outcome, StopOutcome::Forced);
}

TEST_F(FamilyTest, ADestroyedLoopLeavesNothing) {
  UniqueFd out;
  {
    boost::asio::io_context loop(1);
    const Sandbox sandbox =
        Sandbox::create(loop.get_executor(), {.name = "node-0", .isolation = Isolation::None});
    Pipe pipe = open_pipe();
    const Child child = spawn(loop.get_executor(), {.program = program("forks_a_daemon"),
                                                    .args = {"wait"},
                                                    .stdout_fd = pipe.write_end.get(),
                                                    .sandbox = &sandbox});
    out = std::move(pipe.read_end);
    EXPECT_EQ(read_line(out.get()), "ready");
  }
  EXPECT_TRUE(closes(out, kNow));
}

TEST_F(FamilyTest, NeedsNoPrivilegeAtAll) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (apply_privileges(plan_privileges(user_)) != 0) {
      ::_exit(2);
    }
    boost::asio::io_context loop(1);
    bool stopped = false;
    {
      const Sandbox sandbox =
          Sandbox::create(loop.get_executor(), {.name = "node-0", .isolation = Isolation::None});
      const Child child =
          spawn(loop.get_executor(),
                {.program = program("forks_a_daemon"), .args = {"wait"}, .sandbox = &sandbox});
      async_stop(child, sandbox, {}, [&stopped](StopResult) { stopped = true; });
      loop.run_for(std::chrono::seconds(20));
    }
    ::_exit(stopped && ::waitpid(-1, nullptr, WNOHANG) == -1 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(ExitStatus::from_wait(status).text(), "exited with status 0");
}

}  // namespace
}  // namespace tinet::testing
