/// Toxics, as Toxiproxy documents them, case by case.

#include <atomic>
#include <cerrno>

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "tests/unit/toxiproxy/api_world.h"

namespace tinet::toxiproxy::test {
namespace {

using namespace std::chrono_literals;

class Toxics : public ::testing::Test {
 protected:
  Toxics() { world.create("p"); }

  void expect_error(const Answer& answer, int status, const std::string& part) {
    EXPECT_EQ(answer.status, status) << answer.body;
    ASSERT_TRUE(answer.json().is_object()) << answer.body;
    EXPECT_NE(answer.json().at("error").as_string().find(part), std::string::npos) << answer.body;
  }

  [[nodiscard]] Answer add(const std::string& members) {
    return world.ask("POST", "/proxies/p/toxics", "{" + members + "}");
  }

  ApiWorld world;
};

TEST_F(Toxics, HaveDefaults) {
  const Answer answer = add("'type':'latency'");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json(), boost::json::parse(quoted(
                               "{'attributes':{'latency':0,'jitter':0},'name':'latency_downstream',"
                               "'type':'latency','stream':'downstream','toxicity':1.0}")));
  EXPECT_EQ(world.ask("GET", "/proxies/p/toxics").json(), boost::json::array({answer.json()}));
  EXPECT_EQ(world.ask("GET", "/proxies/p/toxics/latency_downstream").json(), answer.json());
  EXPECT_EQ(world.ask("GET", "/proxies/p").json().at("toxics"),
            boost::json::array({answer.json()}));
}

TEST_F(Toxics, MayHaveTheSameTypeAndOtherNames) {
  EXPECT_EQ(add("'type':'latency','name':'one'").status, 200);
  EXPECT_EQ(add("'type':'latency','name':'two'").status, 200);
  EXPECT_EQ(add("'type':'latency','stream':'upstream'").json().at("name").as_string(),
            "latency_upstream");
  EXPECT_EQ(world.ask("GET", "/proxies/p/toxics").json().as_array().size(), 3U);
}

TEST_F(Toxics, HaveUniqueNamesAcrossStreams) {
  EXPECT_EQ(add("'type':'latency','name':'t'").status, 200);
  expect_error(add("'type':'bandwidth','name':'t','stream':'upstream'"), 409,
               "toxic already exists");
}

TEST_F(Toxics, AreRefusedWhenTheyAreWrong) {
  expect_error(add("'type':'magic'"), 400, "invalid toxic type");
  expect_error(add(""), 400, "invalid toxic type");
  expect_error(add("'type':'latency','stream':'sideways'"), 400, "stream was invalid");
  expect_error(add("'type':'latency','toxicity':1.5"), 400, "toxicity");
  expect_error(add("'type':'latency','toxicity':'all'"), 400, "bad request body");
  expect_error(add("'type':'latency','attributes':[]"), 400, "bad request body");
  for (const char* value : {"-1", "1.5", "'5'", "true", "1e18"}) {
    expect_error(add(std::string("'type':'latency','attributes':{'latency':") + value + "}"), 400,
                 "bad request body");
  }
  expect_error(add("'type':'slicer'"), 400, "average_size");
  expect_error(add("'type':'slicer','attributes':{'average_size':5,'size_variation':6}"), 400,
               "size_variation");
  expect_error(world.ask("POST", "/proxies/nobody/toxics", "{'type':'noop'}"), 404,
               "proxy not found");
  EXPECT_EQ(world.ask("GET", "/proxies/p/toxics").json(), boost::json::array());
}

TEST_F(Toxics, AreUpdatedMemberByMember) {
  static_cast<void>(add("'type':'latency','name':'t','attributes':{'latency':100,'jitter':10}"));
  for (const char* method : {"POST", "PATCH"}) {
    const Answer answer =
        world.ask(method, "/proxies/p/toxics/t", "{'attributes':{'latency':1000},'toxicity':0.5}");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.json().at("attributes").at("latency").as_int64(), 1000);
    EXPECT_EQ(answer.json().at("attributes").at("jitter").as_int64(), 10);
    EXPECT_EQ(answer.json().at("toxicity").as_double(), 0.5);
  }
  // Neither name nor type nor stream can change.
  const Answer same =
      world.ask("POST", "/proxies/p/toxics/t", "{'name':'u','type':'noop','stream':'upstream'}");
  EXPECT_EQ(same.json().at("name").as_string(), "t");
  EXPECT_EQ(same.json().at("type").as_string(), "latency");
  EXPECT_EQ(same.json().at("stream").as_string(), "downstream");
  expect_error(world.ask("POST", "/proxies/p/toxics/t", "{'attributes':{'latency':-5}}"), 400,
               "latency");
  expect_error(world.ask("POST", "/proxies/p/toxics/x", "{}"), 404, "toxic not found");
}

TEST_F(Toxics, AreRemoved) {
  static_cast<void>(add("'type':'latency','name':'t'"));
  EXPECT_EQ(world.ask("DELETE", "/proxies/p/toxics/t").status, 204);
  expect_error(world.ask("GET", "/proxies/p/toxics/t"), 404, "toxic not found");
  expect_error(world.ask("DELETE", "/proxies/p/toxics/t"), 404, "toxic not found");
}

