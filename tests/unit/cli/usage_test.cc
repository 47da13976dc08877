// Every wrong word is error 2 with a message that names it and, where one is near, a suggestion.

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tests/unit/cli/cli_test_support.h"

namespace tinet::cli {
namespace {

using test::run;
using Words = std::vector<std::string>;

struct Wrong {
  const char* name;
  Words words;
  const char* message;
  const char* hint;
};

class UsageError : public testing::TestWithParam<Wrong> {};

TEST_P(UsageError, ExitsWithTwoAndNamesTheWord) {
  const auto outcome = run(GetParam().words);
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.out, "");
  const std::string expected =
      std::string("tinet: error: ") + GetParam().message + "\n" +
      (*GetParam().hint == '\0' ? std::string()
                                : std::string("tinet: hint: ") + GetParam().hint + "\n");
  EXPECT_EQ(outcome.err, expected);
}

INSTANTIATE_TEST_SUITE_P(
    Words, UsageError,
    testing::Values(
        Wrong{"NoCommand", {}, "no command given", "see 'tinet --help'"},
        Wrong{
            "Command", {"partion", "x"}, "unknown command 'partion'", "did you mean 'partition'?"},
        Wrong{"FarCommand", {"xyzzy"}, "unknown command 'xyzzy'", "see 'tinet --help'"},
        Wrong{"Option",
              {"partition", "tikv-0", "--forr", "2s"},
              "unknown option '--forr' of 'tinet partition'",
              "did you mean '--for'?"},
        Wrong{"OptionBeforeWord",
              {"heal", "--requireeffect", "f1"},
              "unknown option '--requireeffect' of 'tinet heal'",
              "did you mean '--require-effect'?"},
        Wrong{"ShortOption",
              {"list", "-z"},
              "unknown option '-z' of 'tinet list'",
              "see 'tinet list --help'"},
        Wrong{"MissingWord",
              {"restart"},
              "SELECTOR is missing for 'tinet restart'",
              "see 'tinet restart --help'"},
        Wrong{"MissingValue",
              {"partition", "a", "--for"},
              "option '--for' needs a value",
              "see 'tinet partition --help'"},
        Wrong{"FlagValue", {"status", "--watch=yes"}, "option '--watch' takes no value", ""},
        Wrong{"ExtraWord",
              {"list", "all"},
              "unexpected word 'all' for 'tinet list'",
              "see 'tinet list --help'"},
        Wrong{"BareDuration",
              {"partition", "tikv-0", "--for", "2"},
              "--for: '2' has no unit",
              "write '2ms' or '2s'"},
        Wrong{"ZeroDuration",
              {"pause", "tikv-0", "--for", "0s"},
              "--for: '0s' is too short",
              "the shortest is '1ms'"},
        Wrong{"WaitConditions",
              {"wait", "--ready", "--role", "pd-leader"},
              "'--ready' and '--role' exclude each other",
              "give only one of them"},
        Wrong{"WaitWord",
              {"restart", "a", "--wait", "redy"},
              "--wait: unknown word 'redy'",
              "did you mean 'ready'?"},
        Wrong{"Seed",
              {"partition", "a", "--seed", "x"},
              "--seed: 'x' is not a number of 64 bits",
              ""},
        Wrong{
            "Port", {"why", "a", "b:99999"}, "PORT: 99999 is too large", "allowed are 1 to 65535"},
        Wrong{"Tag",
              {"status", "-T", "Bad_Tag"},
              "invalid tag 'Bad_Tag'",
              "a tag is 1 to 32 of a-z, 0-9 and '-', and does not start with '-'"},
        Wrong{"ExecWithoutMark",
              {"exec", "tikv-0", "ls", "dir"},
              "'tinet exec' needs '--' before the program",
              "write 'tinet exec tikv-0 -- ls dir'"},
        Wrong{"WithWithoutProgram",
              {"with", "etcd"},
              "'tinet with' needs a program",
              "write 'tinet with [flags] -- PROGRAM [ARGS ...]'"},
        Wrong{"Shell",
              {"completion", "tcsh"},
              "no completion for the shell 'tcsh'",
              "one of bash, zsh, fish"},
        Wrong{"Component",
              {"start", "--tikvv", "3"},
              "unknown option '--tikvv' of 'tinet start'",
              "did you mean '--tikv'?"},
        Wrong{"ComponentOfOther",
              {"start", "etcd", "--tikv", "3"},
              "unknown option '--tikv' of 'tinet start'",
              "see 'tinet start --help'"},
        Wrong{"Count", {"start", "--tikv", "many"}, "--tikv: 'many' is not a whole number", ""},
        Wrong{"CountRange",
              {"start", "--tikv", "-1"},
              "--tikv: -1 is too small",
              "allowed are 0 to 1022"},
        Wrong{"Network",
              {"start", "etcd", "--network", "netn"},
              "--network: unknown word 'netn'",
              "did you mean 'netns'?"},
        Wrong{"Timeout",
              {"start", "etcd", "--timeout", "120"},
              "--timeout: '120' has no unit",
              "write '120ms' or '120s'"},
        Wrong{"OnFailure",
              {"start", "etcd", "--on-failure", "keeep"},
              "--on-failure: unknown word 'keeep'",
              "did you mean 'keep'?"}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST(Usage, NeverPrintsTheWholeHelpOnAnError) {
  const auto outcome = run({"start", "--nonsense"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err.find("Options"), std::string::npos);
}

TEST(Usage, PrintsTheErrorAsJsonOnStdoutWhenAskedTo) {
  for (const Words& words :
       {Words{"--json", "partion"}, Words{"partition", "a", "--for", "2", "--json"}}) {
    const auto outcome = run(words);
    EXPECT_EQ(outcome.status, 2);
    const auto document = boost::json::parse(outcome.out);
    EXPECT_EQ(document.at("error").at("kind").as_string(), "usage");
    EXPECT_FALSE(document.at("error").at("message").as_string().empty());
  }
}

TEST(GlobalFlags, WorkBeforeAndAfterTheCommandAndItsWords) {
  for (const Words& words :
       {Words{"-T", "nobody-1", "restart", "tikv-0"}, Words{"restart", "-T", "nobody-1", "tikv-0"},
        Words{"restart", "tikv-0", "-T", "nobody-1"}, Words{"restart", "tikv-0", "--tag=nobody-1"},
        Words{"restart", "tikv-0", "-Tnobody-1"}}) {
    const auto outcome = run(words);
    EXPECT_EQ(outcome.status, 4) << outcome.err;
    EXPECT_NE(outcome.err.find("'nobody-1'"), std::string::npos) << outcome.err;
  }
}

TEST(GlobalFlags, TakeTheTagFromTheEnvironment) {
  const auto outcome = run({"status"}, {{"TINET_TAG", "nobody-2"}});
  EXPECT_EQ(outcome.status, 4);
  EXPECT_NE(outcome.err.find("'nobody-2'"), std::string::npos);
}

TEST(GlobalFlags, FollowTheMarkOfAProgramInPeace) {
  const auto outcome = run({"exec", "tikv-0", "--", "ls", "--json", "-T", "Bad_Tag"});
  EXPECT_EQ(outcome.status, 125);
  EXPECT_EQ(outcome.out, "");
}

TEST(Commands, AreErrorFourWithoutACluster) {
  for (const Words& words :
       {Words{"status"}, Words{"heal"}, Words{"faults"}, Words{"links"}, Words{"why", "a", "b"},
        Words{"events"}, Words{"wait"}, Words{"address", "a"}, Words{"logs", "a"},
        Words{"partition", "a"}, Words{"collect", "/nonexistent"}, Words{"stop", "--must-exist"}}) {
    const auto outcome = run(words);
    EXPECT_EQ(outcome.status, 4) << words.front();
    EXPECT_EQ(outcome.out, "") << words.front();
  }
}

TEST(Commands, StopIsDoneWhenThereIsNothing) {
  const auto outcome = run({"stop"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "tinet: no cluster 'unit-test-nobody' is running, nothing to stop\n");
  EXPECT_EQ(run({"stop", "-q"}).err, "");
  EXPECT_EQ(boost::json::parse(run({"stop", "--json"}).out).at("state").as_string(), "stopped");
}

TEST(Help, IsPrintedForEveryCommandWithExamples) {
  for (const char* command :
       {"start",   "with",    "status",     "list",    "stop",    "collect",       "cleanup",
        "doctor",  "wait",    "address",    "restart", "kill",    "stop-instance", "start-instance",
        "pause",   "resume",  "partition",  "delay",   "loss",    "duplicate",     "corrupt",
        "reorder", "rate",    "flap",       "hold",    "release", "heal",          "apply",
        "diff",    "faults",  "links",      "why",     "events",  "exec",          "shell",
        "logs",    "capture", "completion", "proxy"}) {
    const auto outcome = run({command, "--help"});
    EXPECT_EQ(outcome.status, 0) << command;
    EXPECT_EQ(outcome.err, "") << command;
    EXPECT_NE(outcome.out.find("Examples\n"), std::string::npos) << command;
    EXPECT_EQ(outcome.out, run({"help", command}).out) << command;
  }
}

TEST(Help, ListsTheComponentsOfTheChosenTopology) {
  EXPECT_NE(run({"start", "--help"}).out.find("--tikv, --tikv.count N"), std::string::npos);
  const auto etcd = run({"start", "etcd", "--help"}).out;
  EXPECT_NE(etcd.find("--etcd, --etcd.count N"), std::string::npos);
  EXPECT_EQ(etcd.find("--tikv.count"), std::string::npos);
}

TEST(Help, NamesTheVersion) {
  EXPECT_EQ(run({"--version"}).out, "tinet " TINET_VERSION "\n");
  EXPECT_EQ(run({"status", "--version"}).status, 0);
}

}  // namespace
}  // namespace tinet::cli
