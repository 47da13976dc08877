#include "tests/support/run.h"

#include <csignal>
#include <cstdlib>
#include <sstream>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

RunResult shell(const std::string& script, RunOptions options = {}) {
  return run({"sh", "-c", script}, std::move(options));
}

TEST(Run, KeepsOutputsApartAndReportsTheExitCode) {
  const auto result = shell("echo out; echo err >&2; exit 7");
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
  EXPECT_FALSE(result.timed_out);
  EXPECT_FALSE(result.output_held);
  EXPECT_FALSE(result.ok());
}

TEST(Run, PassesWordsUnchanged) {
  EXPECT_EQ(run({"printf", "%s|", "a b", "", "$HOME", "'"}).out, "a b||$HOME|'|");
}

TEST(Run, FeedsInputAndEndsIt) {
  EXPECT_EQ(run({"cat"}, {.input = "hello"}).out, "hello");
  EXPECT_EQ(run({"cat"}).out, "");
}

TEST(Run, MovesMoreThanAPipeHoldsBothWays) {
  const std::string large(3 << 20, 'x');
  const auto result = run({"cat"}, {.input = large});
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.out, large);
}

TEST(Run, SurvivesAProgramThatNeverReadsItsInput) {
  EXPECT_TRUE(run({"true"}, {.input = std::string(1 << 20, 'x')}).ok());
}

TEST(Run, ChangesTheEnvironment) {
  ASSERT_EQ(::setenv("TINET_TEST_GONE", "1", 1), 0);
  const auto result = shell("echo \"$ADDED ${TINET_TEST_GONE-unset}\"",
                            {.env = {{"ADDED", "a b"}}, .unset = {"TINET_TEST_GONE"}});
  EXPECT_EQ(result.out, "a b unset\n");
}

TEST(Run, ChangesTheDirectory) {
  EXPECT_EQ(shell("pwd", {.directory = "/proc"}).out, "/proc\n");
}

TEST(Run, ReportsASignalAsAShellDoes) {
  EXPECT_EQ(shell("kill -TERM $$").exit_code, 128 + SIGTERM);
}

TEST(Run, GivesTheProgramDefaultSignals) {
  EXPECT_THAT(shell("grep SigIgn /proc/self/status").out, HasSubstr("0000000000000000"));
}

TEST(Run, KillsTheWholeGroupWhenTimeIsUp) {
  const auto result = shell("echo started; sleep 1000 & sleep 1000", {.timeout = 200ms});
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.out, "started\n");
  EXPECT_FALSE(result.output_held) << "the background sleep was killed too";
  EXPECT_LT(result.duration, 10s);
}

TEST(Run, NoticesWhoKeepsTheOutputOpen) {
  const auto result = shell("setsid sleep 3 & echo done");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "done\n");
  EXPECT_TRUE(result.output_held);
  EXPECT_FALSE(result.ok());
}

TEST(Run, ThrowsWhenThereIsNoSuchProgram) {
  try {
    static_cast<void>(run({"/nonexistent/program"}));
    FAIL() << "it ran";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "cannot run '/nonexistent/program': No such file or directory");
  }
}

TEST(Run, BecomesAnotherUserWithoutItsGroups) {
  const auto user = ordinary_user();
  if (!user) {
    GTEST_SKIP() << "needs root";
  }
  const auto result = shell("id -u; id -g; id -G; echo \"$USER $HOME ${SUDO_UID-none}\"",
                            {.env = {}, .user = user});
  const auto gid = std::to_string(user->gid);
  EXPECT_EQ(result.out, std::to_string(user->uid) + "\n" + gid + "\n" + gid + "\n" + user->name +
                            " " + user->home + " none\n")
      << result;
}

TEST(Program, IsThereUntilItIsDestroyed) {
  pid_t pid = -1;
  {
    Program program({"sleep", "1000"});
    pid = program.pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(Program, WaitsForItsOutput) {
  Program program({"sh", "-c", "echo one; read line; echo two; exec sleep 1000"},
                  {.input = "go\n"});
  EXPECT_TRUE(program.wait_for_output("two", 10s));
  EXPECT_FALSE(program.wait_for_output("three", 10ms));
  program.signal(SIGINT);
  const auto result = program.finish();
  EXPECT_EQ(result.exit_code, 128 + SIGINT);
  EXPECT_EQ(result.out, "one\ntwo\n");
}

TEST(Program, StopsWaitingWhenTheOutputEnds) {
  Program program({"true"});
  EXPECT_FALSE(program.wait_for_output("never", 60s));
}

TEST(RunResult, PrintsAllThatAReaderNeeds) {
  std::ostringstream text;
  text << RunResult{.exit_code = 3, .out = "o\n", .err = "e\n"};
  EXPECT_EQ(text.str(), "exit code 3 after 0 ms\n--- stdout\no\n--- stderr\ne\n---");
}

TEST(TinetBinary, IsTakenFromTheEnvironmentFirst) {
  ASSERT_EQ(::setenv("TINET_BINARY", "/bin/echo", 1), 0);
  EXPECT_EQ(tinet_binary(), "/bin/echo");
  EXPECT_EQ(tinet({"status", "--json"}).out, "status --json\n");
}

TEST(CurrentUser, IsThisProcess) {
  EXPECT_EQ(current_user().uid, ::geteuid());
}

}  // namespace
}  // namespace tinet::test