TEST_F(Toxics, CanDoNothing) {
  EXPECT_EQ(add("'type':'noop'").json().at("attributes"), boost::json::object());
  auto pair = world.connect();
  pair.client.send("x");
  EXPECT_EQ(pair.service.receive(1), "x");
}

TEST_F(Toxics, LatencyDelaysOneStream) {
  world.add_toxic("'type':'latency','attributes':{'latency':100,'jitter':20}");
  auto pair = world.connect();
  TimePoint start = Clock::now();
  pair.service.send("down");
  EXPECT_EQ(pair.client.receive(4), "down");
  EXPECT_GE(since(start), 80ms);
  // Waits for nothing: the stream upwards has no toxic.
  pair.client.send("up");
  EXPECT_EQ(pair.service.receive(2), "up");
}

TEST_F(Toxics, SeveralLatenciesAdd) {
  world.add_toxic("'type':'latency','name':'a','attributes':{'latency':60}");
  world.add_toxic("'type':'latency','name':'b','attributes':{'latency':60}");
  auto pair = world.connect();
  const TimePoint start = Clock::now();
  pair.service.send("x");
  EXPECT_EQ(pair.client.receive(1), "x");
  EXPECT_GE(since(start), 120ms);
}

TEST_F(Toxics, BandwidthLimitsKilobytesPerSecond) {
  world.add_toxic("'type':'bandwidth','stream':'upstream','attributes':{'rate':1000}");
  auto pair = world.connect();
  const TimePoint start = Clock::now();
  std::thread sends([&] { pair.client.send(noise(500'000, 1)); });
  EXPECT_EQ(pair.service.receive(500'000).size(), 500'000U);
  sends.join();
  EXPECT_GE(since(start), 480ms);
  EXPECT_LT(since(start), 3s);
}

TEST_F(Toxics, BandwidthOfNothingCutsAndLosesNothing) {
  auto pair = world.connect();
  world.add_toxic("'type':'bandwidth','name':'down','attributes':{'rate':0}");
  world.add_toxic("'type':'bandwidth','name':'up','stream':'upstream','attributes':{'rate':0}");
  pair.client.send("question");
  EXPECT_TRUE(pair.service.is_silent(100ms));
  EXPECT_EQ(world.ask("DELETE", "/proxies/p/toxics/down").status, 204);
  EXPECT_EQ(world.ask("DELETE", "/proxies/p/toxics/up").status, 204);
  EXPECT_EQ(pair.service.receive(8), "question");
}

TEST_F(Toxics, HoldIsTheSameByItsName) {
  auto pair = world.connect();
  world.add_toxic("'type':'hold','stream':'upstream'");
  pair.client.send("question");
  EXPECT_TRUE(pair.service.is_silent(100ms));
  EXPECT_EQ(world.ask("POST", "/reset").status, 204);
  EXPECT_EQ(pair.service.receive(8), "question");
}

TEST_F(Toxics, SlowCloseDelaysTheEnd) {
  world.add_toxic("'type':'slow_close','attributes':{'delay':150}");
  auto pair = world.connect();
  const TimePoint start = Clock::now();
  pair.service.send("bye");
  pair.service.finish_sending();
  EXPECT_EQ(pair.client.receive_all(), "bye");
  EXPECT_GE(since(start), 150ms);
}

TEST_F(Toxics, TimeoutStopsDataAndCloses) {
  world.add_toxic("'type':'timeout','attributes':{'timeout':150}");
  const TimePoint start = Clock::now();
  auto pair = world.connect();
  pair.service.send("never seen");
  EXPECT_EQ(pair.client.receive_all(), "");
  EXPECT_GE(since(start), 150ms);
  EXPECT_EQ(pair.service.wait_for_end(), 0);
}

TEST_F(Toxics, TimeoutOfNothingDropsDataUntilItIsRemoved) {
  world.add_toxic("'type':'timeout','name':'t','attributes':{'timeout':0}");
  auto pair = world.connect();
  pair.service.send("dropped");
  EXPECT_TRUE(pair.client.is_silent(150ms));
  EXPECT_EQ(world.ask("DELETE", "/proxies/p/toxics/t").status, 204);
  EXPECT_EQ(pair.client.receive_all(), "");
  auto next = world.connect();
  next.service.send("through");
  EXPECT_EQ(next.client.receive(7), "through");
}

TEST_F(Toxics, ResetPeerResetsAtOnceOrAfterATimeout) {
  for (const milliseconds timeout : {0ms, 150ms}) {
    world.add_toxic("'type':'reset_peer','name':'t','attributes':{'timeout':" +
                    std::to_string(timeout.count()) + "}");
    const TimePoint start = Clock::now();
    EXPECT_EQ(world.dial().wait_for_end(), ECONNRESET);
    EXPECT_GE(since(start), timeout);
    EXPECT_EQ(world.ask("DELETE", "/proxies/p/toxics/t").status, 204);
  }
}

TEST_F(Toxics, SlicerCutsIntoPieces) {
  world.add_toxic(
      "'type':'slicer','attributes':{'average_size':10,'size_variation':2,'delay':1000}");
  auto pair = world.connect();
  const TimePoint start = Clock::now();
  const std::string bytes = noise(200, 1);
  pair.service.send(bytes);
  EXPECT_EQ(pair.client.receive(200), bytes);
  // At least 200 / 12 pieces, 1 ms between two.
  EXPECT_GE(since(start), 15ms);
}

TEST_F(Toxics, LimitDataClosesAfterSoManyBytes) {
  world.add_toxic("'type':'limit_data','attributes':{'bytes':1000}");
  auto pair = world.connect();
  const std::string bytes = noise(5'000, 1);
  pair.service.send(bytes.substr(0, 600));
  EXPECT_EQ(pair.client.receive(600), bytes.substr(0, 600));
  pair.service.send(bytes.substr(600));
  EXPECT_EQ(pair.client.receive_all(), bytes.substr(600, 400));
  EXPECT_EQ(pair.service.wait_for_end(), 0);
}

TEST_F(Toxics, LimitDataOfNothingClosesWithTheFirstByte) {
  world.add_toxic("'type':'limit_data','attributes':{'bytes':0}");
  auto pair = world.connect();
  EXPECT_TRUE(pair.client.is_silent(50ms));
  pair.service.send("x");
  EXPECT_EQ(pair.client.receive_all(), "");
}

TEST_F(Toxics, ToxicityOfNothingConcernsNobody) {
  world.add_toxic("'type':'reset_peer','toxicity':0,'attributes':{'timeout':0}");
  for (int i = 0; i < 20; ++i) {
    auto pair = world.connect();
    pair.client.send("x");
    EXPECT_EQ(pair.service.receive(1), "x");
  }
}

TEST_F(Toxics, ToxicityIsAShareOfTheConnections) {
  world.add_toxic("'type':'limit_data','toxicity':0.5,'attributes':{'bytes':0}");
  int concerned = 0;
  for (int i = 0; i < 60; ++i) {
    auto pair = world.connect();
    pair.service.send("x");
    concerned += pair.client.receive(1).empty() ? 1 : 0;
  }
  EXPECT_GT(concerned, 12);
  EXPECT_LT(concerned, 48);
}

TEST_F(Toxics, CanBeChangedAtOnceWhileAConnectionIsStuck) {
  auto pair = world.connect();
  world.add_toxic("'type':'bandwidth','name':'t','attributes':{'rate':1}");
  EXPECT_GT(pair.service.fill(), 0U);
  EXPECT_GT(pair.client.fill(), 0U);
  const TimePoint start = Clock::now();
  EXPECT_EQ(world.ask("POST", "/proxies/p/toxics/t", "{'attributes':{'rate':2}}").status, 200);
  EXPECT_EQ(world.ask("DELETE", "/proxies/p/toxics/t").status, 204);
  EXPECT_EQ(world.ask("DELETE", "/proxies/p").status, 204);
  EXPECT_LT(since(start), 2s);
}

TEST_F(Toxics, ConcurrentChangesLeaveAConsistentStateAndExactStreams) {
  std::atomic<bool> is_over = false;
  std::atomic<int> unexpected = 0;
  const auto change = [&](int id) {
    const std::string own = "own" + std::to_string(id);
    for (int i = 0; i < 15; ++i) {
      const int added =
          add("'type':'latency','name':'" + own + "','attributes':{'latency':1}").status;
      // Everybody wants this one; one gets it.
      const int shared =
          add("'type':'slicer','name':'shared','attributes':{'average_size':2000}").status;
      const int proxy =
          world.ask("POST", "/proxies", "{'name':'" + own + "','upstream':'localhost:1'}").status;
      const int removed = world.ask("DELETE", "/proxies/p/toxics/" + own).status;
      const int shared_removed = world.ask("DELETE", "/proxies/p/toxics/shared").status;
      const int proxy_removed = world.ask("DELETE", "/proxies/" + own).status;
      unexpected += added == 200 && removed == 204 && proxy == 201 && proxy_removed == 204 &&
                            (shared == 200 || shared == 409) &&
                            (shared_removed == 204 || shared_removed == 404)
                        ? 0
                        : 1;
    }
  };
  auto pair = world.connect();
  const std::string bytes = noise(3'000'000, 1);
  std::thread sends([&] {
    pair.client.send(bytes);
    pair.client.finish_sending();
  });
  std::vector<std::thread> changers;
  for (int id = 0; id < 4; ++id) {
    changers.emplace_back(change, id);
  }
  EXPECT_TRUE(pair.service.receive_all() == bytes);
  sends.join();
  for (std::thread& changer : changers) {
    changer.join();
  }
  EXPECT_EQ(unexpected, 0);
  EXPECT_EQ(world.ask("GET", "/proxies").json().as_object().size(), 1U);
  EXPECT_EQ(world.ask("GET", "/proxies/p/toxics").json(), boost::json::array());
}

}  // namespace
}  // namespace tinet::toxiproxy::test
