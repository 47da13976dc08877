// A cluster without namespaces: faults of its connections, who counts as whom, and what is refused.

#include <csignal>
#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/echo_scene.h"
#include "tests/e2e/exchange.h"
#include "tests/support/eventually.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ProxyBackend : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(scene_.up()); }

  [[nodiscard]] std::string count(const std::string& what) const {
    return text_at(scene_.json({"faults"}), "/0/packets/" + what);
  }

  EchoScene scene_{3};
};

TEST_F(ProxyBackend, HoldsWhatIsCutAndDeliversItAfterTheHeal) {
  const Asker cut(scene_, "tcp", "node-0", "node-1");
  const Asker free(scene_, "tcp", "node-0", "node-2");
  ASSERT_TRUE(scene_.tinet({"partition", "node-1", "--from", "node-0"}).ok());
  const auto from = monotonic_ms();
  EXPECT_TRUE(free.answered_after(from + 300)) << "other links go on";
  EXPECT_TRUE(cut.silent(from + 20, monotonic_ms()));
  EXPECT_TRUE(eventually([&] { return count("held") != "0"; }, 10s));
  const auto healed = monotonic_ms();
  ASSERT_TRUE(scene_.tinet({"heal"}).ok());
  EXPECT_TRUE(cut.answered_after(healed));
}

TEST_F(ProxyBackend, VerifiesCutsByConnectionsThatGetNoAnswer) {
  const auto fault = scene_.json({"partition", "node-0", "--verify"});
  EXPECT_EQ(text_at(fault, "/verify/pairs"), "4") << fault;
  EXPECT_EQ(text_at(fault, "/verify/wrong"), "[]") << fault;
  EXPECT_EQ(count("held"), "0") << "the probes themselves are no effect";
}

TEST_F(ProxyBackend, EndsTimedFaultsByItself) {
  const Asker cut(scene_, "tcp", "node-0", "node-1");
  ASSERT_TRUE(scene_.tinet({"partition", "node-1", "--for", "700ms"}).ok());
  const auto from = monotonic_ms();
  EXPECT_TRUE(cut.answered_after(from + 700));
  EXPECT_TRUE(eventually([&] { return scene_.json({"faults"}).as_array().empty(); }, 10s));
}

TEST_F(ProxyBackend, KnowsTheClientAndInstancesByTheirProcesses) {
  ASSERT_TRUE(scene_.tinet({"partition", "node-1", "--from", "client", "--mode", "reset"}).ok());
  const RunResult asked = scene_.tinet({"exec", "client", "--", support_program("echo_ping"), "tcp",
                                        scene_.address("node-1"), EchoScene::kPort});
  EXPECT_EQ(asked.out, "");
  EXPECT_EQ(asked.exit_code, 1) << asked;
  EXPECT_NE(count("rejected"), "0");
  const Asker instance(scene_, "tcp", "node-0", "node-1");
  EXPECT_TRUE(instance.answered_after(0)) << "only the client is cut";
}

TEST_F(ProxyBackend, RefusesWhatNeedsPacketsAndChangesNothing) {
  struct {
    std::vector<std::string> words;
    const char* reason;
  } const cases[] = {
      {{"loss", "node-0", "10%"}, "cannot lose packets"},
      {{"duplicate", "node-0", "10%"}, "below TCP"},
      {{"partition", "node-0", "--proto", "udp"}, "udp passes beside"},
      {{"partition", "node-0", "--first", "2"}, "never reach a relay"},
      {{"delay", "node-0", "5ms", "--jitter", "1ms", "--distribution", "pareto"},
       "normal distribution"},
      {{"rate", "node-0", "1mbit", "--queue", "10"}, "no queue"},
  };
  for (const auto& [words, reason] : cases) {
    const RunResult refused = scene_.tinet(words);
    EXPECT_EQ(refused.exit_code, 3) << refused;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("backend 'proxy' cannot do"), HasSubstr(reason),
                                   HasSubstr("tinet: hint: ")));
  }
  EXPECT_THAT(scene_.json({"faults"}).as_array(), IsEmpty());
}

