#include "src/client/client.h"

#include <csignal>
#include <future>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/api/state_dir.h"
#include "src/base/error.h"
#include "tests/support/http_host.h"

namespace tinet {
namespace {

namespace asio = boost::asio;
using test::HttpHost;
using test::TempDir;
using testing::HasSubstr;

asio::awaitable<Response> echo(Request request) {
  Response response;
  response.document = {{"method", request.method},
                       {"path", request.path},
                       {"body", request.body},
                       {"fds", request.fds.size()}};
  co_return response;
}

template <typename Action>
Error error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorKind::Check, "");
}

TEST(Client, GetsAndPostsDocuments) {
  HttpHost host(echo);
  const auto client = Client::connect(host.cluster());
  EXPECT_EQ(client.get("/v1/status"),
            boost::json::parse(R"({"method":"GET","path":"/v1/status","body":null,"fds":0})"));
  EXPECT_EQ(
      client.post("/v1/heal", {{"ids", {"f1"}}}),
      boost::json::parse(R"({"method":"POST","path":"/v1/heal","body":{"ids":["f1"]},"fds":0})"));
}

TEST(Client, TakesLargeAnswersAndSendsLargeBodies) {
  const std::string big(3U << 20U, 'x');
  HttpHost host([&](Request request) -> asio::awaitable<Response> {
    Response response;
    response.document = request.body.is_string() ? request.body : boost::json::value(big);
    co_return response;
  });
  const auto client = Client::connect(host.cluster());
  EXPECT_EQ(client.get("/"), boost::json::value(big));
  const boost::json::value half(std::string(1U << 19U, 'y'));
  EXPECT_EQ(client.post("/", half), half);
}

TEST(Client, SeesTheRefusalOfABodyThatIsTooLarge) {
  HttpHost host(echo);
  const auto client = Client::connect(host.cluster());
  const auto error = error_of([&] {
    static_cast<void>(client.post("/", boost::json::value(std::string(8U << 20U, 'x'))));
  });
  EXPECT_EQ(error.kind(), ErrorKind::Usage);
  EXPECT_THAT(error.what(), HasSubstr("too large"));
}

TEST(Client, PassesDescriptors) {
  HttpHost host(echo);
  const auto client = Client::connect(host.cluster());
  const auto answer = client.post("/", nullptr, {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO});
  EXPECT_EQ(answer.at("fds"), 3);
}

TEST(Client, ThrowsTheSupervisorsErrors) {
  HttpHost host([](Request) -> asio::awaitable<Response> {
    Error error(ErrorKind::Conflict, "role 'pd-leader' is vacant", "wait");
    error.about("pd-0", "tail");
    throw error;
    co_return Response{};
  });
  const auto client = Client::connect(host.cluster());
  for (const auto& error : {error_of([&] { static_cast<void>(client.get("/")); }),
                            error_of([&] { static_cast<void>(client.post("/", nullptr)); }),
                            error_of([&] { client.stream("/", [](auto) { return true; }); })}) {
    EXPECT_EQ(error.kind(), ErrorKind::Conflict);
    EXPECT_STREQ(error.what(), "role 'pd-leader' is vacant");
    EXPECT_EQ(error.hint(), "wait");
    EXPECT_EQ(error.instance(), "pd-0");
    EXPECT_EQ(error.log_tail(), "tail");
  }
}

Handler counting(int lines, bool fails) {
  return [lines, fails](Request) -> asio::awaitable<Response> {
    Response response;
    response.stream = [lines, fails](LineWriter& writer) -> asio::awaitable<void> {
      for (int i = 0; i < lines; ++i) {
        auto line = writer.write("{\"n\":" + std::to_string(i) + "}");
        co_await std::move(line);
      }
      if (fails) {
        throw_operation("the well ran dry");
      }
    };
    co_return response;
  };
}

