// tinet in scripts: nothing holds a pipe, stdout carries the document alone, exit codes pass
// through, and what was started ends with who started it.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/scene.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

namespace json = boost::json;

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

/// A shell script that calls tinet as $TINET and finds a topology as $TOPOLOGY.
RunResult script(const Scene& scene, const std::string& text) {
  RunOptions options = scene.options();
  options.env["TINET"] = tinet_binary();
  options.env["TOPOLOGY"] = scene.write("topology.yaml", kSleepers);
  for (const std::string& word : scene.network_words()) {
    options.env["NETWORK"] += word + " ";
  }
  return run({"/bin/sh", "-eu", "-c", text}, options);
}

TEST(Script, GetsTheDocumentOfAStartAsAValue) {
  const Scene scene;
  const RunResult result =
      script(scene, "x=$($TINET start $TOPOLOGY $NETWORK --json 2>/dev/null); echo \"$x\"");
  ASSERT_TRUE(result.ok()) << result;
  const auto document = json::parse(result.out);
  EXPECT_EQ(text_at(document, "/tag"), scene.tag());
  EXPECT_EQ(text_at(document, "/state"), "ready");
}

TEST(Script, ReadsAStartThroughAPipe) {
  const Scene scene;
  const RunResult result = script(scene, "$TINET start $TOPOLOGY $NETWORK | cat");
  EXPECT_TRUE(result.ok()) << result;
  EXPECT_THAT(result.out, HasSubstr("is ready"));
}

TEST(Script, ReadsFromAStartWhoseReaderIsGone) {
  const Scene scene;
  const RunResult result = script(scene, "$TINET start $TOPOLOGY $NETWORK 2>/dev/null | true");
  EXPECT_FALSE(result.timed_out || result.output_held) << result;
  EXPECT_TRUE(scene.tinet({"stop"}).ok());
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(Script, GetsOneDocumentAndNothingElseFromEveryCommand) {
  const Scene scene;
  ASSERT_TRUE(scene.start());
  const std::vector<std::vector<std::string>> commands = {{"status"},
                                                          {"list"},
                                                          {"links"},
                                                          {"faults"},
                                                          {"events"},
                                                          {"partition", "node-0"},
                                                          {"why", "node-0", "node-1"},
                                                          {"heal"},
                                                          {"restart", "node-0"},
                                                          {"pause", "node-0"},
                                                          {"resume", "node-0"},
                                                          {"wait"},
                                                          {"address", "node-0"},
                                                          {"logs", "node-0"},
                                                          {"cleanup", "--dry-run"},
                                                          {"stop"},
                                                          {"stop"}};
  for (auto words : commands) {
    words.emplace_back("--json");
    const RunResult result = scene.tinet(words);
    EXPECT_TRUE(result.ok()) << words.front() << ": " << result;
    EXPECT_NO_THROW(static_cast<void>(json::parse(result.out))) << words.front() << ": " << result;
  }
}

TEST(Stop, WithoutAClusterIsFineUnlessItMustExist) {
  const Scene scene;
  EXPECT_TRUE(scene.tinet({"stop"}).ok());
  const RunResult result = scene.tinet({"stop", "--must-exist"});
  EXPECT_EQ(result.exit_code, 4) << result;
  EXPECT_THAT(result.err, HasSubstr("tinet: hint: "));
}

TEST(Stop, ReturnsWhenNothingIsLeft) {
  const Scene scene;
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(scene.tinet({"stop"}).ok());
  EXPECT_THAT(scene.present(), IsEmpty());
  EXPECT_THAT(scene.tinet({"list"}).out, ::testing::Not(HasSubstr(scene.tag())));
}

TEST(Stop, IsDoneBySigtermToTheSupervisorToo) {
  const Scene scene;
  ASSERT_TRUE(scene.start());
  const auto pid = std::stol(text_at(scene.json({"status"}), "/supervisor_pid"));
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGTERM), 0);
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(Foreground, StopsTheClusterWhenItEnds) {
  const Scene scene;
  auto words = scene.start_words();
  words.emplace_back("--foreground");
  for (const int signal : {SIGINT, SIGKILL}) {
    const auto start = scene.beside(words);
    // The signal comes at once, so also before anything waits for it.
    ASSERT_TRUE(start->wait_for_output("is ready", 30s));
    start->signal(signal);
    EXPECT_EQ(start->finish().exit_code, signal == SIGINT ? 130 : 128 + SIGKILL);
    EXPECT_THAT(scene.left(), IsEmpty());
  }
}

TEST(Foreground, EndsWithTheCluster) {
  const Scene scene;
  auto words = scene.start_words();
  words.emplace_back("--foreground");
  const auto start = scene.beside(words);
  ASSERT_TRUE(start->wait_for_output("is ready", 30s));
  EXPECT_TRUE(scene.tinet({"stop", "--must-exist"}).ok());
  const RunResult result = start->finish();
  EXPECT_TRUE(result.ok()) << result;
}

class Exec : public ::testing::Test {
 protected:
  void SetUp() override {
    // A directory in it that this user may not search would make "not found" a "denied".
    ASSERT_EQ(::setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1), 0);
    ASSERT_TRUE(scene_.start());
  }

  [[nodiscard]] RunResult exec(const std::vector<std::string>& command,
                               const std::string& target = "node-0",
                               const std::string& input = "") const {
    std::vector<std::string> words = {"exec", target, "--"};
    words.insert(words.end(), command.begin(), command.end());
    RunOptions options = scene_.options();
    options.input = input;
    return scene_.tinet(words, options);
  }

  Scene scene_;
};

