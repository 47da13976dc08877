// What users do to the instances of a running cluster, and what stays when they do.

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/scene.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

/// Says in its log which run this is, and keeps the count in its data directory.
constexpr std::string_view kCounting = R"(tinet: 1
name: counting
components:
  node:
    count: 2
    program: /bin/sh
    args: ["-c", "echo run >> runs; echo this is run $(wc -l < runs); exec sleep 1000000"]
    services: {client: 7000}
    env: {LISTEN: "{listen_ip}"}
    ready: {log: "this is run", timeout: 30s}
    stop: {signal: TERM, grace: 10s}
)";

class Instances : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(scene_.start(kCounting)); }

  [[nodiscard]] json::value node(const std::string& name) const {
    return named_in(scene_.json({"status"}), "instances", name);
  }
  [[nodiscard]] std::string state(const std::string& name) const {
    return text_at(node(name), "/state");
  }
  [[nodiscard]] std::string cluster_state() const {
    return text_at(scene_.json({"status"}), "/state");
  }
  [[nodiscard]] std::string namespace_of(const std::string& name) const {
    const RunResult result = scene_.tinet({"exec", name, "--", "readlink", "/proc/self/ns/net"});
    EXPECT_TRUE(result.ok()) << result;
    return result.out;
  }
  void expect_ok(const std::vector<std::string>& words) const {
    const RunResult result = scene_.tinet(words);
    EXPECT_TRUE(result.ok()) << words.front() << ": " << result;
  }

  Scene scene_;
};

TEST_F(Instances, KeepNameAddressDataAndNamespaceThroughARestart) {
  const auto before = node("node-0");
  const auto network = namespace_of("node-0");
  expect_ok({"restart", "node-0"});
  const auto after = node("node-0");
  EXPECT_EQ(text_at(after, "/state"), "ready");
  EXPECT_EQ(text_at(after, "/address"), text_at(before, "/address"));
  EXPECT_EQ(text_at(after, "/data_dir"), text_at(before, "/data_dir"));
  EXPECT_EQ(text_at(after, "/restarts"), "1");
  EXPECT_NE(text_at(after, "/pid"), text_at(before, "/pid"));
  EXPECT_EQ(namespace_of("node-0"), network);
  EXPECT_THAT(scene_.tinet({"logs", "node-0"}).out, HasSubstr("this is run 2"));
}

TEST_F(Instances, StayDownAndCountAsDegradedWhenTheyCrash) {
  const auto events = scene_.beside({"events", "--follow"});
  ASSERT_TRUE(events->wait_for_output("cluster-ready", 20s));
  ASSERT_EQ(::kill(static_cast<pid_t>(std::stol(text_at(node("node-1"), "/pid"))), SIGKILL), 0);
  EXPECT_TRUE(events->wait_for_output("crashed", 20s));
  EXPECT_EQ(state("node-1"), "crashed");
  EXPECT_EQ(text_at(node("node-1"), "/pid"), "");
  EXPECT_EQ(state("node-0"), "ready");
  EXPECT_EQ(cluster_state(), "degraded");
  expect_ok({"start-instance", "node-1"});
  EXPECT_EQ(cluster_state(), "ready");
}

TEST_F(Instances, ArePausedAndResumed) {
  const auto pid = text_at(node("node-0"), "/pid");
  expect_ok({"pause", "node-0"});
  EXPECT_EQ(state("node-0"), "paused");
  std::ifstream stat("/proc/" + pid + "/stat");
  const std::string text{std::istreambuf_iterator<char>(stat), {}};
  EXPECT_THAT(text.substr(text.rfind(')') + 2), StartsWith("T"));
  EXPECT_EQ(scene_.tinet({"pause", "node-0"}).exit_code, 4);
  expect_ok({"resume", "node-0"});
  expect_ok({"wait", "node-0", "--ready"});
  EXPECT_EQ(text_at(node("node-0"), "/pid"), pid);
  EXPECT_EQ(cluster_state(), "ready");
}

