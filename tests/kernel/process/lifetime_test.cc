// Who dies with whom, and how a stop ends.

#include <filesystem>

#include <signal.h>
#include <sys/wait.h>

#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>

#include "src/process/process_tree.h"
#include "src/process/stop.h"
#include "tests/kernel/process/fixture.h"

namespace tinet::testing {
namespace {

class Lifetime : public ProcessTest {
 protected:
  Sandbox make() {
    return Sandbox::create(executor(), {.name = "node-0", .mounts = {.masked = {}}});
  }

  /// Starts a program that prints "ready" and waits for that.
  Child ready(const Sandbox* sandbox, const std::string& name, std::vector<std::string> args = {}) {
    UniqueFd out;
    Child child = start(
        {.program = program(name), .args = std::move(args), .sandbox = sandbox, .user = user_},
        out);
    EXPECT_EQ(read_line(out.get()), "ready");
    return child;
  }

  StopResult stop(const Child& child, const Sandbox& sandbox, StopOptions options) {
    std::optional<StopResult> result;
    async_stop(child, sandbox, options, [&result](StopResult r) { result = r; });
    run_until([&result] { return result.has_value(); });
    return *result;
  }

  static std::vector<UniqueFd> watch(const std::vector<pid_t>& pids) {
    std::vector<UniqueFd> fds;
    for (const pid_t pid : pids) {
      fds.push_back(open_pidfd(pid));
    }
    return fds;
  }