TEST_F(Exec, ReturnsTheStatusOfTheCommand) {
  EXPECT_EQ(exec({"true"}).exit_code, 0);
  EXPECT_EQ(exec({"sh", "-c", "exit 3"}).exit_code, 3);
  EXPECT_EQ(exec({"sh", "-c", "kill -9 $$"}).exit_code, 128 + SIGKILL);
  EXPECT_EQ(exec({"/etc/hostname"}).exit_code, 126);
  EXPECT_EQ(exec({"no-such-program-anywhere"}).exit_code, 127);
  EXPECT_EQ(exec({"true"}, "node-9").exit_code, 125);
}

TEST_F(Exec, PassesInputAndBothOutputsThrough) {
  const RunResult result = exec({"sh", "-c", "cat; echo problem >&2"}, "node-1", "one\ntwo\n");
  EXPECT_TRUE(result.ok()) << result;
  EXPECT_EQ(result.out, "one\ntwo\n");
  EXPECT_EQ(result.err, "problem\n");
}

TEST_F(Exec, IsKilledWithTheCommandLine) {
  // An instance counts as running once its program is accepted; /proc shows it a moment later.
  const auto instances_are_seen = [&] {
    const auto processes = scene_.processes();
    return std::count_if(processes.begin(), processes.end(), [](const ProcessOfScene& process) {
             return process.command == "/bin/sleep 1000000";
           }) == 3;
  };
  ASSERT_TRUE(eventually(instances_are_seen, 10s));
  const auto before = scene_.processes().size();
  const auto command = scene_.beside({"exec", "node-0", "--", "sh", "-c", "echo up; sleep 1000"});
  ASSERT_TRUE(command->wait_for_output("up", 20s));
  EXPECT_GT(scene_.processes().size(), before);
  command->signal(SIGKILL);
  EXPECT_EQ(command->finish().exit_code, 128 + SIGKILL);
  EXPECT_TRUE(eventually([&] { return scene_.processes().size() == before; }, 10s));
}

TEST_F(Exec, OfTheClientKeepsDirectoryAndEnvironment) {
  const RunResult result = exec({"sh", "-c", "pwd; echo $TINET_TAG"}, "client");
  EXPECT_TRUE(result.ok()) << result;
  EXPECT_THAT(result.out, HasSubstr("\n" + scene_.tag() + "\n"));
  EXPECT_THAT(result.out, StartsWith("/"));
}

class With : public ::testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> words(const std::vector<std::string>& command) const {
    auto words = scene_.start_words();
    words.front() = "with";
    words.emplace_back("--");
    words.insert(words.end(), command.begin(), command.end());
    return words;
  }

  Scene scene_;
};

TEST_F(With, ReturnsTheCommandsStatusAndStops) {
  const RunResult result =
      scene_.tinet(words({"sh", "-c", "echo $TINET_TAG $TINET_NODE_1_CLIENT; exit 7"}));
  EXPECT_EQ(result.exit_code, 7) << result;
  const std::string net = scene_.subnet().substr(0, scene_.subnet().rfind('.') + 1);
  EXPECT_THAT(result.out, StartsWith(scene_.tag() + " " + net));
  EXPECT_THAT(result.out, HasSubstr(":7000"));
  EXPECT_THAT(scene_.left(), IsEmpty());
}

TEST_F(With, StopsWhenTheCommandCannotBeRunOrDies) {
  EXPECT_EQ(scene_.tinet(words({"/no/such/program"})).exit_code, 127);
  EXPECT_THAT(scene_.left(), IsEmpty());
  EXPECT_EQ(scene_.tinet(words({"sh", "-c", "kill -TERM $$"})).exit_code, 128 + SIGTERM);
  EXPECT_THAT(scene_.left(), IsEmpty());
}

TEST_F(With, LeavesALaterClusterOfTheSameTagAlone) {
  const auto with = scene_.beside(words({"sh", "-c", "echo up; exec sleep 1000"}));
  ASSERT_TRUE(with->wait_for_output("up", 30s));
  ASSERT_TRUE(scene_.tinet({"stop", "--must-exist"}).ok());
  ASSERT_TRUE(scene_.start());
  with->signal(SIGKILL);
  static_cast<void>(with->finish());
  const auto helper_is_gone = [&] {
    const auto processes = scene_.processes();
    return std::none_of(processes.begin(), processes.end(), [](const ProcessOfScene& process) {
      return process.command.find(" with ") != std::string::npos;
    });
  };
  EXPECT_TRUE(eventually(helper_is_gone, 20s));
  EXPECT_EQ(text_at(scene_.json({"status"}), "/state"), "ready");
}

TEST_F(With, StopsWhenItIsKilled) {
  for (const int signal : {SIGTERM, SIGKILL}) {
    const auto with = scene_.beside(words({"sh", "-c", "echo up; exec sleep 1000"}));
    ASSERT_TRUE(with->wait_for_output("up", 30s));
    with->signal(signal);
    EXPECT_EQ(with->finish().exit_code, 128 + signal);
    EXPECT_THAT(scene_.left(), IsEmpty());
  }
}

}  // namespace
}  // namespace tinet::test