TEST_F(Instances, GoOnByThemselvesAfterATimedPause) {
  expect_ok({"pause", "node-0", "--for", "50ms"});
  expect_ok({"wait", "node-0", "--ready", "--timeout", "20s"});
  EXPECT_TRUE(scene_.json({"faults"}).as_array().empty());
}

TEST_F(Instances, StayDownWhenKilledOrStoppedUntilTheyAreStarted) {
  for (const auto* verb : {"kill", "stop-instance"}) {
    expect_ok({verb, "node-0"});
    EXPECT_EQ(state("node-0"), "stopped") << verb;
    EXPECT_EQ(cluster_state(), "degraded");
    expect_ok({"start-instance", "node-0"});
    EXPECT_EQ(cluster_state(), "ready");
  }
  EXPECT_EQ(scene_.tinet({"start-instance", "node-0"}).exit_code, 4) << "it runs already";
}

TEST_F(Instances, HaveAddressesAndPorts) {
  const auto address = text_at(node("node-1"), "/address");
  EXPECT_EQ(scene_.tinet({"address", "node-1"}).out, address + "\n");
  EXPECT_EQ(scene_.tinet({"address", "node-1", "client"}).out, address + ":7000\n");
  const RunResult unknown = scene_.tinet({"address", "nod-1"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("node-1"));
}

TEST_F(Instances, AreFollowedInTheirLogsAcrossARestart) {
  const auto logs = scene_.beside({"logs", "-f", "node-0"});
  EXPECT_TRUE(logs->wait_for_output("this is run 1", 20s));
  expect_ok({"restart", "node-0"});
  EXPECT_TRUE(logs->wait_for_output("this is run 2", 20s));
  logs->signal(SIGINT);
  EXPECT_EQ(logs->finish().exit_code, 130);
}

TEST_F(Instances, AreWaitedForAtMostAsLongAsAsked) {
  expect_ok({"kill", "node-0"});
  const RunResult result = scene_.tinet({"wait", "node-0", "--ready", "--timeout", "100ms"});
  EXPECT_EQ(result.exit_code, 1) << result;
  EXPECT_THAT(result.err, HasSubstr("node-0"));
}

TEST_F(Instances, AreCollectedWithAllThatIsKnown) {
  const std::string report = scene_.path("report");
  expect_ok({"collect", report});
  std::string names;
  for (const auto& entry : fs::recursive_directory_iterator(report)) {
    names += entry.path().string() + "\n";
  }
  for (const auto* part : {"status", "events", "faults", "doctor", "node-0", "node-1"}) {
    EXPECT_THAT(names, HasSubstr(part));
  }
  EXPECT_EQ(cluster_state(), "ready");
}

/// Both ends of a stop that is already under way: the cluster's waits for it, a forced one ends it.
TEST(Stop, TakesAnInstanceThatIsStoppingAlready) {
  constexpr std::string_view kStubborn = R"(tinet: 1
name: stubborn
components:
  node:
    program: /bin/sh
    args: ["-c", "trap '' TERM; echo trapped; while :; do sleep 1000000; done"]
    ready: {log: "trapped", timeout: 30s}
    stop: {signal: TERM, grace: 60s}
)";
  const Scene scene;
  ASSERT_TRUE(scene.start(kStubborn));
  const auto earlier = scene.beside({"stop-instance", "node-0"});
  ASSERT_TRUE(eventually(
      [&] { return text_at(scene.json({"status"}), "/instances/0/state") == "stopping"; }, 20s));
  const RunResult stop = scene.tinet({"stop", "--force"});
  EXPECT_TRUE(stop.ok()) << stop;
  const RunResult instance = earlier->finish();
  EXPECT_TRUE(instance.ok()) << instance;
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(Data, IsReusedWithItsAddressesWhenKept) {
  const Scene scene;
  ASSERT_TRUE(scene.start(kCounting));
  const auto address = text_at(scene.json({"status"}), "/instances/0/address");
  ASSERT_TRUE(scene.tinet({"stop", "--keep-data"}).ok());
  EXPECT_THAT(scene.left(MayStay::Data), IsEmpty());
  EXPECT_TRUE(fs::exists(scene.data_dir() + "/cluster.json"));

  auto fewer = scene.start_words(kCounting, {"--node", "1"});
  const RunResult differs = scene.tinet(fewer);
  EXPECT_EQ(differs.exit_code, 4) << differs;
  EXPECT_THAT(differs.err, HasSubstr("node 2"));

  // Without --subnet: the data says which.
  ASSERT_TRUE(scene.tinet({"start", scene.path("topology.yaml")}).ok());
  EXPECT_EQ(text_at(scene.json({"status"}), "/instances/0/address"), address);
  EXPECT_THAT(scene.tinet({"logs", "node-0"}).out, HasSubstr("this is run 2"));
  ASSERT_TRUE(scene.tinet({"stop"}).ok());
  EXPECT_TRUE(fs::exists(scene.data_dir() + "/cluster.json")) << "what was kept once stays kept";
}

TEST(Data, OfADeadClusterIsListedByCleanupAndReplacedByTheNextStart) {
  const Scene scene;
  ASSERT_TRUE(scene.start(kCounting));
  const auto pid = std::stol(text_at(scene.json({"status"}), "/supervisor_pid"));
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  EXPECT_THAT(scene.left(MayStay::DataAndState), IsEmpty());

  const RunResult listed = scene.tinet({"cleanup", "--dry-run"});
  EXPECT_THAT(listed.out, HasSubstr("would remove data " + scene.data_dir()));
  EXPECT_THAT(listed.out, HasSubstr(scene.tag()));
  EXPECT_TRUE(fs::exists(scene.data_dir() + "/cluster.json")) << "a dry run removes nothing";

  const RunResult again = scene.tinet(scene.start_words(kCounting));
  EXPECT_TRUE(again.ok()) << again;
  EXPECT_THAT(again.err, HasSubstr("dead cluster"));
  EXPECT_THAT(scene.tinet({"logs", "node-0"}).out, HasSubstr("this is run 1"));
  EXPECT_TRUE(scene.tinet({"stop"}).ok());
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(Start, PausedHasNetworkAndNoProcessUntilResumed) {
  const Scene scene;
  ASSERT_TRUE(scene.start(kCounting, {"--paused"}));
  auto status = scene.json({"status"});
  EXPECT_EQ(text_at(status, "/instances/0/state"), "planned");
  EXPECT_EQ(text_at(status, "/instances/0/pid"), "");
  EXPECT_TRUE(scene.tinet({"partition", "node-0"}).ok());
  EXPECT_TRUE(scene.tinet({"resume", "all", "--wait", "ready"}).ok());
  status = scene.json({"status"});
  EXPECT_EQ(text_at(status, "/state"), "ready");
  EXPECT_EQ(text_at(status, "/instances/0/network"), "cut");
}

/// Two components in a row; the first is ready once a file is there that the test makes.
constexpr std::string_view kInARow = R"(tinet: 1
name: in-a-row
components:
  back:
    count: 1
    program: /bin/sh
    args: ["-c", "until test -e go; do sleep 0.05; done; echo goes; exec sleep 1000000"]
    services: {client: 7000}
    env: {LISTEN: "{listen_ip}"}
    ready: {log: "goes", timeout: 60s}
  front:
    count: 1
    program: /bin/sleep
    args: ["1000000"]
    services: {client: 7001}
    env: {LISTEN: "{listen_ip}"}
    after: [back]
    ready: {process: true, timeout: 10s}
)";

TEST(Start, ResumedBehindAFaultGoesOnWithoutWhatIsNotReady) {
  const Scene scene;
  ASSERT_TRUE(scene.start(kInARow, {"--paused"}));
  ASSERT_TRUE(scene.tinet({"partition", "back-0"}).ok());
  const RunResult resumed = scene.tinet({"resume", "all"});
  ASSERT_TRUE(resumed.ok()) << resumed;
  EXPECT_THAT(resumed.err, HasSubstr("'back-0' is running; readiness was not awaited because of "
                                     "f1"));
  const auto status = scene.json({"status"});
  EXPECT_EQ(text_at(status, "/state"), "degraded");
  EXPECT_EQ(text_at(named_in(status, "instances", "back-0"), "/state"), "running");
  EXPECT_EQ(text_at(named_in(status, "instances", "front-0"), "/state"), "ready");

  const RunResult vain = scene.tinet({"restart", "back-0", "--wait", "running"});
  EXPECT_TRUE(vain.ok()) << vain;
  EXPECT_EQ(vain.err.find("not awaited"), std::string::npos) << "it is what was asked for";
  std::ofstream(text_at(named_in(status, "instances", "back-0"), "/data_dir") + "/go") << "\n";
  EXPECT_TRUE(scene.tinet({"wait", "--ready", "--timeout", "30s"}).ok());
  EXPECT_EQ(text_at(scene.json({"status"}), "/state"), "ready");
}

TEST(Start, PausedIsUpOnceEveryInstanceWasStarted) {
  const Scene scene;
  ASSERT_TRUE(scene.start(kSleepers, {"--paused"}));
  ASSERT_TRUE(scene.tinet({"start-instance", "node-0"}).ok());
  EXPECT_EQ(text_at(scene.json({"status"}), "/state"), "starting");
  ASSERT_TRUE(scene.tinet({"start-instance", "node-1,node-2"}).ok());
  EXPECT_EQ(text_at(scene.json({"status"}), "/state"), "ready");
}

TEST(Start, ThatFaultsKeepFromBeingReadyNamesThem) {
  const Scene scene;
  ASSERT_TRUE(scene.start(kInARow, {"--paused", "--timeout", "1s"}));
  ASSERT_TRUE(scene.tinet({"partition", "back-0"}).ok());
  const RunResult resumed = scene.tinet({"resume", "all", "--wait", "ready"});
  EXPECT_EQ(resumed.exit_code, 1) << resumed;
  EXPECT_THAT(resumed.err, HasSubstr("faults touch it: f1 (partition back-0)"));
  EXPECT_EQ(text_at(scene.json({"status"}), "/state"), "degraded");
}

TEST(Start, WithATimeToLiveEndsByItself) {
  const Scene scene;
  ASSERT_TRUE(scene.start(kCounting, {"--ttl", "300ms"}));
  EXPECT_THAT(scene.left(), IsEmpty());
  EXPECT_EQ(scene.tinet({"status"}).exit_code, 4);
}

TEST(Start, RunsFromAndInTmp) {
  const Scene scene;
  const std::string program =
      scene.write("program.sh", "#!/bin/sh\ntest -w . && echo works && exec sleep 1000\n", 0755);
  RunOptions options = scene.options();
  options.directory = scene.path("");
  scene.write("topology.yaml", kSleepers);
  std::vector<std::string> words = {"start",        "topology.yaml", "--node.path",
                                    "./program.sh", "--data-dir",    "data"};
  const std::vector<std::string> network = scene.network_words();
  words.insert(words.end(), network.begin(), network.end());
  const RunResult start = scene.tinet(words, options);
  EXPECT_TRUE(start.ok()) << start;
  const auto status = scene.json({"status"});
  EXPECT_EQ(text_at(status, "/instances/0/binary"), program);
  EXPECT_EQ(text_at(status, "/instances/0/data_dir"), scene.path("data/node-0"));
  const auto says = [&] { return scene.tinet({"logs", "node-0"}).out == "works\n"; };
  EXPECT_TRUE(eventually(says, 20s));
  EXPECT_TRUE(scene.tinet({"stop"}).ok());
  EXPECT_TRUE(fs::exists(scene.path("data/cluster.json"))) << "--data-dir is kept";
}

}  // namespace
}  // namespace tinet::test
