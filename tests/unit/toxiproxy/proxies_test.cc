/// Proxies, as Toxiproxy documents them, case by case.

#include <atomic>
#include <cerrno>

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "tests/unit/toxiproxy/api_world.h"

namespace tinet::toxiproxy::test {
namespace {

using namespace std::chrono_literals;

void expect_error(const Answer& answer, int status, const std::string& part) {
  EXPECT_EQ(answer.status, status) << answer.body;
  const auto document = answer.json();
  ASSERT_TRUE(document.is_object()) << answer.body;
  EXPECT_EQ(document.at("status").to_number<int>(), status);
  EXPECT_NE(document.at("error").as_string().find(part), std::string::npos) << answer.body;
}

TEST(Proxies, AreNoneAtFirst) {
  ApiWorld world;
  const Answer answer = world.ask("GET", "/proxies");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json(), boost::json::object());
}

TEST(Create, AnswersWithTheProxyAndItsRealPort) {
  ApiWorld world;
  const Answer answer = world.ask(
      "POST", "/proxies",
      "{'name':'redis','listen':'localhost:0','upstream':'" + world.upstream_text() + "'}");
  EXPECT_EQ(answer.status, 201);
  const auto proxy = answer.json();
  EXPECT_EQ(proxy.at("name").as_string(), "redis");
  EXPECT_EQ(proxy.at("upstream").as_string(), world.upstream_text());
  EXPECT_EQ(proxy.at("enabled").as_bool(), true);
  EXPECT_EQ(proxy.at("toxics").as_array().size(), 0U);
  EXPECT_TRUE(proxy.at("listen").as_string().starts_with("127.0.0.1:"));
  EXPECT_NE(proxy.at("listen").as_string(), "127.0.0.1:0");
  EXPECT_EQ(world.ask("GET", "/proxies/redis").json(), proxy);
  EXPECT_EQ(world.ask("GET", "/proxies").json().at("redis"), proxy);
  auto pair = world.connect("redis");
  pair.client.send("ping");
  EXPECT_EQ(pair.service.receive(4), "ping");
}

TEST(Create, NeedsNameAndUpstream) {
  ApiWorld world;
  expect_error(world.ask("POST", "/proxies", "{}"), 400, "missing required field: name");
  expect_error(world.ask("POST", "/proxies", "{'name':'x'}"), 400,
               "missing required field: upstream");
  EXPECT_EQ(world.ask("GET", "/proxies").json(), boost::json::object());
}

TEST(Create, RefusesWhatIsNotAProxy) {
  ApiWorld world;
  for (const char* body : {"", "{", "[]", "7", "{'name':5}", "{'name':'x','upstream':{}}",
                           "{'name':'x','upstream':'a:1','enabled':'yes'}"}) {
    expect_error(world.ask("POST", "/proxies", body), 400, "bad request body");
  }
  expect_error(world.ask("POST", "/proxies", "{'name':'x','upstream':'nowhere'}"), 400,
               "HOST:PORT");
  expect_error(world.ask("POST", "/proxies", "{'name':'x','upstream':'a:1','listen':'::1:5'}"), 400,
               "HOST:PORT");
  expect_error(world.ask("POST", "/proxies",
                         "{'name':'x','upstream':'a:1','listen':'no-such-host.invalid:1'}"),
               400, "unknown name");
}

TEST(Create, RefusesANameThatIsTaken) {
  ApiWorld world;
  world.create("p");
  expect_error(
      world.ask("POST", "/proxies", "{'name':'p','upstream':'" + world.upstream_text() + "'}"), 409,
      "proxy already exists");
}

TEST(Create, RefusesAPortThatIsTakenAndLeavesNothing) {
  ApiWorld world;
  const std::string taken = proxy::to_string(world.create("p"));
  expect_error(
      world.ask("POST", "/proxies",
                "{'name':'q','listen':'" + taken + "','upstream':'" + world.upstream_text() + "'}"),
      500, "address already in use");
  EXPECT_EQ(world.ask("GET", "/proxies/q").status, 404);
}

TEST(Create, ListensOnLoopbackOnly) {
  ApiWorld world;
  for (const char* listen : {"0.0.0.0:0", "[::]:0", ":0", "10.1.2.3:0"}) {
    expect_error(world.ask("POST", "/proxies",
                           std::string("{'name':'x','upstream':'a:1','listen':'") + listen + "'}"),
                 403, "--allow-remote");
  }
  EXPECT_EQ(
      world.ask("POST", "/proxies", "{'name':'six','upstream':'a:1','listen':'[::1]:0'}").status,
      201);
}

TEST(Create, ListensElsewhereWhenThatWasAskedFor) {
  ServerOptions options;
  options.collection.allow_remote = true;
  ApiWorld world(options);
  EXPECT_EQ(
      world.ask("POST", "/proxies", "{'name':'x','upstream':'a:1','listen':'0.0.0.0:0'}").status,
      201);
}

TEST(Create, DisabledDoesNotListenUntilItIsEnabled) {
  ApiWorld world;
  const auto address = [] { return proxy::test::Server().endpoint(); }();
  const Answer made =
      world.ask("POST", "/proxies",
                "{'name':'p','enabled':false,'listen':'" + proxy::to_string(address) +
                    "','upstream':'" + world.upstream_text() + "'}");
  EXPECT_EQ(made.json().at("enabled").as_bool(), false);
  EXPECT_THROW(static_cast<void>(Peer::connect(address)), Error);
  for (const char* method : {"POST", "PATCH"}) {
    EXPECT_EQ(world.ask(method, "/proxies/p", "{'enabled':true}").json().at("enabled").as_bool(),
              true);
    auto pair = world.connect();
    EXPECT_EQ(world.ask(method, "/proxies/p", "{'enabled':false}").json().at("enabled").as_bool(),
              false);
    EXPECT_EQ(pair.client.wait_for_end(), 0);
    EXPECT_EQ(pair.service.wait_for_end(), 0);
    EXPECT_THROW(static_cast<void>(Peer::connect(address)), Error);
  }
}

TEST(Update, KeepsPortAndToxicsWhileDown) {
  ApiWorld world;
  const auto before = world.create("p");
  world.add_toxic("'type':'latency','attributes':{'latency':5}");
  EXPECT_EQ(world.ask("POST", "/proxies/p", "{'enabled':false}").status, 200);
  const auto after = world.ask("POST", "/proxies/p", "{'enabled':true}").json();
  EXPECT_EQ(after.at("listen").as_string(), proxy::to_string(before));
  EXPECT_EQ(after.at("toxics").as_array().size(), 1U);
}

TEST(Update, OfNothingKeepsConnections) {
  ApiWorld world;
  const auto listen = world.create("p");
  auto pair = world.connect();
  EXPECT_EQ(world.ask("POST", "/proxies/p", "{}").status, 200);
  EXPECT_EQ(world
                .ask("POST", "/proxies/p",
                     "{'listen':'localhost:" + std::to_string(listen.port()) + "','upstream':'" +
                         world.upstream_text() + "','enabled':true}")
                .status,
            200);
  pair.client.send("still");
  EXPECT_EQ(pair.service.receive(5), "still");
}

TEST(Update, OfTheUpstreamDropsConnectionsAndDialsTheOtherOne) {
  ApiWorld world;
  world.create("p");
  auto pair = world.connect();
  proxy::test::Server other;
  EXPECT_EQ(
      world.ask("POST", "/proxies/p", "{'upstream':'" + proxy::to_string(other.endpoint()) + "'}")
          .status,
      200);
  EXPECT_EQ(pair.client.wait_for_end(), 0);
  Peer client = world.dial();
  client.send("x");
  EXPECT_EQ(other.accept().receive(1), "x");
}

TEST(Update, OfTheListenAddressMoves) {
  ApiWorld world;
  const auto before = world.create("p");
  const auto after = [] { return proxy::test::Server().endpoint(); }();
  const Answer answer =
      world.ask("PATCH", "/proxies/p", "{'listen':'" + proxy::to_string(after) + "'}");
  EXPECT_EQ(answer.json().at("listen").as_string(), proxy::to_string(after));
  EXPECT_THROW(static_cast<void>(Peer::connect(before)), Error);
  auto pair = world.connect();
}

TEST(Update, ToATakenAddressFailsAndLeavesTheProxyDown) {
  ApiWorld world;
  world.create("p");
  const std::string taken = proxy::to_string(world.create("q"));
  expect_error(world.ask("POST", "/proxies/p", "{'listen':'" + taken + "'}"), 500, "in use");
  EXPECT_EQ(world.ask("GET", "/proxies/p").json().at("enabled").as_bool(), false);
}

TEST(Update, RefusesWhatIsWrong) {
  ApiWorld world;
  world.create("p");
  expect_error(world.ask("POST", "/proxies/q", "{'enabled':false}"), 404, "proxy not found");
  expect_error(world.ask("POST", "/proxies/p", "{'enabled':1}"), 400, "bad request body");
  expect_error(world.ask("POST", "/proxies/p", "{'listen':'0.0.0.0:0'}"), 403, "loopback");
}

TEST(Delete, ClosesListenerAndConnections) {
  ApiWorld world;
  const auto address = world.create("p");
  auto pair = world.connect();
  const Answer answer = world.ask("DELETE", "/proxies/p");
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(pair.client.wait_for_end(), 0);
  EXPECT_THROW(static_cast<void>(Peer::connect(address)), Error);
  expect_error(world.ask("DELETE", "/proxies/p"), 404, "proxy not found");
  expect_error(world.ask("GET", "/proxies/p"), 404, "proxy not found");
}

TEST(Dial, OfANobodyIsAResetForTheClient) {
  ApiWorld world;
  const auto nobody = [] { return proxy::test::Server().endpoint(); }();
  EXPECT_EQ(
      world.ask("POST", "/proxies", "{'name':'p','upstream':'" + proxy::to_string(nobody) + "'}")
          .status,
      201);
  EXPECT_EQ(world.dial().wait_for_end(), ECONNRESET);
  EXPECT_EQ(
      world.ask("POST", "/proxies", "{'name':'q','upstream':'no-such-host.invalid:1'}").status,
      201);
  EXPECT_EQ(world.dial("q").wait_for_end(), ECONNRESET);
}

TEST(Dial, LooksNamesUp) {
  ApiWorld world;
  EXPECT_EQ(world
                .ask("POST", "/proxies",
                     "{'name':'p','upstream':'localhost:" +
                         std::to_string(world.upstream.endpoint().port()) + "'}")
                .status,
            201);
  auto pair = world.connect();
  pair.client.send("x");
  EXPECT_EQ(pair.service.receive(1), "x");
}

TEST(Populate, CreatesAllWithTheirDefaults) {
  ApiWorld world;
  const Answer answer = world.ask("POST", "/populate",
                                  "[{'name':'a','upstream':'" + world.upstream_text() +
                                      "'},{'name':'b','enabled':false,'listen':'127.0.0.1:0',"
                                      "'upstream':'" +
                                      world.upstream_text() + "'}]");
  EXPECT_EQ(answer.status, 201);
  const auto proxies = answer.json().at("proxies").as_array();
  ASSERT_EQ(proxies.size(), 2U);
  EXPECT_EQ(proxies[0].at("enabled").as_bool(), true);
  EXPECT_EQ(proxies[1].at("enabled").as_bool(), false);
  EXPECT_EQ(world.ask("GET", "/proxies").json().as_object().size(), 2U);
}

TEST(Populate, LeavesWhatIsTheSameAndReplacesWhatDiffers) {
  ApiWorld world;
  const std::string listen = proxy::to_string(world.create("p"));
  world.add_toxic("'type':'noop'");
  auto pair = world.connect();
  const std::string same =
      "[{'name':'p','listen':'" + listen + "','upstream':'" + world.upstream_text() + "'}]";
  EXPECT_EQ(world.ask("POST", "/populate", same).status, 201);
  EXPECT_EQ(world.ask("GET", "/proxies/p/toxics").json().as_array().size(), 1U);
  pair.client.send("x");
  EXPECT_EQ(pair.service.receive(1), "x");

  proxy::test::Server other;
  const std::string different = "[{'name':'p','listen':'" + listen + "','upstream':'" +
                                proxy::to_string(other.endpoint()) + "'}]";
  EXPECT_EQ(world.ask("POST", "/populate", different).status, 201);
  EXPECT_EQ(pair.client.wait_for_end(), 0);
  EXPECT_EQ(world.ask("GET", "/proxies/p/toxics").json().as_array().size(), 0U);
  EXPECT_EQ(proxy::to_string(world.listens("p")), listen);
}

TEST(Populate, ChangesNothingWhenOneIsWrong) {
  ApiWorld world;
  expect_error(world.ask("POST", "/populate", "[{'name':'a','upstream':'a:1'},{'upstream':'a:1'}]"),
               400, "missing required field: name at proxy 2");
  expect_error(world.ask("POST", "/populate", "[{'name':'a','upstream':'a:1'},{'name':'b'}]"), 400,
               "missing required field: upstream at proxy 2");
  expect_error(world.ask("POST", "/populate",
                         "[{'name':'a','upstream':'a:1'},{'name':'a','upstream':'a:1'}]"),
               400, "duplicate");
  expect_error(
      world.ask("POST", "/populate",
                "[{'name':'a','upstream':'a:1'},{'name':'b','upstream':'a:1','listen':':1'}]"),
      403, "loopback");
  expect_error(world.ask("POST", "/populate", "{}"), 400, "bad request body");
  EXPECT_EQ(world.ask("GET", "/proxies").json(), boost::json::object());
}

TEST(Reset, EnablesAllAndRemovesAllToxics) {
  ApiWorld world;
  world.create("p");
  world.create("q", ",'enabled':false");
  world.add_toxic("'type':'latency','stream':'upstream','attributes':{'latency':50}");
  const Answer answer = world.ask("POST", "/reset");
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(world.ask("GET", "/proxies/q").json().at("enabled").as_bool(), true);
  EXPECT_EQ(world.ask("GET", "/proxies/p/toxics").json().as_array().size(), 0U);
}

TEST(Api, TellsItsVersion) {
  ApiWorld world;
  const Answer answer = world.ask("GET", "/version");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json().at("version").as_string(), kApiVersion);
}

