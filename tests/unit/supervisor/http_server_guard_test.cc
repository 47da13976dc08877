/// What the server lets in: descriptors that travel with a request, and whom it answers at all.

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/http_wire.h"

namespace tinet {
namespace {

namespace asio = boost::asio;
using test::body_of;
using test::echo;
using test::HttpHost;
using test::post;
using test::Wire;
using testing::StartsWith;

/// True once every copy of the pipe's write end is closed.
bool is_closed_at_the_other_end(int read_end) {
  pollfd state{read_end, POLLIN, 0};
  return ::poll(&state, 1, 5'000) == 1 && (state.revents & POLLHUP) != 0;
}

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
  }
};

TEST(HttpServer, HandsOverDescriptorsAndClosesThoseNotTaken) {
  Pipe pipe;
  HttpHost host([](Request request) -> asio::awaitable<Response> {
    Response response;
    response.document = request.fds.size();
    for (const auto& fd : request.fds) {
      EXPECT_EQ(::fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
      EXPECT_EQ(::write(fd.get(), "x", 1), 1);
    }
    co_return response;
  });
  Wire wire(host.path());
  wire.send(post("/", "{}"), {pipe.write_end.get(), pipe.write_end.get()});
  pipe.write_end.reset();
  EXPECT_EQ(body_of(wire.read_all()), 2);
  char text[3];
  EXPECT_EQ(::read(pipe.read_end.get(), text, sizeof text), 2);
  EXPECT_TRUE(is_closed_at_the_other_end(pipe.read_end.get()));
}

TEST(HttpServer, RefusesTooManyDescriptors) {
  Pipe pipe;
  HttpHost host(echo);
  Wire wire(host.path());
  const std::vector<int> eight(kDescriptorsMax, pipe.write_end.get());
  wire.send("POST / HTTP/1.1\r\n", eight);
  wire.send("Connection: close\r\n\r\n", {pipe.write_end.get()});
  pipe.write_end.reset();
  EXPECT_THAT(wire.read_all(), StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(is_closed_at_the_other_end(pipe.read_end.get()));
}

TEST(HttpServer, ClosesDescriptorsOfARequestThatNeverCompletes) {
  Pipe pipe;
  HttpHost host(echo);
  Wire wire(host.path());
  wire.send("POST / HT", {pipe.write_end.get()});
  pipe.write_end.reset();
  wire.close();
  EXPECT_TRUE(is_closed_at_the_other_end(pipe.read_end.get()));
}

TEST(HttpServer, ClosesStrangersUnanswered) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root to be somebody else";
  }
  HttpHost host(echo);
  // The socket's mode keeps strangers out already; here it would let them in.
  ASSERT_EQ(::chmod(host.path().c_str(), 0666), 0);
  ASSERT_EQ(::chmod(host.cluster().path.c_str(), 0755), 0);
  const pid_t stranger = ::fork();
  if (stranger == 0) {
    const bool is_other =
        ::setgroups(0, nullptr) == 0 && ::setgid(65534) == 0 && ::setuid(65534) == 0;
    const UniqueFd socket = connect_unix(host.path());
    static_cast<void>(send_message(socket.get(), "GET / HTTP/1.0\r\n\r\n", {}));
    char byte = 0;
    ::_exit(is_other && socket && ::read(socket.get(), &byte, 1) <= 0 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(stranger, &status, 0), stranger);
  EXPECT_EQ(status, 0);
}

TEST(HttpServer, MakesItsSocketPrivate) {
  HttpHost host(echo);
  struct stat attributes {};
  ASSERT_EQ(::stat(host.path().c_str(), &attributes), 0);
  EXPECT_EQ(attributes.st_mode & 07777U, 0600U);
}

}  // namespace
}  // namespace tinet
