#include "tests/e2e/echo_scene.h"

#include <algorithm>
#include <fstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tests/support/eventually.h"

namespace tinet::test {

namespace json = boost::json;

namespace {

constexpr std::chrono::seconds kPatience{60};

std::string topology(int nodes) {
  return R"(tinet: 1
name: echoes
components:
  node:
    count: )" +
         std::to_string(nodes) + R"(
    program: )" +
         support_program("echo_node") + R"(
    args: ["{port.echo}", "{listen_ip}"]
    services: {echo: )" +
         EchoScene::kPort + R"(}
    ready: {log: ready, timeout: 60s}
    stop: {signal: TERM, grace: 10s}
)";
}

}  // namespace

std::string support_program(const std::string& name) {
  return std::string(TINET_TEST_PROGRAMS) + "/" + name;
}

std::int64_t monotonic_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Asker::Asker(const Scene& scene, const std::string& protocol, const std::string& from,
             const std::string& to)
    : log_(scene.path(protocol + "-" + from + "-" + to)) {
  const RunResult address = scene.tinet({"address", to});
  EXPECT_TRUE(address.ok()) << address;
  const std::string target = address.out.substr(0, address.out.find_first_of(":\n"));
  // Straight into a file: its writer must not depend on anybody who reads, tinet included.
  program_ = std::make_unique<Program>(
      std::vector<std::string>{"/bin/sh", "-c",
                               "exec " + tinet_binary() + " exec " + from + " -- " +
                                   support_program("echo_ping") + " " + protocol + " " + target +
                                   " " + EchoScene::kPort + " >" + log_},
      scene.options());
  EXPECT_TRUE(answered_after(0)) << from << " got no answer from " << to;
}

std::vector<Echo> Asker::echoes() const {
  std::vector<Echo> echoes;
  std::ifstream log(log_);
  Echo echo;
  // A line that is being written is complete only with its end.
  for (std::string line; std::getline(log, line) && !log.eof();) {
    if (std::sscanf(line.c_str(), "%ld %ld", &echo.asked_ms, &echo.answered_ms) == 2) {
      echoes.push_back(echo);
    }
  }
  return echoes;
}

bool Asker::answered_after(std::int64_t ms) const {
  return eventually(
      [&] {
        const auto all = echoes();
        return !all.empty() && all.back().asked_ms >= ms;
      },
      kPatience);
}

bool Asker::silent(std::int64_t from_ms, std::int64_t until_ms) const {
  const auto all = echoes();
  return std::none_of(all.begin(), all.end(), [&](const Echo& echo) {
    return echo.asked_ms >= from_ms && echo.answered_ms < until_ms;
  });
}

EchoScene::EchoScene(int nodes, const std::vector<std::string>& start_words) {
  up_ = start(topology(nodes), start_words);
}

std::string EchoScene::address(const std::string& instance) const {
  const RunResult result = tinet({"address", instance});
  EXPECT_TRUE(result.ok()) << result;
  return result.out.substr(0, result.out.find_first_of(":\n"));
}

bool EchoScene::burst(const std::string& from, const std::string& to, int count) const {
  const RunResult result = tinet({"exec", from, "--", support_program("udp_burst"), address(to),
                                  kPort, std::to_string(count)});
  EXPECT_TRUE(result.ok()) << result;
  return result.ok();
}

json::value EchoScene::link(const std::string& from, const std::string& to) const {
  const json::value links = json({"links"});
  for (const auto& link : links.as_array()) {
    if (text_at(link, "/from") == from && text_at(link, "/to") == to) {
      return link;
    }
  }
  return nullptr;
}

std::string EchoScene::links_of(const json::value& fault) {
  std::string text;
  for (const auto& link : fault.at("links").as_array()) {
    text += (text.empty() ? "" : " ") + std::string(link.at(0).as_string()) + ">" +
            std::string(link.at(1).as_string());
  }
  return text;
}

}  // namespace tinet::test
