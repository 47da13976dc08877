// Clusters of any programs, and what the flags of start make of the built-in ones.

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/echo_scene.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

std::string file_content(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

/// The arguments of a process, each followed by a space.
std::string command_line(const boost::json::value& status, const std::string& instance) {
  std::string words = file_content(
      "/proc/" + text_at(named_in(status, "instances", instance), "/pid") + "/cmdline");
  std::replace(words.begin(), words.end(), '\0', ' ');
  return words;
}

std::string environment(const boost::json::value& status, const std::string& instance) {
  std::string words = file_content(
      "/proc/" + text_at(named_in(status, "instances", instance), "/pid") + "/environ");
  std::replace(words.begin(), words.end(), '\0', '\n');
  return "\n" + words;
}

/// The numbers of the events of this name, by instance.
std::map<std::string, std::int64_t> moments(const Scene& scene, const std::string& event) {
  std::map<std::string, std::int64_t> moments;
  const auto events = scene.json({"events"});
  for (const auto& one : events.as_array()) {
    if (text_at(one, "/event") == event) {
      moments[text_at(one, "/instance")] = one.at("seq").to_number<std::int64_t>();
    }
  }
  return moments;
}

class Example : public ::testing::TestWithParam<std::string> {};

TEST_P(Example, StartsAndStops) {
  const Scene scene;
  std::vector<std::string> words = scene.network_words();
  words.insert(words.begin(), {"start", std::string(TINET_EXAMPLES) + "/" + GetParam() + ".yaml"});
  const RunResult started = scene.tinet(words);
  ASSERT_TRUE(started.ok()) << started;
  const auto status = scene.json({"status"});
  EXPECT_EQ(text_at(status, "/topology"), GetParam());
  EXPECT_EQ(text_at(status, "/state"), "ready");
  const RunResult stopped = scene.tinet({"stop", "--must-exist"});
  EXPECT_TRUE(stopped.ok()) << stopped;
  EXPECT_THAT(scene.left(), ::testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Packaged, Example, ::testing::Values("sleepers", "web"),
                         [](const auto& one) { return one.param; });

/// One component per kind of readiness, each after the one before; argument 1: echo_node.
constexpr std::string_view kKinds = R"(tinet: 1
name: kinds
components:
  process:
    count: 1
    program: /bin/sleep
    args: ["1000000"]
    ready: {process: true, timeout: 60s}
    stop: {signal: TERM, grace: 10s}
  tcp:
    count: 1
    program: ECHO
    args: ["{port.echo}", "{listen_ip}"]
    services: {echo: 7000}
    after: [process]
    ready: {tcp: {service: echo}, timeout: 60s}
    stop: {signal: TERM, grace: 10s}
  log:
    count: 1
    program: ECHO
    args: ["{port.echo}", "{listen_ip}"]
    services: {echo: 7000}
    after: [tcp]
    ready: {log: "^rea.y$", timeout: 60s}
    stop: {signal: TERM, grace: 10s}
  command:
    count: 1
    program: /bin/sh
    args: [-c, "touch {data_dir}/made; exec sleep 1000000"]
    after: [log]
    ready: {exec: [/usr/bin/test, -e, "{data_dir}/made"], timeout: 60s}
    stop: {signal: TERM, grace: 10s}
  http:
    count: 2
    program: python3
    args: [-m, http.server, "{port.http}", --bind, "{listen_ip}", --directory, "{data_dir}"]
    services: {http: 8080}
    after: [command]
    ready: {http: {service: http, path: /, status: 200}, timeout: 60s}
    stop: {signal: INT, grace: 10s, clean_exit_codes: [0, 1]}
)";

std::string with_echo(std::string_view topology) {
  std::string text(topology);
  for (auto at = text.find("ECHO"); at != std::string::npos; at = text.find("ECHO")) {
    text.replace(at, 4, support_program("echo_node"));
  }
  return text;
}

TEST(Topology, StartsInItsOrderByEveryKindOfReadiness) {
  const Scene scene;
  ASSERT_TRUE(scene.start(with_echo(kKinds)));
  const auto ready = moments(scene, "ready");
  const auto starting = moments(scene, "starting");
  const std::vector<std::string> order = {"process-0", "tcp-0", "log-0", "command-0", "http-0"};
  for (std::size_t i = 1; i < order.size(); ++i) {
    ASSERT_TRUE(ready.contains(order[i])) << order[i];
    EXPECT_LT(ready.at(order[i - 1]), starting.at(order[i])) << order[i];
  }
  const auto status = scene.json({"status"});
  EXPECT_EQ(text_at(named_in(status, "instances", "http-1"), "/state"), "ready");
  EXPECT_TRUE(scene.tinet({"stop", "--must-exist"}).ok());
}

TEST(Topology, FailsAStartThatIsNeverReadyAndSaysWhatItWaitedFor) {
  const Scene scene;
  const RunResult result = scene.tinet(scene.start_words(R"(tinet: 1
name: deaf
components:
  node:
    count: 1
    program: /bin/sleep
    args: ["1000000"]
    services: {echo: 7000}
    env: {LISTEN: "{listen_ip}"}
    ready: {tcp: {service: echo}, timeout: 1s}
    stop: {signal: TERM, grace: 10s}
)"));
  EXPECT_EQ(result.exit_code, 1) << result;
  EXPECT_THAT(result.err, HasSubstr("node-0"));
  EXPECT_THAT(result.err, HasSubstr("port 7000: connection refused"));
  EXPECT_THAT(scene.left(MayStay::Data), ::testing::IsEmpty());
}

TEST(Topology, KillsWhatIgnoresItsSignalAfterItsGrace) {
  const Scene scene;
  ASSERT_TRUE(scene.start(R"(tinet: 1
name: deaf
components:
  stubborn:
    count: 1
    program: )" + support_program("ignores_sigterm") +
                          R"(
    ready: {log: ready, timeout: 60s}
    stop: {signal: TERM, grace: 300ms}
  obedient:
    count: 1
    program: /bin/sleep
    args: ["1000000"]
    ready: {process: true, timeout: 60s}
    stop: {signal: INT, grace: 60s}
)"));
  ASSERT_TRUE(scene.tinet({"stop-instance", "stubborn"}).ok());
  ASSERT_TRUE(scene.tinet({"stop-instance", "obedient"}).ok());
  const RunResult events = scene.tinet({"events"});
  EXPECT_THAT(events.out, HasSubstr("stubborn-0: asked to stop with SIGTERM"));
  EXPECT_THAT(events.out, HasSubstr("stubborn-0: killed after its grace"));
  EXPECT_THAT(events.out, HasSubstr("obedient-0: asked to stop with SIGINT"));
  EXPECT_THAT(events.out, Not(HasSubstr("obedient-0: killed after its grace")));
}

TEST(Topology, GivesProgramsTheirArgumentsAndEnvironment) {
  const Scene scene;
  ASSERT_TRUE(scene.start(R"(tinet: 1
name: words
components:
  node:
    count: 2
    program: /bin/sleep
    args: ["1000000"]
    env: {WHO: "{name} at {ip}", LISTEN: "{listen_ip}", PEERS: '{join node "," "{name}"}'}
    services: {client: 7000}
    ready: {process: true, timeout: 60s}
    stop: {signal: TERM, grace: 10s}
)",
                          {"--node.args", "'2000000' 3000000", "--node.env", "EXTRA=a b"}));
  const auto status = scene.json({"status"});
  EXPECT_THAT(command_line(status, "node-1"), HasSubstr("sleep 1000000 2000000 3000000 "));
  const std::string variables = environment(status, "node-1");
  const std::string address = text_at(named_in(status, "instances", "node-1"), "/address");
  EXPECT_THAT(variables, HasSubstr("\nWHO=node-1 at " + address + "\n"));
  EXPECT_THAT(variables, HasSubstr("\nPEERS=node-0,node-1\n"));
  EXPECT_THAT(variables, HasSubstr("\nEXTRA=a b\n"));
}

TEST(Topology, ThatIsWrongIsRefusedWithItsLine) {
  const Scene scene;
  const RunResult result = scene.tinet(scene.start_words(
      "tinet: 1\nname: wrong\ncomponents:\n  node:\n    program: /bin/sleep\n    argss: []\n"));
  EXPECT_EQ(result.exit_code, 2) << result;
  EXPECT_THAT(result.err, HasSubstr("topology.yaml:6"));
  EXPECT_THAT(result.err, HasSubstr("did you mean 'args'?"));
}

TEST(DryRun, ShowsEveryCommandLineOfATidbClusterAndStartsNothing) {
  const Scene scene;
  const RunResult result = scene.tinet({"start", "--pd", "3", "--tikv", "3", "--store", "reference",
                                        "--subnet", "10.213.7.0/24", "--dry-run"});
  ASSERT_TRUE(result.ok()) << result;
  const std::string pds =
      "pd-0=http://10.213.7.11:2380,pd-1=http://10.213.7.12:2380,pd-2=http://10.213.7.13:2380";
  const auto position = [&](const std::string& text) { return result.out.find(text); };
  for (int i = 0; i < 3; ++i) {
    const std::string number = std::to_string(i);
    const std::string pd_ip = "10.213.7.1" + std::to_string(i + 1);
    const std::string kv_ip = "10.213.7.1" + std::to_string(i + 4);
    EXPECT_THAT(result.out, HasSubstr("--name=pd-" + number));
    EXPECT_THAT(result.out, HasSubstr("--client-urls=http://" + pd_ip + ":2379"));
    EXPECT_THAT(result.out, HasSubstr("--advertise-peer-urls=http://" + pd_ip + ":2380"));
    EXPECT_THAT(result.out, HasSubstr("--addr=" + kv_ip + ":20160"));
    EXPECT_THAT(result.out, HasSubstr("--status-addr=" + kv_ip + ":20180"));
  }
  EXPECT_THAT(result.out, HasSubstr("--initial-cluster=" + pds));
  EXPECT_THAT(result.out, HasSubstr("10.213.7.11:2379,10.213.7.12:2379,10.213.7.13:2379"));
  EXPECT_LT(position("pd-2"), position("tikv-0"));
  EXPECT_EQ(scene.tinet({"status"}).exit_code, 4);
  EXPECT_THAT(scene.left(), ::testing::IsEmpty());
}

TEST(DryRun, ShowsWhatFlagsAndConfigMakeOfEtcd) {
  const Scene scene;
  const RunResult flags =
      scene.tinet({"start", "etcd", "--dry-run", "--subnet", "10.213.8.0/24", "--etcd.args",
                   "--heartbeat-interval=50 --election-timeout=500", "--etcd.env", "ETCD_DEBUG=1"});
  ASSERT_TRUE(flags.ok()) << flags;
  EXPECT_THAT(flags.out, HasSubstr("--heartbeat-interval=50 --election-timeout=500"));
  EXPECT_THAT(flags.out, HasSubstr("--listen-peer-urls=http://10.213.8.13:2380"));

  const std::string config = scene.write("mine.yaml", "snapshot-count: 777\n");
  const std::vector<std::string> words = {"start", "etcd", "--dry-run", "--etcd.config", config};
  const RunResult overlaid = scene.tinet(words);
  ASSERT_TRUE(overlaid.ok()) << overlaid;
  EXPECT_THAT(overlaid.out, HasSubstr("--config-file="));
  EXPECT_EQ(file_content(config), "snapshot-count: 777\n");

  scene.write("mine.yaml", "name: mine\n");
  const RunResult refused = scene.tinet(words);
  EXPECT_EQ(refused.exit_code, 2) << refused;
  EXPECT_THAT(refused.err, HasSubstr("name"));
}

TEST(Etcd, RunsWithTheUsersConfigOverTheBuiltInOne) {
  const Scene scene;
  if (!run({"/bin/sh", "-c", "command -v etcd"}).ok()) {
    GTEST_SKIP() << "needs etcd";
  }
  const std::string config = scene.write("mine.yaml", "snapshot-count: 777\n");
  RunOptions options = scene.options();
  options.timeout = 130s;
  std::vector<std::string> words = scene.network_words();
  words.insert(words.begin(), {"start", "etcd", "--publish", "none", "--etcd.config", config,
                               "--etcd.env", "ETCD_MARK=seen"});
  const RunResult started = scene.tinet(words, options);
  ASSERT_TRUE(started.ok()) << started;
  const auto status = scene.json({"status"});
  EXPECT_THAT(command_line(status, "etcd-1"), HasSubstr("--config-file="));
  EXPECT_THAT(environment(status, "etcd-1"), HasSubstr("\nETCD_MARK=seen\n"));
  const RunResult log = scene.tinet({"logs", "etcd-1"});
  EXPECT_THAT(log.out, HasSubstr("\"snapshot-count\":777"));
}

}  // namespace
}  // namespace tinet::test
