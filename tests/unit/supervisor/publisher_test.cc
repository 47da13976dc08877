#include "src/supervisor/publisher.h"

#include <atomic>
#include <future>
#include <random>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"

namespace tinet {
namespace {

namespace asio = boost::asio;
using testing::HasSubstr;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

UniqueFd tcp_socket() {
  return UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

std::uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

/// The service behind the published port.
struct Service {
  UniqueFd listener = tcp_socket();
  std::uint16_t port = 0;

  Service() {
    const auto any = loopback(0);
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
    EXPECT_EQ(::listen(listener.get(), 64), 0);
    port = port_of(listener.get());
  }
  [[nodiscard]] UniqueFd accept() const {
    return UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
};

/// A Publisher with its loop in a thread.
class Host {
 public:
  explicit Host(std::uint16_t service_port, std::size_t connections_max = 1024) {
    PublisherOptions options;
    options.name = "tidb-0:client";
    options.address = Ipv4{INADDR_LOOPBACK};
    options.service_port = service_port;
    options.connections_max = connections_max;
    publisher_ = std::make_unique<Publisher>(io_.get_executor(), options, tcp_socket);
    thread_ = std::thread([this] { io_.run(); });
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  Host(Host&&) = delete;
  Host& operator=(Host&&) = delete;
  ~Host() {
    stop();
    work_.reset();
    thread_.join();
  }

  void stop() {
    asio::post(io_, asio::use_future([this] { publisher_.reset(); })).get();
  }
  [[nodiscard]] UniqueFd connect() const {
    UniqueFd socket = tcp_socket();
    const auto address = loopback(publisher_->port());
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    return socket;
  }
  [[nodiscard]] std::size_t connections() {
    return asio::post(io_, asio::use_future([this] { return publisher_->connections(); })).get();
  }

 private:
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::unique_ptr<Publisher> publisher_;
  std::thread thread_;
};

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto count = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    ASSERT_GT(count, 0);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string read_all(int fd) {
  std::string text;
  char buffer[16 * 1024];
  for (;;) {
    const auto count = ::read(fd, buffer, sizeof buffer);
    if (count <= 0) {
      EXPECT_EQ(count, 0);
      return text;
    }
    text.append(buffer, static_cast<std::size_t>(count));
  }
}

std::string random_text(std::size_t size) {
  std::mt19937 random(7);
  std::string text(size, '\0');
  for (char& c : text) {
    c = static_cast<char>(random());
  }
  return text;
}

/// errno of a read that fails; 0 when it doesn't.
int read_error(int fd) {
  char byte = 0;
  return ::read(fd, &byte, 1) < 0 ? errno : 0;
}

TEST(Publisher, CarriesEveryByteBothWaysThroughAHalfClose) {
  const Service service;
  Host host(service.port);
  const auto client = host.connect();
  const auto server = service.accept();
  const std::string question = random_text(3'000'001);
  const std::string answer = random_text(5'000'003);

  auto asked = std::async(std::launch::async, [&] {
    write_all(client.get(), question);
    ::shutdown(client.get(), SHUT_WR);
  });
  EXPECT_TRUE(read_all(server.get()) == question);
  asked.get();
  // The client has said all it had to say and still hears the answer.
  auto answered = std::async(std::launch::async, [&] {
    write_all(server.get(), answer);
    ::shutdown(server.get(), SHUT_WR);
  });
  EXPECT_TRUE(read_all(client.get()) == answer);
  answered.get();
}

TEST(Publisher, PassesTheServersEndOnWhileTheClientStillWrites) {
  const Service service;
  Host host(service.port);
  const auto client = host.connect();
  const auto server = service.accept();
  ::shutdown(server.get(), SHUT_WR);
  EXPECT_EQ(read_all(client.get()), "");
  write_all(client.get(), "still here");
  ::shutdown(client.get(), SHUT_WR);
  EXPECT_EQ(read_all(server.get()), "still here");
}

TEST(Publisher, ResetsWhenTheServiceRefuses) {
  std::uint16_t nobody = 0;
  {
    const Service gone;
    nobody = gone.port;
  }
  Host host(nobody);
  const auto client = host.connect();
  EXPECT_EQ(read_error(client.get()), ECONNRESET);
}

TEST(Publisher, PassesAResetOnInBothDirections) {
  const Service service;
  Host host(service.port);
  const linger at_once{1, 0};
  auto client = host.connect();
  auto server = service.accept();
  ::setsockopt(server.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  server.reset();
  EXPECT_EQ(read_error(client.get()), ECONNRESET);

  client = host.connect();
  server = service.accept();
  ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  client.reset();
  EXPECT_EQ(read_error(server.get()), ECONNRESET);
}

TEST(Publisher, HoldsAWriterUpWhoseReaderDoesNotRead) {
  const Service service;
  Host host(service.port);
  const auto client = host.connect();
  const auto server = service.accept();
  ASSERT_EQ(::fcntl(client.get(), F_SETFL, O_NONBLOCK), 0);
  const std::string block(1U << 20U, 'x');
  std::size_t taken = 0;
  pollfd writable{client.get(), POLLOUT, 0};
  while (::poll(&writable, 1, 200) == 1 && taken < (256U << 20U)) {
    const auto count = ::send(client.get(), block.data(), block.size(), MSG_NOSIGNAL);
    taken += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  // Only the kernel's socket buffers and ours are in between.
  EXPECT_LT(taken, 64U << 20U);
}

TEST(Publisher, QueuesConnectionsBeyondItsLimit) {
  const Service service;
  Host host(service.port, 2);
  auto first = host.connect();
  const auto first_server = service.accept();
  const auto second = host.connect();
  const auto second_server = service.accept();
  const auto third = host.connect();
  write_all(third.get(), "hello");
  EXPECT_EQ(host.connections(), 2U);
  ::shutdown(first_server.get(), SHUT_WR);
  first.reset();
  const auto third_server = service.accept();
  ::shutdown(third.get(), SHUT_WR);
  EXPECT_EQ(read_all(third_server.get()), "hello");
}

TEST(Publisher, ResetsEverythingWhenItEnds) {
  const Service service;
  Host host(service.port);
  const auto client = host.connect();
  const auto server = service.accept();
  write_all(client.get(), "x");
  char byte = 0;
  ASSERT_EQ(::read(server.get(), &byte, 1), 1);
  host.stop();
  EXPECT_EQ(read_error(client.get()), ECONNRESET);
  EXPECT_EQ(read_error(server.get()), ECONNRESET);
}

TEST(Publisher, IsAConflictNamingAnExplicitPortThatIsTaken) {
  const Service taken;
  asio::io_context io;
  try {
    const Publisher publisher(io.get_executor(),
                              {.name = "pd-0:client", .port = taken.port, .explicit_port = true},
                              tcp_socket);
    FAIL() << "took a port twice";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Conflict);
    EXPECT_THAT(error.what(), HasSubstr("port " + std::to_string(taken.port)));
    EXPECT_THAT(error.what(), HasSubstr("'pd-0:client'"));
  }
}

TEST(Publisher, MovesADefaultPortThatIsTakenAndSaysSo) {
  const Service taken;
  asio::io_context io;
  const Publisher publisher(io.get_executor(), {.name = "pd-0:client", .port = taken.port},
                            tcp_socket);
  EXPECT_GT(publisher.port(), taken.port);
  EXPECT_THAT(publisher.note(), HasSubstr("port " + std::to_string(taken.port) + " is taken"));
  EXPECT_THAT(publisher.note(), HasSubstr("127.0.0.1:" + std::to_string(publisher.port())));
}

}  // namespace
}  // namespace tinet