  static void expect_ended(const std::vector<UniqueFd>& pidfds) {
    for (const UniqueFd& pidfd : pidfds) {
      EXPECT_TRUE(wait_ended(pidfd.get(), std::chrono::seconds(5)));
    }
  }
};

TEST_F(Lifetime, DaemonsDieWithTheSandbox) {
  Sandbox sandbox = make();
  const Child child = ready(&sandbox, "forks_a_daemon");
  EXPECT_TRUE(wait(child).success());
  const auto daemons = members(sandbox);
  ASSERT_EQ(daemons.size(), 1U) << "the daemon outlives the program";
  const auto pidfds = watch(daemons);
  bury(sandbox);
  expect_ended(pidfds);
}

TEST_F(Lifetime, EverythingDiesWhenSomebodyKillsTheReaper) {
  Sandbox sandbox = make();
  const Child child = ready(&sandbox, "forks_a_daemon", {"wait"});
  const auto pidfds = watch(members(sandbox));
  ASSERT_EQ(pidfds.size(), 2U);
  std::optional<ExitStatus> seen;
  sandbox.async_wait_gone([&seen](boost::system::error_code, ExitStatus status) { seen = status; });
  ASSERT_EQ(::kill(sandbox.reaper_pid(), SIGKILL), 0);
  EXPECT_EQ(wait(child), ExitStatus::killed(SIGKILL));
  run_until([&seen] { return seen.has_value(); });
  EXPECT_EQ(seen, ExitStatus::killed(SIGKILL));
  EXPECT_FALSE(sandbox.alive());
  expect_ended(pidfds);
}

TEST_F(Lifetime, EverythingDiesWithAKilledSupervisor) {
  // A process of its own plays the supervisor: it makes the sandbox, starts the programs, tells
  // their pids and is killed.
  Pipe pipe = open_pipe();
  const pid_t supervisor = ::fork();
  if (supervisor == 0) {
    boost::asio::io_context loop(1);
    const Sandbox sandbox = Sandbox::create(loop.get_executor(), {.name = "node-0"});
    Pipe out = open_pipe();
    const Child inside = spawn(loop.get_executor(), {.program = program("forks_a_daemon"),
                                                     .args = {"wait"},
                                                     .stdout_fd = out.write_end.get(),
                                                     .sandbox = &sandbox,
                                                     .user = user_});
    const Child outside =
        spawn(loop.get_executor(), {.program = program("ignores_sigterm"), .user = user_});
    read_line(out.read_end.get());
    std::string pids;
    for (const pid_t pid : members(sandbox)) {
      pids += std::to_string(pid) + " ";
    }
    pids += std::to_string(outside.pid()) + " " + std::to_string(sandbox.reaper_pid()) + "\n";
    static_cast<void>(!::write(pipe.write_end.get(), pids.data(), pids.size()));
    ::pause();
    ::_exit(0);
  }
  pipe.write_end.reset();
  std::istringstream words(read_line(pipe.read_end.get()));
  std::vector<pid_t> pids;
  for (pid_t pid = 0; words >> pid;) {
    pids.push_back(pid);
  }
  ASSERT_EQ(pids.size(), 4U) << "program, daemon, program without sandbox, reaper";
  const auto pidfds = watch(pids);
  ASSERT_EQ(::kill(supervisor, SIGKILL), 0);
  ASSERT_EQ(::waitpid(supervisor, nullptr, 0), supervisor);
  expect_ended(pidfds);
}

TEST_F(Lifetime, StopIsCleanWhenTheProgramObeys) {
  Sandbox sandbox = make();
  const Child child = ready(&sandbox, "forks_a_daemon", {"wait"});
  const auto pidfds = watch(members(sandbox));
  const StopResult result = stop(child, sandbox, {});
  EXPECT_EQ(result.outcome, StopOutcome::Clean);
  EXPECT_EQ(result.status, ExitStatus::killed(SIGTERM));
  EXPECT_FALSE(sandbox.alive());
  expect_ended(pidfds);
}

TEST_F(Lifetime, StopForcesAfterTheGrace) {
  Sandbox sandbox = make();
  const Child child = ready(&sandbox, "ignores_sigterm");
  const auto start = std::chrono::steady_clock::now();
  const StopResult result = stop(child, sandbox, {.grace = std::chrono::milliseconds(200)});
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(result.outcome, StopOutcome::Forced);
  EXPECT_EQ(result.status, ExitStatus::killed(SIGKILL));
  EXPECT_GE(took, std::chrono::milliseconds(200));
  EXPECT_LT(took, std::chrono::seconds(5));
}

TEST_F(Lifetime, StopWakesAPausedProgram) {
  Sandbox sandbox = make();
  const Child child = ready(&sandbox, "forks_a_daemon", {"wait"});
  EXPECT_EQ(signal_tree(sandbox, SIGSTOP), 2U);
  EXPECT_EQ(stop(child, sandbox, {}).outcome, StopOutcome::Clean);
}

TEST_F(Lifetime, StopOfAnEndedProgramTakesItsLeftovers) {
  Sandbox sandbox = make();
  const Child child = ready(&sandbox, "forks_a_daemon");
  EXPECT_TRUE(wait(child).success());
  const auto pidfds = watch(members(sandbox));
  ASSERT_EQ(pidfds.size(), 1U);
  const StopResult result = stop(child, sandbox, {});
  EXPECT_EQ(result.outcome, StopOutcome::Clean);
  EXPECT_TRUE(result.status.success());
  expect_ended(pidfds);
}

TEST_F(Lifetime, StopCompletesWhenChildAndSandboxAreDestroyed) {
  std::optional<StopResult> result;
  {
    Sandbox sandbox = make();
    const Child child = ready(&sandbox, "ignores_sigterm");
    async_stop(child, sandbox, {}, [&result](StopResult r) { result = r; });
  }
  run_until([&result] { return result.has_value(); });
  EXPECT_EQ(result->outcome, StopOutcome::Forced);
}

TEST_F(Lifetime, PauseReachesEveryProcess) {
  Sandbox sandbox = make();
  const Child child = ready(&sandbox, "forks_a_daemon", {"wait"});
  ASSERT_EQ(signal_tree(sandbox, SIGSTOP), 2U);
  for (const pid_t pid : members(sandbox)) {
    EXPECT_TRUE(becomes_stopped(pid)) << pid;
  }
  EXPECT_EQ(signal_tree(sandbox, SIGCONT), 2U);
  bury(sandbox);
  EXPECT_EQ(signal_tree(sandbox, SIGSTOP), 0U);
}

TEST_F(Lifetime, DestroyedLoopLeavesNothing) {
  std::vector<UniqueFd> pidfds;
  {
    boost::asio::io_context loop(1);
    const Sandbox sandbox = Sandbox::create(loop.get_executor(), {.name = "node-0"});
    const Child child =
        spawn(loop.get_executor(), {.program = program("ignores_sigterm"), .sandbox = &sandbox});
    pidfds = watch({child.pid(), sandbox.reaper_pid()});
  }
  expect_ended(pidfds);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "and it was reaped";
}

}  // namespace
}  // namespace tinet::testing
