#include "tests/unit/proxy/relay_world.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "src/base/error.h"

namespace tinet::proxy::test {

namespace {

constexpr int kPatienceMs = 20'000;

/// @return false when nothing happened in time
bool wait_for(int fd, short events, int timeout_ms) {
  pollfd entry{fd, events, 0};
  return ::poll(&entry, 1, timeout_ms) == 1;
}

}  // namespace

Peer::Peer(UniqueFd fd) : fd_(std::move(fd)) {}

Peer Peer::connect(const Endpoint& endpoint) {
  UniqueFd fd(::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0) {
    throw_errno(errno, "cannot connect to " + to_string(endpoint));
  }
  return Peer(std::move(fd));
}

void Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!wait_for(fd_.get(), POLLOUT, kPatienceMs)) {
      throw_operation("cannot send: the other side does not read");
    }
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) {
      throw_errno(errno, "cannot send");
    }
    bytes.remove_prefix(sent < 0 ? 0 : static_cast<std::size_t>(sent));
  }
}

std::string Peer::receive(std::size_t bytes) {
  std::string received(bytes, '\0');
  std::size_t got = 0;
  while (got < bytes) {
    if (!wait_for(fd_.get(), POLLIN, kPatienceMs)) {
      throw_operation("received " + std::to_string(got) + " bytes of " + std::to_string(bytes));
    }
    const ssize_t part = ::recv(fd_.get(), received.data() + got, bytes - got, 0);
    if (part < 0) {
      throw_errno(errno, "cannot receive");
    }
    if (part == 0) {
      break;
    }
    got += static_cast<std::size_t>(part);
  }
  received.resize(got);
  return received;
}

std::string Peer::receive_all() {
  std::string all;
  for (;;) {
    const std::string part = receive(1);
    if (part.empty()) {
      return all;
    }
    all += part;
    std::array<char, 65'536> buffer;
    const ssize_t more = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    all.append(buffer.data(), more > 0 ? static_cast<std::size_t>(more) : 0);
  }
}

int Peer::wait_for_end() {
  std::array<char, 65'536> buffer;
  for (;;) {
    if (!wait_for(fd_.get(), POLLIN, kPatienceMs)) {
      throw_operation("the connection did not end");
    }
    const ssize_t part = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (part <= 0) {
      return part == 0 ? 0 : errno;
    }
  }
}

bool Peer::is_silent(std::chrono::milliseconds time) {
  return !wait_for(fd_.get(), POLLIN, static_cast<int>(time.count()));
}

void Peer::finish_sending() {
  static_cast<void>(::shutdown(fd_.get(), SHUT_WR));
}

void Peer::reset() {
  proxy::reset(fd_);
}

std::size_t Peer::fill() {
  const std::string bytes(65'536, 'f');
  std::size_t total = 0;
  // The kernels on the way move bytes on for a moment after the first refusal.
  while (wait_for(fd_.get(), POLLOUT, 200)) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    total += sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }
  return total;
}

Server::Server() : fd_(listen_at({boost::asio::ip::address_v4::loopback(), 0})) {}

Peer Server::accept() {
  if (!wait_for(fd_.get(), POLLIN, kPatienceMs)) {
    throw_operation("nobody connected");
  }
  Peer peer(UniqueFd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  return peer;
}

bool Server::is_alone(std::chrono::milliseconds time) {
  return !wait_for(fd_.get(), POLLIN, static_cast<int>(time.count()));
}

RelayWorld::RelayWorld()
    : loop(std::make_unique<RelayLoop>(io_.get_executor())), work_(io_.get_executor()) {
  ListenerOptions options;
  options.bind = {boost::asio::ip::address_v4::loopback(), 0};
  options.find_upstream = proxy::dial({server.endpoint()});
  options.on_accept = [this](const Endpoint&) { return Rules{{forward, backward}, {}}; };
  listener = std::make_unique<RelayListener>(*loop, options);
  address_ = listener->endpoint();
  thread_ = std::thread([this] { io_.run(); });
}

RelayWorld::~RelayWorld() {
  on_loop([this] {
    listener.reset();
    loop.reset();
  });
  work_.reset();
  thread_.join();
}

void RelayWorld::put(RuleSet::Key key, const Rule& rule, bool is_forward) {
  on_loop([&] { (is_forward ? forward : backward)->put(key, rule); });
}

void RelayWorld::remove(RuleSet::Key key, bool is_forward) {
  on_loop([&] { (is_forward ? forward : backward)->remove(key); });
}

Counters RelayWorld::forward_count() {
  return on_loop([&] { return forward->counters(); });
}

Counters RelayWorld::backward_count() {
  return on_loop([&] { return backward->counters(); });
}

ListenerCounters RelayWorld::listener_count() {
  return on_loop([&] { return listener->counters(); });
}

std::size_t RelayWorld::open() {
  return on_loop([&] { return listener->open(); });
}

Nanoseconds RelayWorld::work_done() {
  clockid_t clock{};
  timespec time{};
  ::pthread_getcpuclockid(thread_.native_handle(), &clock);
  ::clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + Nanoseconds(time.tv_nsec);
}

RelayWorld::Pair RelayWorld::connect() {
  Pair pair;
  pair.client = dial();
  pair.service = server.accept();
  return pair;
}

std::string noise(std::size_t bytes, std::uint64_t seed) {
  Random random(seed);
  std::string text(bytes, '\0');
  for (std::size_t at = 0; at < bytes; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random.next();
    std::memcpy(text.data() + at, &word, std::min(sizeof word, bytes - at));
  }
  return text;
}

}  // namespace tinet::proxy::test
