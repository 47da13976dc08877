// Many commands at once, and several clusters of one user at once.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>

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
using Words = std::vector<std::string>;

/// Ready as long as its data directory has a file called "open".
constexpr std::string_view kGated = R"(tinet: 1
name: gated
components:
  node:
    count: 3
    program: /bin/sh
    args: ["-c", "test -e been-here || touch been-here open; exec sleep 1000000"]
    services: {client: 7000}
    env: {LISTEN: "{listen_ip}"}
    ready: {exec: [/usr/bin/test, -e, open], timeout: 60s}
    stop: {signal: TERM, grace: 10s}
)";

class Gated : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(scene_.start(kGated)); }

  [[nodiscard]] std::string gate(const std::string& instance) const {
    return scene_.data_dir() + "/" + instance + "/open";
  }
  /// A restart of node-2 that waits for its gate.
  [[nodiscard]] std::unique_ptr<Program> waiting_restart() const {
    fs::remove(gate("node-2"));
    auto restart = scene_.beside({"restart", "node-2", "--wait", "ready"});
    const auto waits = [&] {
      const auto node = named_in(scene_.json({"status"}), "instances", "node-2");
      return text_at(node, "/state") == "running" && text_at(node, "/restarts") == "1";
    };
    EXPECT_TRUE(eventually(waits, 20s));
    return restart;
  }
  void open_gate(const std::string& instance) const { std::ofstream(gate(instance)) << ""; }

  Scene scene_;
};

/// Where `what` stands in the history; -1 when it is not there.
std::int64_t last_event(const json::value& events, std::string_view name,
                        std::string_view instance) {
  std::int64_t seq = -1;
  for (const auto& event : events.as_array()) {
    if (text_at(event, "/event") == name && text_at(event, "/instance") == instance) {
      seq = std::stoll(text_at(event, "/seq"));
    }
  }
  return seq;
}

TEST_F(Gated, FiftyCommandsAtOnceAreAllAnsweredWhileARestartWaits) {
  const auto restart = waiting_restart();
  const std::vector<Words> mix = {
      {"status"}, {"links"}, {"faults"}, {"partition", "node-0"}, {"heal"}};
  std::vector<std::unique_ptr<Program>> commands;
  for (std::size_t i = 0; i < 50; ++i) {
    auto words = mix[i % mix.size()];
    words.emplace_back("--json");
    commands.push_back(scene_.beside(words));
  }
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const RunResult result = commands[i]->finish();
    EXPECT_TRUE(result.ok()) << mix[i % mix.size()].front() << ": " << result;
    EXPECT_NO_THROW(static_cast<void>(json::parse(result.out))) << result;
  }
  EXPECT_TRUE(scene_.tinet({"heal"}).ok());
  EXPECT_EQ(text_at(scene_.json({"status"}), "/instances/2/state"), "running");
  open_gate("node-2");
  const RunResult restarted = restart->finish();
  EXPECT_TRUE(restarted.ok()) << restarted;
  EXPECT_TRUE(scene_.json({"faults"}).as_array().empty());
  EXPECT_EQ(text_at(scene_.json({"status"}), "/state"), "ready");
}

TEST_F(Gated, FaultsChangeWhileARestartWaitsForReadiness) {
  const auto restart = waiting_restart();
  EXPECT_TRUE(scene_.tinet({"partition", "node-0"}).ok());
  EXPECT_TRUE(scene_.tinet({"heal"}).ok());
  open_gate("node-2");
  EXPECT_TRUE(restart->finish().ok());

  const auto events = scene_.json({"events"});
  const auto running = last_event(events, "running", "node-2");
  const auto ready = last_event(events, "ready", "node-2");
  ASSERT_GE(running, 0);
  ASSERT_GE(ready, 0);
  int between = 0;
  for (const auto& event : events.as_array()) {
    const auto seq = std::stoll(text_at(event, "/seq"));
    between += seq > running && seq < ready ? 1 : 0;
  }
  EXPECT_GE(between, 2) << "fault and heal: " << json::serialize(events);
}

TEST_F(Gated, ASecondOperationOnABusyInstanceIsAConflict) {
  const auto restart = waiting_restart();
  const RunResult second = scene_.tinet({"kill", "node-2"});
  EXPECT_EQ(second.exit_code, 4) << second;
  EXPECT_THAT(second.err, HasSubstr("'node-2' is busy"));
  EXPECT_TRUE(scene_.tinet({"restart", "node-0"}).ok()) << "others are free";
  open_gate("node-2");
  EXPECT_TRUE(restart->finish().ok());
}

TEST_F(Gated, AStopInTheMiddleOfARestartEndsBoth) {
  const auto restart = waiting_restart();
  EXPECT_TRUE(scene_.tinet({"stop", "--must-exist"}).ok());
  const RunResult result = restart->finish();
  EXPECT_FALSE(result.timed_out) << result;
  EXPECT_NE(result.exit_code, 0) << result;
  EXPECT_THAT(scene_.left(), IsEmpty());
}

TEST(SideBySide, TwoClustersOfAUserHaveNothingInCommon) {
  const Scene first;
  const Scene second;
  const auto start = [](const Scene& scene) {
    return scene.beside({"start", scene.write("topology.yaml", kSleepers), "--json"});
  };
  const auto first_start = start(first);
  const auto second_start = start(second);
  std::set<std::string> places;
  for (const auto& result : {first_start->finish(), second_start->finish()}) {
    ASSERT_TRUE(result.ok()) << result;
    places.insert(text_at(json::parse(result.out), "/data_dir"));
    places.insert(text_at(json::parse(result.out), "/control_socket"));
  }
  EXPECT_EQ(places.size(), 4U);
  EXPECT_TRUE(first.tinet({"stop"}).ok());
  EXPECT_EQ(text_at(second.json({"status"}), "/state"), "ready");
}

TEST(SideBySide, OfTwoStartsOfOneTagOneWins) {
  const Scene scene;
  const auto words = scene.start_words();
  for (int round = 0; round < 5; ++round) {
    const auto first = scene.beside(words);
    const auto second = scene.beside(words);
    const RunResult results[] = {first->finish(), second->finish()};
    std::multiset<int> codes;
    for (const auto& result : results) {
      codes.insert(result.exit_code);
    }
    EXPECT_EQ(codes, (std::multiset<int>{0, 4})) << results[0] << results[1];
    EXPECT_EQ(text_at(scene.json({"status"}), "/state"), "ready");
    EXPECT_TRUE(scene.tinet({"stop", "--must-exist"}).ok());
    EXPECT_THAT(scene.left(), IsEmpty());
  }
}

TEST(SideBySide, ADifferentUserHasTheSameTag) {
  const auto user = ordinary_user();
  if (!user) {
    GTEST_SKIP() << "only root can become an ordinary user";
  }
  const Scene mine;
  ASSERT_TRUE(mine.start());
  RunOptions options = mine.options();
  options.user = user;
  const RunResult theirs = mine.tinet({"status"}, options);
  EXPECT_EQ(theirs.exit_code, 4) << theirs;
}

}  // namespace
}  // namespace tinet::test
