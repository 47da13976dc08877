#include "src/supervisor/http_server.h"

#include <array>
#include <future>
#include <thread>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/http_wire.h"

namespace tinet {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::ask;
using test::body_of;
using test::echo;
using test::HttpHost;
using test::post;
using test::Wire;
using testing::HasSubstr;
using testing::StartsWith;

asio::awaitable<void> wait_forever() {
  asio::steady_timer never(co_await asio::this_coro::executor,
                           asio::steady_timer::time_point::max());
  co_await never.async_wait(asio::use_awaitable);
}

TEST(HttpServer, HandsOverEveryPartOfARequest) {
  HttpHost host(echo);
  const auto answer = ask(host, post("/v1/a%2Fb?x=1&y=a%20b+c&z", R"({"n":1})"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(body_of(answer), boost::json::parse(R"({"method":"POST","path":"/v1/a/b",
      "query":{"x":"1","y":"a b c","z":""},"body":{"n":1},"fds":0})"));
}

TEST(HttpServer, AnswersSeveralRequestsOfOneConnectionInOrder) {
  HttpHost host(echo);
  Wire wire(host.path());
  wire.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  std::string text = wire.read_until("/2");
  EXPECT_THAT(text, HasSubstr("\"/1\""));
  wire.send("GET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(wire.read_until("/3"), HasSubstr("\"/3\""));
}

TEST(HttpServer, AnswersEveryOneOfManyAtOnce) {
  HttpServerOptions options;
  options.connections_max = 8;  // the others queue
  HttpHost host(echo, options);
  std::vector<std::future<std::string>> answers;
  for (int i = 0; i < 120; ++i) {
    answers.push_back(std::async(
        std::launch::async, [&host, i] { return ask(host, post("/" + std::to_string(i), "{}")); }));
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_THAT(answers[i].get(), HasSubstr("\"/" + std::to_string(i) + "\""));
  }
}

TEST(HttpServer, ServesOthersWhileAHandlerWaits) {
  HttpHost host([](Request request) -> asio::awaitable<Response> {
    if (request.path == "/wait") {
      auto waiting = wait_forever();
      co_await std::move(waiting);
    }
    co_return Response{};
  });
  Wire waiting(host.path());
  waiting.send(post("/wait", "{}"));
  EXPECT_THAT(ask(host, post("/now", "{}")), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, GivesUpOnASlowRequestOnly) {
  HttpServerOptions options;
  options.request_timeout = 50ms;
  HttpHost host(echo, options);
  Wire slow(host.path());
  slow.send("GET / HTTP/1.1\r\nHos");
  EXPECT_THAT(slow.read_all(), StartsWith("HTTP/1.1 408 "));
  Wire silent(host.path());
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_THAT(ask(host, post("/", "{}")), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, RefusesOversizedRequestsWithAnErrorDocument) {
  HttpHost host(echo);
  const std::string big((1U << 20U) + 1, 'x');
  for (const auto& text :
       {post("/", big), "GET / HTTP/1.1\r\nX: " + big.substr(0, 20'000) + "\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n" + big +
            "\r\n0\r\n\r\n"}) {
    const auto answer = ask(host, text);
    ASSERT_THAT(answer, StartsWith("HTTP/1.1 413 "));
    EXPECT_EQ(body_of(answer).at_pointer("/error/kind"), "usage");
  }
  const std::string fits = "\"" + std::string((1U << 20U) - 2, 'x') + "\"";
  EXPECT_THAT(ask(host, post("/", fits)), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, RefusesMalformedRequestsAndLivesOn) {
  HttpHost host(echo);
  for (const std::string& text : {
           std::string("\r\n\r\n\r\n"),
           std::string("GET\r\n\r\n"),
           std::string("GET / HTTP/9.9\r\n\r\n"),
           std::string("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
           std::string("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
           std::string("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
           std::string("GET /%zz HTTP/1.1\r\n\r\n"),
           std::string("GET /?a=%4 HTTP/1.1\r\n\r\n"),
           std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
           std::string(64, '\0'),
           post("/", "{\"a\":"),
           post("/", std::string(100'000, '[')),
           post("/", "{\"a\":1} x"),
       }) {
    Wire wire(host.path());
    wire.send(text);
    wire.close_sending();
    const auto answer = wire.read_all();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << text;
  }
  EXPECT_THAT(ask(host, post("/", "{}")), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, TellsAClientThatAsksToGoOn) {
  HttpHost host(echo);
  Wire wire(host.path());
  wire.send(
      "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(wire.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  wire.send("{}");
  EXPECT_THAT(wire.read_all(), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, MapsErrorsToStatusAndDocument) {
  HttpHost host([](Request request) -> asio::awaitable<Response> {
    if (request.path == "/throw") {
      throw std::runtime_error("boom");
    }
    if (request.path == "/none") {
      co_return not_found(request.path);
    }
    Error error(error_kind_from(request.path.substr(1)), "cannot do it", "do something else");
    error.about("tikv-0", "last words");
    throw error;
  });
  const std::pair<std::string, std::string> cases[] = {
      {"usage", "400"},     {"unavailable", "501"}, {"conflict", "409"},
      {"operation", "500"}, {"check", "422"},
  };
  for (const auto& [kind, status] : cases) {
    const auto answer = ask(host, post("/" + kind, ""));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + status));
    EXPECT_EQ(body_of(answer), (boost::json::value{{"error",
                                                    {{"kind", kind},
                                                     {"message", "cannot do it"},
                                                     {"hint", "do something else"},
                                                     {"instance", "tikv-0"},
                                                     {"log_tail", "last words"}}}}));
  }
  EXPECT_THAT(ask(host, post("/none", "")), StartsWith("HTTP/1.1 404 "));
  const auto answer = ask(host, post("/throw", ""));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, HasSubstr("boom"));
}

TEST(HttpServer, TellsAHandlerThatItsClientHasGone) {
  std::promise<void> started;
  std::promise<void> told;
  HttpHost host([&](Request request) -> asio::awaitable<Response> {
    request.peer->on_close([&] { told.set_value(); });
    started.set_value();
    auto waiting = wait_forever();
    co_await std::move(waiting);
    co_return Response{};
  });
  Wire wire(host.path());
  wire.send(post("/", "{}"));
  started.get_future().wait();
  wire.close_sending();  // still reads: no reason to give up
  EXPECT_EQ(told.get_future().wait_for(20ms), std::future_status::timeout);
  wire.close();
}

TEST(HttpServer, CancelsAWaitOfAClientThatHasGone) {
  std::promise<void> started;
  std::promise<boost::system::error_code> ended;
  HttpHost host([&](Request request) -> asio::awaitable<Response> {
    auto wait = [&]() -> asio::awaitable<Response> {
      try {
        auto waiting = wait_forever();
        co_await std::move(waiting);
      } catch (const boost::system::system_error& error) {
        ended.set_value(error.code());
        throw;
      }
      co_return Response{};
    };
    started.set_value();
    auto waiting = wait();
    auto cancelled = cancel_on_close(request.peer, std::move(waiting));
    co_return co_await std::move(cancelled);
  });
  Wire wire(host.path());
  wire.send(post("/", "{}"));
  started.get_future().wait();
  wire.close();
  EXPECT_EQ(ended.get_future().get(), asio::error::operation_aborted);
}

/// Counts up to `lines`, then waits; tells when it ends.
Handler counting(int lines, std::promise<void>& ended) {
  return [lines, &ended](Request) -> asio::awaitable<Response> {
    Response response;
    response.stream = [lines, &ended](LineWriter& writer) -> asio::awaitable<void> {
      try {
        for (int i = 0; i < lines; ++i) {
          auto line = writer.write(std::to_string(i));
          co_await std::move(line);
        }
        auto waiting = wait_forever();
        co_await std::move(waiting);
      } catch (const boost::system::system_error&) {
        ended.set_value();
        throw;
      }
    };
    co_return response;
  };
}

TEST(HttpStream, EndsWhenTheClientGoes) {
  std::promise<void> ended;
  HttpHost host(counting(3, ended));
  Wire wire(host.path());
  wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(wire.read_until("2\n"), HasSubstr("Transfer-Encoding: chunked"));
  wire.close();
  ended.get_future().wait();
}

TEST(HttpStream, EndsWhenAClientThatDoesNotReadGoes) {
  std::promise<void> ended;
  HttpHost host(counting(1'000'000, ended));
  Wire wire(host.path());
  wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(wire.read_until("10\n"), HasSubstr("9\n"));
  wire.close();
  ended.get_future().wait();
}

TEST(HttpStream, IsPlainForAnOldClient) {
  HttpHost host([](Request) -> asio::awaitable<Response> {
    Response response;
    response.stream = [](LineWriter& writer) -> asio::awaitable<void> {
      auto line = writer.write("{}");
      co_await std::move(line);
    };
    co_return response;
  });
  EXPECT_THAT(ask(host, "GET / HTTP/1.0\r\n\r\n"), testing::EndsWith("\r\n\r\n{}\n"));
}

TEST(HttpStream, EndsWithTheErrorOfItsProducer) {
  HttpHost host([](Request) -> asio::awaitable<Response> {
    Response response;
    response.stream = [](LineWriter& writer) -> asio::awaitable<void> {
      auto line = writer.write("{}");
      co_await std::move(line);
      throw_conflict("cannot go on");
    };
    co_return response;
  });
  const auto answer = ask(host, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("\"message\":\"cannot go on\""));
  EXPECT_THAT(answer, testing::EndsWith("0\r\n\r\n"));
}

TEST(HttpServer, FinishesAnswersAndEndsStreamsWhenItShutsDown) {
  std::promise<void> ended;
  std::promise<void> waiting;
  asio::steady_timer* go = nullptr;
  const auto stream = counting(1, ended);
  HttpHost host([&](Request request) -> asio::awaitable<Response> {
    if (request.path == "/stream") {
      auto answer = stream(std::move(request));
      co_return co_await std::move(answer);
    }
    asio::steady_timer timer(co_await asio::this_coro::executor,
                             asio::steady_timer::time_point::max());
    go = &timer;
    waiting.set_value();
    try {
      co_await timer.async_wait(asio::use_awaitable);
    } catch (const boost::system::system_error&) {
    }
    co_return Response{};
  });
  Wire streaming(host.path());
  streaming.send("GET /stream HTTP/1.1\r\n\r\n");
  streaming.read_until("0\n");
  Wire idle(host.path());
  idle.send("GET / HTTP/1.1\r\n\r\n");
  waiting.get_future().wait();

  auto down = std::async(std::launch::async, [&] { host.shut_down(10s); });
  EXPECT_THAT(streaming.read_all(), testing::EndsWith("0\r\n\r\n"));
  EXPECT_EQ(down.wait_for(0s), std::future_status::timeout);
  asio::post(host.io(), [&] { go->cancel(); });
  EXPECT_THAT(idle.read_all(), StartsWith("HTTP/1.1 200"));
  down.get();
  EXPECT_EQ(host.connections(), 0U);
  EXPECT_FALSE(connect_unix(host.path()));
}

TEST(HttpServer, CutsWhatDoesNotEndInTime) {
  std::promise<void> started;
  HttpHost host([&](Request) -> asio::awaitable<Response> {
    started.set_value();
    auto waiting = wait_forever();
    co_await std::move(waiting);
    co_return Response{};
  });
  Wire wire(host.path());
  wire.send(post("/", "{}"));
  started.get_future().wait();
  host.shut_down(10ms);
  EXPECT_EQ(wire.read_all(), "");
}

}  // namespace
}  // namespace tinet
