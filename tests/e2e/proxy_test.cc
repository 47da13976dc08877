/// `tinet proxy` as a user runs it.

#include <csignal>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/e2e/people.h"
#include "tests/support/run.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/proxy/relay_world.h"
#include "tests/unit/toxiproxy/http_call.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using toxiproxy::test::call;

/// A running `tinet proxy`, and where its API is.
class RunningProxy {
 public:
  explicit RunningProxy(std::vector<std::string> flags = {}, RunOptions options = {})
      : program_(words(std::move(flags)), std::move(options)) {
    EXPECT_TRUE(program_.wait_for_output("\n", 20s));
  }

  /// Ends it. @return what it printed
  RunResult end(int signal) {
    program_.signal(signal);
    return program_.finish();
  }

 private:
  static std::vector<std::string> words(std::vector<std::string> flags) {
    std::vector<std::string> all = {tinet_binary(), "proxy"};
    all.insert(all.end(), flags.begin(), flags.end());
    return all;
  }

  Program program_;
};

/// A port that was free a moment ago.
proxy::Endpoint free_address() {
  return proxy::test::Server().endpoint();
}

std::string text_of(const proxy::Endpoint& endpoint) {
  return proxy::to_string(endpoint);
}

TEST(ProxyCommand, ServesTheApiAndRelays) {
  const auto api = free_address();
  proxy::test::Server upstream;
  RunningProxy running({"--listen", text_of(api)});
  const auto made = call(api, "POST", "/proxies",
                         R"({"name":"p","upstream":")" + text_of(upstream.endpoint()) + "\"}");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string listen(made.json().at("listen").as_string());
  const auto port = static_cast<std::uint16_t>(std::stoi(listen.substr(listen.rfind(':') + 1)));
  auto client = proxy::test::Peer::connect({boost::asio::ip::address_v4::loopback(), port});
  client.send("through");
  EXPECT_EQ(upstream.accept().receive(7), "through");

  const RunResult result = running.end(SIGTERM);
  EXPECT_EQ(result.exit_code, 0) << result;
  EXPECT_EQ(result.out, "http://" + text_of(api) + "\n");
}

TEST(ProxyCommand, BeginsWithTheProxiesOfAFileAndPrintsJson) {
  const TempDir directory;
  const std::string file = directory.path() + "/proxies.json";
  const auto listen = free_address();
  std::ofstream(file) << R"([{"name":"web","listen":")" << text_of(listen)
                      << R"(","upstream":"localhost:1"}])";
  RunningProxy running(
      {"--listen", "127.0.0.1:0", "--config", "proxies.json", "--json", "--seed", "7"},
      {.directory = directory.path()});
  static_cast<void>(proxy::test::Peer::connect(listen));
  const RunResult result = running.end(SIGINT);
  EXPECT_EQ(result.exit_code, 130) << result;
  const auto document = boost::json::parse(result.out);
  EXPECT_EQ(document.at("proxies").to_number<int>(), 1);
  EXPECT_EQ(document.at("seed").to_number<int>(), 7);
  EXPECT_TRUE(document.at("api").as_string().starts_with("http://127.0.0.1:"));
}

TEST(ProxyCommand, RefusesWhatIsWrong) {
  const TempDir directory;
  const std::string file = directory.path() + "/proxies.json";
  std::ofstream(file) << R"([{"name":"web"}])";
  const RunResult bad_file = tinet({"proxy", "--listen", "127.0.0.1:0", "--config", file});
  EXPECT_EQ(bad_file.exit_code, 2) << bad_file;
  EXPECT_NE(bad_file.err.find("missing required field: upstream"), std::string::npos) << bad_file;

  const RunResult remote = tinet({"proxy", "--listen", "0.0.0.0:0"});
  EXPECT_EQ(remote.exit_code, 2) << remote;
  EXPECT_NE(remote.err.find("--allow-remote"), std::string::npos) << remote;

  const RunResult malformed = tinet({"proxy", "--listen", "8474"});
  EXPECT_EQ(malformed.exit_code, 2) << malformed;

  const proxy::test::Server taken;
  const RunResult conflict = tinet({"proxy", "--listen", text_of(taken.endpoint())});
  EXPECT_EQ(conflict.exit_code, 4) << conflict;
}

TEST(ProxyCommand, IsNotForOtherUsers) {
  TINET_SKIP_UNLESS(is_root(), "only root can become another user");
  const auto other = ordinary_user();
  TINET_NEED(other, "there is no ordinary user");
  const auto api = free_address();
  RunningProxy running({"--listen", text_of(api)}, {.unset = {"SUDO_UID", "SUDO_GID"}});
  const std::string url = "http://" + text_of(api) + "/version";
  RunOptions as_other{.user = other};
  const RunResult refused = run({"curl", "-s", "-w", "%{http_code}", url}, as_other);
  EXPECT_NE(refused.out.find("another user's"), std::string::npos) << refused;
  EXPECT_TRUE(refused.out.ends_with("403")) << refused;
  EXPECT_TRUE(run({"curl", "-s", "-w", "%{http_code}", url}).out.ends_with("200"));
  EXPECT_EQ(running.end(SIGTERM).exit_code, 0);

  const auto open_api = free_address();
  RunningProxy open({"--listen", text_of(open_api), "--any-user"});
  EXPECT_TRUE(run({"curl", "-s", "-w", "%{http_code}", "http://" + text_of(open_api) + "/version"},
                  as_other)
                  .out.ends_with("200"));
}

}  // namespace
}  // namespace tinet::test