TEST(Api, CountsBytesForPrometheus) {
  ApiWorld world;
  const auto listen = world.create("p");
  auto pair = world.connect();
  pair.client.send("12345");
  EXPECT_EQ(pair.service.receive(5), "12345");
  const std::string expected =
      "toxiproxy_proxy_sent_bytes_total{direction=\"upstream\",listener=\"" +
      proxy::to_string(listen) + "\",proxy=\"p\",upstream=\"" + world.upstream_text() + "\"} 5\n";
  const Answer answer = world.ask("GET", "/metrics");
  EXPECT_NE(answer.body.find(expected), std::string::npos) << answer.body;
}

TEST(Api, KnowsNoOtherPathsAndMethods) {
  ApiWorld world;
  world.create("p");
  for (const char* path :
       {"/", "/proxy", "/proxies/p/poisons", "/proxies/p/toxics/t/x", "/version/x"}) {
    expect_error(world.ask("GET", path), 404, "");
  }
  expect_error(world.ask("PUT", "/proxies"), 405, "PUT");
  expect_error(world.ask("GET", "/reset"), 405, "GET");
  expect_error(world.ask("DELETE", "/proxies/p/toxics"), 405, "DELETE");
}

TEST(Api, TakesNamesWithStrangeLetters) {
  ApiWorld world;
  world.create("a b/ü");
  EXPECT_EQ(world.ask("GET", "/proxies/a%20b%2F%C3%BC").status, 200);
  expect_error(world.ask("GET", "/proxies/a%2"), 400, "escape");
}