TEST(ClientStream, GivesEveryLineOnce) {
  HttpHost host(counting(10'000, false));
  const auto client = Client::connect(host.cluster());
  int next = 0;
  client.stream("/", [&](std::string_view line) {
    EXPECT_EQ(line, "{\"n\":" + std::to_string(next++) + "}");
    return true;
  });
  EXPECT_EQ(next, 10'000);
}

TEST(ClientStream, StopsWhenToldTo) {
  HttpHost host(counting(1'000'000, false));
  const auto client = Client::connect(host.cluster());
  int seen = 0;
  client.stream("/", [&](std::string_view) { return ++seen < 3; });
  EXPECT_EQ(seen, 3);
}

TEST(ClientStream, ThrowsAnErrorThatComesLate) {
  HttpHost host(counting(2, true));
  const auto client = Client::connect(host.cluster());
  int seen = 0;
  const auto error = error_of([&] {
    client.stream("/", [&](std::string_view) {
      ++seen;
      return true;
    });
  });
  EXPECT_STREQ(error.what(), "the well ran dry");
  EXPECT_EQ(seen, 2);
}

TEST(Client, EndsAtAnInterrupt) {
  std::promise<void> asked;
  HttpHost host([&](Request) -> asio::awaitable<Response> {
    asked.set_value();
    asio::steady_timer never(co_await asio::this_coro::executor,
                             asio::steady_timer::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
    co_return Response{};
  });
  const Interrupt interrupt;
  const auto client = Client::connect(host.cluster(), &interrupt);
  const auto presser = std::async(std::launch::async, [&] {
    asked.get_future().wait();
    ::raise(SIGINT);
  });
  const auto error = error_of([&] { static_cast<void>(client.get("/")); });
  EXPECT_EQ(error.kind(), ErrorKind::Interrupted);
  EXPECT_TRUE(interrupt.raised());
}

TEST(Client, SaysSoWhenTheSupervisorEndsMeanwhile) {
  std::promise<void> asked;
  HttpHost host([&](Request) -> asio::awaitable<Response> {
    asked.set_value();
    asio::steady_timer never(co_await asio::this_coro::executor,
                             asio::steady_timer::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
    co_return Response{};
  });
  const auto client = Client::connect(host.cluster());
  const auto killer = std::async(std::launch::async, [&] {
    asked.get_future().wait();
    host.shut_down(std::chrono::milliseconds(1));
  });
  const auto error = error_of([&] { static_cast<void>(client.get("/")); });
  EXPECT_EQ(error.kind(), ErrorKind::Operation);
  EXPECT_THAT(error.what(), HasSubstr("'test'"));
}

TEST(Client, IsAConflictWithoutALivingCluster) {
  const TempDir dir;
  StateBases bases{
      .root = dir / "run", .xdg_runtime_dir = "", .run_user = dir / "u", .tmp = dir / "t"};
  const uid_t me = ::geteuid();
  const auto absent = error_of([&] { static_cast<void>(require_cluster(me, "one", bases)); });
  EXPECT_EQ(absent.kind(), ErrorKind::Conflict);
  EXPECT_EQ(absent.hint(), "start one with: tinet start");

  const auto state =
      StateDir::create(state_path(me, "two", false, bases), {.uid = me, .gid = ::getegid()});
  const auto other = error_of([&] { static_cast<void>(require_cluster(me, "one", bases)); });
  EXPECT_THAT(other.hint(), HasSubstr("tinet list"));

  const auto silent =
      error_of([&] { static_cast<void>(Client::connect(require_cluster(me, "two", bases))); });
  EXPECT_EQ(silent.kind(), ErrorKind::Conflict);
  EXPECT_THAT(silent.what(), HasSubstr("'two'"));

  auto dead = require_cluster(me, "two", bases);
  dead.alive = false;
  const auto gone = error_of([&] { static_cast<void>(Client::connect(dead)); });
  EXPECT_EQ(gone.kind(), ErrorKind::Conflict);
  EXPECT_THAT(gone.hint(), HasSubstr("tinet cleanup"));
}

TEST(Client, ReachesASocketWhosePathIsTooLongForTheKernel) {
  const TempDir dir;
  const std::string path = dir / std::string(150, 'd');
  ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
  const auto listener = listen_unix(path + "/control.sock", ::geteuid());
  EXPECT_TRUE(connect_unix(path + "/control.sock"));
}

TEST(SignalPipe, GivesSignalsInOrderAndRestoresTheOldAction) {
  struct sigaction before {};
  ::sigaction(SIGUSR1, nullptr, &before);
  {
    SignalPipe pipe({SIGUSR1, SIGUSR2});
    EXPECT_EQ(pipe.take(), std::nullopt);
    ::raise(SIGUSR2);
    ::raise(SIGUSR1);
    EXPECT_EQ(pipe.take(), SIGUSR2);
    EXPECT_EQ(pipe.take(), SIGUSR1);
    EXPECT_EQ(pipe.take(), std::nullopt);
  }
  struct sigaction after {};
  ::sigaction(SIGUSR1, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
}

}  // namespace
}  // namespace tinet
