#include "tests/bench/relay_load.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/base/unique_fd.h"

namespace tinet::bench {

namespace {

using Clock = std::chrono::steady_clock;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

const sockaddr* plain(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // NOLINT: the sockets API
}

void send_at_once(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void watch(int set, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  ::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

/// What has arrived on a connection. @return false when it has ended
bool take(int fd, char& mode) {
  static std::array<char, 256U << 10U> buffer;
  const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
  if (got <= 0) {
    return false;
  }
  std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
  if (mode == 0) {
    mode = bytes.front();
    bytes.remove_prefix(1);
  }
  if (mode == 'e' && !bytes.empty()) {
    ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  } else if (mode == 's' && bytes.ends_with('\n')) {
    ::send(fd, "k", 1, MSG_NOSIGNAL);
  }
  return true;
}

[[noreturn]] void serve(int listener) {
  std::map<int, char> modes;
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  watch(set, listener, EPOLLIN);
  for (;;) {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(set, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events.at(static_cast<std::size_t>(i)).data.fd;
      if (fd == listener) {
        const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        send_at_once(accepted);
        watch(set, accepted, EPOLLIN);
      } else if (!take(fd, modes[fd])) {
        modes.erase(fd);
        ::close(fd);
      }
    }
  }
}

UniqueFd connect_to(std::uint16_t port, char mode) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (::connect(fd.get(), plain(address), sizeof address) != 0) {
    throw_errno(errno, "cannot connect to port " + std::to_string(port));
  }
  send_at_once(fd.get());
  if (::send(fd.get(), &mode, 1, MSG_NOSIGNAL) != 1) {
    throw_errno(errno, "cannot send to port " + std::to_string(port));
  }
  return fd;
}

}  // namespace

pid_t start_server(std::uint16_t port) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (::bind(listener.get(), plain(address), sizeof address) != 0 ||
      ::listen(listener.get(), 4096) != 0) {
    throw_errno(errno, "cannot listen on port " + std::to_string(port));
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    serve(listener.get());
  }
  return pid;
}

Throughput stream(std::uint16_t port, std::size_t connections, std::size_t size,
                  std::chrono::milliseconds time) {
  const std::string message(size, 'x');
  const UniqueFd set(::epoll_create1(EPOLL_CLOEXEC));
  std::vector<UniqueFd> clients;
  for (std::size_t i = 0; i < connections; ++i) {
    clients.push_back(connect_to(port, 's'));
    watch(set.get(), clients.back().get(), EPOLLOUT);
  }
  Throughput result;
  const auto start = Clock::now();
  while (Clock::now() < start + time) {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(set.get(), events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < count; ++i) {
      const int fd = events.at(static_cast<std::size_t>(i)).data.fd;
      const ssize_t sent = ::send(fd, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      result.bytes += sent > 0 ? static_cast<double>(sent) : 0;
    }
  }
  for (const UniqueFd& client : clients) {
    if (::send(client.get(), "\n", 1, MSG_NOSIGNAL) != 1) {
      throw_errno(errno, "cannot send to port " + std::to_string(port));
    }
  }
  for (const UniqueFd& client : clients) {
    char answer = 0;
    if (::recv(client.get(), &answer, 1, 0) != 1) {
      throw_operation("no answer from port " + std::to_string(port));
    }
  }
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

RoundTrips ping(std::uint16_t port, std::size_t size, std::chrono::milliseconds time) {
  const UniqueFd client = connect_to(port, 'e');
  const std::string message(size, 'x');
  std::string answer(size, '\0');
  std::vector<double> times;
  const auto end = Clock::now() + time;
  while (Clock::now() < end) {
    const auto start = Clock::now();
    if (::send(client.get(), message.data(), size, MSG_NOSIGNAL) != static_cast<ssize_t>(size) ||
        ::recv(client.get(), answer.data(), size, MSG_WAITALL) != static_cast<ssize_t>(size)) {
      throw_operation("no answer from port " + std::to_string(port));
    }
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  return {.median_us = times.at(times.size() / 2), .p99_us = times.at(times.size() * 99 / 100)};
}

}  // namespace tinet::bench