TEST(Api, IsNotForWebPages) {
  ApiWorld world;
  expect_error(world.ask("GET", "/proxies", "", "User-Agent: Mozilla/5.0 (X11)\r\n"), 403,
               "user agent");
  expect_error(world.ask("POST", "/reset", "", "Origin: http://evil.example\r\n"), 403,
               "user agent");
  EXPECT_EQ(world.ask("GET", "/proxies", "", "User-Agent: toxiproxy-cli/2.12\r\n").status, 200);
}

TEST(Api, IsForThoseWhoMayUseIt) {
  ServerOptions options;
  std::atomic<bool> may = false;
  proxy::Endpoint seen;
  options.may_use = [&](const http::ConnectionEnds& ends) {
    seen = ends.local;
    return may.load();
  };
  ApiWorld world(options);
  // Before it has said anything: what strangers send is not read.
  const auto stranger = Peer::connect(world.api()).receive_all();
  EXPECT_TRUE(stranger.starts_with("HTTP/1.1 403 ")) << stranger;
  expect_error(world.ask("GET", "/proxies"), 403, "another user");
  may = true;
  EXPECT_EQ(world.ask("GET", "/proxies").status, 200);
  EXPECT_EQ(seen, world.api());
}

TEST(Api, LetsSlowClientsGoAndServesTheOthersMeanwhile) {
  ServerOptions options;
  options.idle_timeout = std::chrono::seconds(1);
  ApiWorld world(options);
  std::vector<Peer> slow;
  for (int i = 0; i < 100; ++i) {
    slow.push_back(Peer::connect(world.api()));
    slow.back().send(i % 2 == 0 ? "POST /proxies HTTP/1.1\r\nHo"
                                : "POST /proxies HTTP/1.1\r\nContent-Length: 9\r\n\r\n{");
  }
  EXPECT_EQ(world.ask("GET", "/version").status, 200);
  for (Peer& peer : slow) {
    EXPECT_EQ(peer.receive_all(), "");
  }
  EXPECT_EQ(world.ask("GET", "/version").status, 200);
}

TEST(Api, RefusesMalformedAndOversizedRequests) {
  ApiWorld world;
  expect_error(call_raw(world.api(), "nonsense\r\n\r\n"), 400, "malformed");
  expect_error(
      call_raw(world.api(), "POST /proxies HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"), 413,
      "too large");
  expect_error(
      call_raw(world.api(), "GET /proxies HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"),
      413, "too large");
}

}  // namespace
}  // namespace tinet::toxiproxy::test
