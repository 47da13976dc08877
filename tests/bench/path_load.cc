#include "tests/bench/path_load.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>

#include "src/base/error.h"

namespace tinet::bench {

namespace {

using Clock = std::chrono::steady_clock;

/// What nobody interrupts for this long is broken, not slow.
constexpr timeval kPatience{20, 0};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Connection {
  UniqueFd sender;
  UniqueFd receiver;
};

Connection connect(const Path& path) {
  const UniqueFd listener = socket_in(path.to, SOCK_STREAM);
  Connection connection{socket_in(path.from, SOCK_STREAM), {}};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPathPort);
  address.sin_addr.s_addr = htonl(path.address.value);
  const auto* plain = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(listener.get(), plain, sizeof address) != 0 || ::listen(listener.get(), 1) != 0 ||
      ::connect(connection.sender.get(), plain, sizeof address) != 0) {
    const int error = errno;
    throw_errno(error, "cannot connect through '" + path.name + "'");
  }
  // Options are the listener's.
  connection.receiver.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (const int error = errno; !connection.receiver) {
    throw_errno(error, "cannot accept through '" + path.name + "'");
  }
  return connection;
}

[[noreturn]] void throw_stuck(const Path& path) {
  const int error = errno;
  throw_errno(error, "nothing more came through '" + path.name + "'");
}

}  // namespace

/// A socket stays in the namespace it was made in, whoever uses it.
UniqueFd socket_in(int space, int type) {
  UniqueFd socket;
  int error = 0;
  std::thread maker([&] {
    if (::setns(space, CLONE_NEWNET) == 0) {
      socket.reset(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    }
    error = errno;
  });
  maker.join();
  if (!socket) {
    throw_errno(error, "cannot make a socket in a namespace");
  }
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  return socket;
}

double throughput(const Path& path, std::chrono::milliseconds time) {
  const Connection connection = connect(path);
  const auto start = Clock::now();
  std::thread sending([&] {
    const std::array<char, 128U << 10U> block{};
    while (Clock::now() < start + time &&
           ::send(connection.sender.get(), block.data(), block.size(), MSG_NOSIGNAL) > 0) {
    }
    ::shutdown(connection.sender.get(), SHUT_WR);
  });
  std::vector<char> block(256U << 10U);
  double bytes = 0;
  ssize_t got = 0;
  while ((got = ::recv(connection.receiver.get(), block.data(), block.size(), 0)) > 0) {
    bytes += static_cast<double>(got);
  }
  const double seconds = seconds_since(start);
  sending.join();
  if (got < 0) {
    throw_stuck(path);
  }
  return bytes * 8 / seconds / 1e9;
}

double round_trip(const Path& path, std::chrono::milliseconds time) {
  const Connection connection = connect(path);
  std::thread answering([&] {
    char byte = 0;
    while (::recv(connection.receiver.get(), &byte, 1, 0) == 1 &&
           ::send(connection.receiver.get(), &byte, 1, MSG_NOSIGNAL) == 1) {
    }
  });
  std::vector<double> times;
  const auto end = Clock::now() + time;
  bool is_stuck = false;
  while (!is_stuck && Clock::now() < end) {
    const auto start = Clock::now();
    char byte = 'x';
    is_stuck = ::send(connection.sender.get(), &byte, 1, MSG_NOSIGNAL) != 1 ||
               ::recv(connection.sender.get(), &byte, 1, 0) != 1;
    times.push_back(seconds_since(start) * 1e6);
  }
  ::shutdown(connection.sender.get(), SHUT_RDWR);
  answering.join();
  if (is_stuck) {
    throw_operation("no answer through '" + path.name + "'");
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

}  // namespace tinet::bench