TEST_F(ProxyBackend, MarksLinksThatItCannotSee) {
  const Scene mute;
  ASSERT_TRUE(mute.start(R"(tinet: 1
name: mute
components:
  node:
    count: 2
    program: /bin/sleep
    args: ["1000000"]
    ready: {process: true, timeout: 60s}
    stop: {signal: TERM, grace: 10s}
)"));
  EXPECT_EQ(text_at(mute.json({"links"}), "/0/seen"), "false");
  EXPECT_THAT(mute.tinet({"links"}).out, HasSubstr("unseen"));
  const RunResult refused = mute.tinet({"partition", "node-0"});
  EXPECT_EQ(refused.exit_code, 3) << refused;
  EXPECT_THAT(refused.err, HasSubstr("has a service"));
  EXPECT_EQ(text_at(scene_.json({"links"}), "/0/seen"), "true");
}

TEST_F(ProxyBackend, GoesWithItsGuardAndWithItsSupervisor) {
  const auto named = [&](const std::string& name) {
    for (const ProcessOfScene& process : scene_.processes()) {
      if (process.name == name) {
        return process.pid;
      }
    }
    return 0;
  };
  const int guard = named("tinet-guard");
  ASSERT_NE(guard, 0);
  ASSERT_EQ(::kill(guard, SIGKILL), 0);
  EXPECT_THAT(scene_.left(), IsEmpty()) << "the supervisor stops when its guard is gone";

  const EchoScene second(2);
  ASSERT_TRUE(second.up());
  const auto status = second.json({"status"});
  ASSERT_EQ(::kill(std::stoi(text_at(status, "/supervisor_pid")), SIGKILL), 0);
  EXPECT_THAT(second.left(MayStay::DataAndState), IsEmpty());
  EXPECT_TRUE(second.start()) << "the next start sweeps what files are left";
  EXPECT_TRUE(second.tinet({"stop"}).ok());
  EXPECT_THAT(second.left(), IsEmpty());
}

TEST(ProxyBackendStop, NamesTheGuardThatItHadWhenThatIsGone) {
  const Scene scene;
  ASSERT_TRUE(scene.start(R"(tinet: 1
name: stubborn
components:
  node:
    count: 1
    program: )" + support_program("ignores_sigterm") +
                          R"(
    ready: {log: ready, timeout: 60s}
    stop: {signal: TERM, grace: 2s}
)"));
  const std::string guard = text_at(scene.json({"status"}), "/guard_pid");
  ASSERT_NE(guard, "");
  ASSERT_EQ(::kill(static_cast<pid_t>(std::stol(guard)), SIGKILL), 0);
  // The supervisor stops then, for as long as the program's grace.
  boost::json::value status;
  EXPECT_TRUE(eventually(
      [&] {
        status = scene.json({"status"});
        return text_at(status, "/state") == "stopping";
      },
      10s));
  EXPECT_EQ(text_at(status, "/guard_pid"), guard) << "nobody else may be taken for it";
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(ProxyBackendReadiness, IsAskedFromTheInstancesPlace) {
  const Scene scene;
  ASSERT_TRUE(scene.start(R"(tinet: 1
name: asking
components:
  web:
    count: 1
    program: python3
    args: [-m, http.server, "{port.http}", --bind, "{listen_ip}", --directory, "{data_dir}"]
    services: {http: 8080}
    ready: {tcp: {service: http}, timeout: 60s}
    stop: {signal: INT, grace: 10s, clean_exit_codes: [0, 1]}
  asker:
    count: 1
    program: /bin/sleep
    args: ["1000000"]
    after: [web]
    ready:
      exec: [/usr/bin/curl, -s, -m, "2", -o, /dev/null, 'http://{join web "" "{ip}:{port.http}"}/']
      timeout: 60s
    stop: {signal: TERM, grace: 10s}
)"));
  ASSERT_TRUE(scene.tinet({"partition", "asker-0", "--mode", "reset"}).ok());
  ASSERT_TRUE(scene.tinet({"restart", "asker-0"}).ok());
  EXPECT_TRUE(eventually(
      [&] { return text_at(scene.json({"faults"}), "/0/packets/rejected") != "0"; }, 20s))
      << "the command's connection is the instance's";
  EXPECT_EQ(text_at(named_in(scene.json({"status"}), "instances", "asker-0"), "/state"), "running");
  ASSERT_TRUE(scene.tinet({"heal"}).ok());
  EXPECT_TRUE(scene.tinet({"wait", "asker-0", "--ready", "--timeout", "30s"}).ok());
}

TEST(ProxyBackendStart, NeedsToKnowWhereProgramsListen) {
  const Scene scene;
  const RunResult refused = scene.tinet(scene.start_words(R"(tinet: 1
name: unaware
components:
  node:
    count: 1
    program: /bin/sleep
    args: ["1000000"]
    services: {client: 7000}
    ready: {process: true}
)"));
  EXPECT_EQ(refused.exit_code, 3) << refused;
  EXPECT_THAT(refused.err, HasSubstr("{listen_ip}"));
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(ProxyBackendStart, RefusesWhatNeedsANetworkOfItsOwn) {
  const Scene scene;
  for (const auto& [flag, exit_code] : {std::pair{"--ipv6", 3}, {"--host-link", 3}}) {
    const RunResult refused = scene.tinet(scene.start_words(kSleepers, {flag}));
    EXPECT_EQ(refused.exit_code, exit_code) << refused;
    EXPECT_THAT(refused.err, HasSubstr(flag));
  }
  const RunResult elsewhere = scene.tinet({"start", scene.write("t.yaml", kSleepers), "--network",
                                           "proxy", "--subnet", "10.99.0.0/24"});
  EXPECT_EQ(elsewhere.exit_code, 2) << elsewhere;
  EXPECT_THAT(elsewhere.err, HasSubstr("loopback"));
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(ProxyBackendApi, ActsOnTheClustersRelays) {
  const std::string api = "127.0.0.1:" + std::to_string(20'000 + ::getpid() % 10'000);
  const EchoScene scene(2, {"--toxiproxy-api", api});
  ASSERT_TRUE(scene.up());
  EXPECT_EQ(text_at(scene.json({"status"}), "/toxiproxy_api"), "http://" + api);
  const Asker asker(scene, "tcp", "node-0", "node-1");
  const auto call = [&](const std::string& method, const std::string& path,
                        const std::string& body = "") {
    std::vector<std::string> words = {"curl",           "-s", "-o",  "-", "-w",
                                      "\n%{http_code}", "-X", method};
    if (!body.empty()) {
      words.insert(words.end(), {"-d", body});
    }
    words.push_back("http://" + api + path);
    return run(words, scene.options()).out;
  };
  EXPECT_THAT(call("GET", "/proxies/node-1:echo"),
              HasSubstr("\"listen\":\"" + scene.address("node-1") + ":7000\""));
  // Of one dialer.
  const Asker client(scene, "tcp", "client", "node-1");
  const std::string pair = "/proxies/client%3Enode-1:echo";
  EXPECT_THAT(call("GET", pair), HasSubstr("\"name\":\"client>node-1:echo\""));
  EXPECT_THAT(call("GET", "/proxies/node-1%3Enode-1:echo"), HasSubstr("\n404"));
  EXPECT_THAT(call("POST", pair + "/toxics",
                   R"({"type":"timeout","stream":"upstream","attributes":{"timeout":0}})"),
              HasSubstr("\n200"));
  const auto since = monotonic_ms();
  EXPECT_TRUE(asker.answered_after(since + 300)) << "others are not concerned";
  EXPECT_TRUE(client.silent(since + 20, monotonic_ms()));
  EXPECT_THAT(call("POST", pair, R"({"enabled":false})"), HasSubstr("\n200"));
  EXPECT_EQ(scene
                .tinet({"exec", "client", "--", support_program("echo_ping"), "tcp",
                        scene.address("node-1"), EchoScene::kPort})
                .exit_code,
            1)
      << "it is reset";
  // Of everybody.
  EXPECT_THAT(call("POST", "/proxies/node-1:echo/toxics",
                   R"({"type":"timeout","stream":"upstream","attributes":{"timeout":0}})"),
              HasSubstr("\n200"));
  const auto from = monotonic_ms();
  EXPECT_TRUE(eventually([&] { return monotonic_ms() - from > 400; }, 10s));
  EXPECT_TRUE(asker.silent(from + 20, monotonic_ms()));
  EXPECT_THAT(call("DELETE", "/proxies/node-1:echo"), HasSubstr("\n403"));
  EXPECT_THAT(call("POST", "/proxies/node-1:echo", R"({"listen":"127.0.0.1:1"})"),
              HasSubstr("\n403"));
  EXPECT_THAT(call("POST", "/proxies/node-1:echo", R"({"enabled":false})"), HasSubstr("\n200"));
  EXPECT_EQ(dial(scene, "node-0", "node-1"), "refused");
  EXPECT_THAT(call("POST", "/reset"), HasSubstr("\n204"));
  EXPECT_EQ(dial(scene, "node-0", "node-1"), "connected");
  [[maybe_unused]] const Asker again(scene, "tcp", "node-0", "node-1");
}

}  // namespace
}  // namespace tinet::test
