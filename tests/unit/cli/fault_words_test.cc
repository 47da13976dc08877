// From words to the request that the supervisor gets; src/cli/faults_file.h reads the same words,
// so a line of a file stands for a command line here.

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "src/api/requests.h"
#include "src/base/error.h"
#include "src/cli/fault_verb.h"
#include "src/cli/parse.h"

namespace tinet::cli {
namespace {

/// Parses like the program, up to the request.
api::FaultRequest request_of(std::vector<std::string> words) {
  for (const auto& verb : fault_verbs()) {
    if (verb.name != words.front()) {
      continue;
    }
    Command root;
    root.name = "tinet";
    FaultWords fault;
    fault.read_file = [](const std::string& name, const std::string& /*option*/) -> std::string {
      if (name == "my.dist") {
        return "-1.5\n0\n1 # late\n";
      }
      return "zones: [a, b]\ndelay: [[none, 30ms], [20ms, none]]\n";
    };
    Command& command = root.add(verb.name, verb.summary);
    describe_fault(verb, command, fault);
    static_cast<void>(parse_words(root, words));
    return make_fault_request(verb, command, fault);
  }
  ADD_FAILURE() << "no verb " << words.front();
  return {};
}

TEST(FaultWords, OfAPartition) {
  const auto request = request_of({"partition", "a,b", "/", "c", "--direction", "in", "--each",
                                   "--mode", "reset", "--for", "1.5s", "--seed", "7"});
  EXPECT_EQ(request.kind, "partition");
  EXPECT_EQ(request.selector, "a,b / c");
  EXPECT_EQ(request.direction, "in");
  EXPECT_TRUE(request.each);
  EXPECT_EQ(request.mode, "reset");
  EXPECT_EQ(request.for_ms, 1500);
  EXPECT_EQ(request.seed, 7U);
  EXPECT_EQ(request.summary,
            "partition a,b / c --mode reset --direction in --each --for 1.5s --seed 7");
}

TEST(FaultWords, OfGroupsAreToldInOneForm) {
  EXPECT_EQ(request_of({"partition", "a/b"}).summary, "partition a / b");
  EXPECT_EQ(request_of({"partition", "a,b /c"}).summary, "partition a,b / c");
}

TEST(FaultWords, OfAShapeAndOfZonesNeedNoSelector) {
  EXPECT_EQ(request_of({"partition", "--shape", "ring"}).shape, "ring");
  EXPECT_EQ(request_of({"partition", "tikv", "--shape", "zones"}).selector, "tikv");
  EXPECT_TRUE(request_of({"partition", "--between", "zones"}).between_zones);
}

TEST(FaultWords, SayWhichPackets) {
  const auto request =
      request_of({"partition", "a", "--port", "2380, 80,2380", "--proto", "tcp", "--packets",
                  "--new", "--first", "3", "--from", "b", "--verify"});
  EXPECT_EQ(request.ports, (std::vector<std::uint16_t>{80, 2380}));
  EXPECT_EQ(request.protocol, "tcp");
  EXPECT_TRUE(request.packets);
  EXPECT_EQ(request.connections, "new");
  EXPECT_EQ(request.first, 3U);
  EXPECT_EQ(request.peers, "b");
  EXPECT_EQ(request.verify_ms, 500);
  EXPECT_EQ(request_of({"loss", "a", "1%", "--established", "--after-bytes", "64kib"}).after_bytes,
            65'536U);
  EXPECT_EQ(request_of({"loss", "a", "1%", "--established"}).connections, "established");
  EXPECT_EQ(request_of({"loss", "a", "1%", "--service", "peer"}).service, "peer");
}

TEST(FaultWords, LeaveOutWhatIsAboutTheRun) {
  EXPECT_EQ(request_of({"loss", "a", "1%", "--dry-run", "--explain"}).summary, "loss a 1%");
  EXPECT_TRUE(request_of({"loss", "a", "1%", "--dry-run"}).dry_run);
}

TEST(FaultWords, OfADelay) {
  const auto request = request_of({"delay", "tikv-0", "0.5ms", "--jitter", "100us",
                                   "--distribution", "normal", "--correlation", "25%", "--rtt"});
  EXPECT_EQ(request.selector, "tikv-0");
  EXPECT_EQ(request.action.delay_ns, 500'000);
  EXPECT_EQ(request.action.jitter_ns, 100'000);
  EXPECT_EQ(request.action.distribution, "normal");
  EXPECT_EQ(request.action.correlation_ppm, 250'000U);
  EXPECT_TRUE(request.rtt);
}

TEST(FaultWords, OfARoundTripOfConnectionsMayHaveADirection) {
  EXPECT_TRUE(
      request_of({"delay", "a", "5ms", "--rtt", "--direction", "out", "--service", "peer"}).rtt);
}

TEST(FaultWords, TakeTheLastWordForTheValue) {
  EXPECT_EQ(request_of({"delay", "a", "/", "b", "5ms"}).selector, "a / b");
  EXPECT_EQ(request_of({"delay", "5ms", "--between", "zones"}).selector, "");
  EXPECT_EQ(request_of({"delay", "--between", "zones", "5ms"}).action.delay_ns, 5'000'000);
  EXPECT_EQ(request_of({"delay", "a", "/", "b", "--profile", "lan"}).selector, "a / b");
  EXPECT_EQ(request_of({"delay", "a", "5ms", "--profile", "lan"}).selector, "a");
}

TEST(FaultWords, OfADistributionFile) {
  const auto request =
      request_of({"delay", "a", "50ms", "--jitter", "5ms", "--distribution", "my.dist"});
  EXPECT_EQ(request.action.distribution, "table");
  EXPECT_EQ(request.action.table, (std::vector<std::int16_t>{-12288, 0, 8192}));
}

TEST(FaultWords, OfAMatrix) {
  const auto request = request_of({"delay", "--matrix", "zones.yaml", "--rtt"});
  EXPECT_EQ(request.kind, "delay");
  EXPECT_EQ(request.selector, "");
  ASSERT_EQ(request.matrix.size(), 2U);
  EXPECT_EQ(request.matrix[0].from, "zone:a");
  EXPECT_EQ(request.matrix[0].to, "zone:b");
  EXPECT_EQ(request.matrix[0].action.delay_ns, 30'000'000);
  EXPECT_EQ(request.matrix[1].action.delay_ns, 20'000'000);
}

TEST(FaultWords, OfALoss) {
  EXPECT_EQ(request_of({"loss", "a", "0.5%"}).action.loss_ppm, 5'000U);
  const auto burst = request_of({"loss", "a", "--burst", "1%, 30%"}).action;
  EXPECT_EQ(burst.loss_ppm, 0U);
  EXPECT_EQ(burst.burst_begin_ppm, 10'000U);
  EXPECT_EQ(burst.burst_end_ppm, 300'000U);
  const auto replies =
      request_of({"loss", "a", "20%", "--lost-reply", "--service", "client"}).action;
  EXPECT_EQ(replies.lost_replies_ppm, 200'000U);
  EXPECT_EQ(replies.loss_ppm, 0U);
}

TEST(FaultWords, OfTheOtherVerbs) {
  EXPECT_EQ(request_of({"duplicate", "a", "5%"}).action.duplicate_ppm, 50'000U);
  const auto corrupt = request_of({"corrupt", "a", "1%", "--silent"}).action;
  EXPECT_EQ(corrupt.corrupt_ppm, 10'000U);
  EXPECT_TRUE(corrupt.silent);
  const auto rate = request_of({"rate", "a", "10mbit", "--burst-size", "32kb", "--queue", "50"});
  EXPECT_EQ(rate.action.rate_bits, 10'000'000U);
  EXPECT_EQ(rate.action.rate_burst_bytes, 32'000U);
  EXPECT_EQ(rate.action.rate_queue_packets, 50U);
  const auto flap = request_of({"flap", "a", "--down", "2s", "--up", "500ms", "--times", "3"});
  EXPECT_EQ(flap.flap_down_ms, 2000);
  EXPECT_EQ(flap.flap_up_ms, 500);
  EXPECT_EQ(flap.flap_times, 3U);
  EXPECT_EQ(request_of({"hold", "a", "--for", "2s"}).kind, "hold");
}

TEST(FaultWords, OfAReorderingBringADelay) {
  EXPECT_EQ(request_of({"reorder", "a", "25%"}).action.delay_ns, 10'000'000);
  EXPECT_EQ(request_of({"reorder", "a", "25%", "--delay", "50ms"}).action.delay_ns, 50'000'000);
  EXPECT_EQ(request_of({"reorder", "a", "25%", "--profile", "dsl"}).action.delay_ns, 15'000'000);
}

TEST(FaultWords, GoBeforeTheProfile) {
  const auto alone = request_of({"delay", "a", "--profile", "wan-eu-us"}).action;
  EXPECT_EQ(alone.delay_ns, 42'000'000);
  EXPECT_EQ(alone.jitter_ns, 2'000'000);
  EXPECT_EQ(alone.loss_ppm, 200U);
  EXPECT_EQ(alone.rate_bits, 500'000'000U);
  const auto given =
      request_of({"delay", "a", "80ms", "--distribution", "uniform", "--profile", "wan-eu-us"});
  EXPECT_EQ(given.action.delay_ns, 80'000'000);
  EXPECT_EQ(given.action.jitter_ns, 2'000'000);
  EXPECT_EQ(given.action.distribution, "uniform");
  const auto loss = request_of({"loss", "a", "10%", "--profile", "lossy-wifi"}).action;
  EXPECT_EQ(loss.loss_ppm, 100'000U);
  EXPECT_EQ(loss.burst_begin_ppm, 0U) << "the losses of the words instead of the profile's";
  EXPECT_EQ(request_of({"rate", "a", "1mbit", "--profile", "3g"}).action.rate_bits, 1'000'000U);
  EXPECT_EQ(
      request_of({"flap", "a", "--down", "1s", "--up", "1s", "--profile", "3g"}).action.delay_ns,
      75'000'000);
}

/// What the command line sends is what the supervisor takes.
TEST(FaultWords, SurviveTheControlSocket) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"delay", "a", "50ms", "--jitter", "5ms", "--distribution", "my.dist"},
           {"delay", "--matrix", "zones.yaml"},
           {"loss", "a", "20%", "--lost-reply", "--port", "80"},
           {"flap", "a", "--down", "1s", "--up", "1s"}}) {
    const auto document = api::to_json(request_of(words));
    EXPECT_EQ(api::to_json(api::parse_request<api::FaultRequest>(document)), document);
  }
}

}  // namespace
}  // namespace tinet::cli
