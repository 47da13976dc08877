#include "tests/kernel/fault_traffic.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include "src/base/error.h"

namespace tinet::testing {

namespace {

constexpr int kBuffer = 16 << 20;
constexpr std::uint8_t kFill = 0xa5;

struct Header {
  std::uint8_t first = kFill;  ///< what a corruption changes
  std::uint8_t unused[3]{};
  std::uint32_t number = 0;
  std::int64_t sent_ns = 0;
};

std::int64_t real_now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress address_of(const World& world, Endpoint endpoint, std::uint16_t port, int family) {
  SocketAddress result;
  if (family == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(world.plan.endpoints.at(endpoint).address.value);
    std::memcpy(&result.storage, &v4, sizeof v4);
    result.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, world.plan.endpoints.at(endpoint).address6->bytes.data(), 16);
    std::memcpy(&result.storage, &v6, sizeof v6);
    result.size = sizeof v6;
  }
  return result;
}

void check(int result, const char* what) {
  const int error = errno;
  if (result < 0) {
    throw_errno(error, std::string("cannot ") + what);
  }
}

bool wait_for(int fd, short events, std::chrono::milliseconds patience) {
  pollfd one{fd, events, 0};
  return ::poll(&one, 1, static_cast<int>(patience.count())) == 1;
}

}  // namespace

Datagrams::Datagrams(World& world, Link link, std::uint16_t port, int family)
    : receiver_(world.fabric->open_socket(link.to, family, SOCK_DGRAM, 0)),
      sender_(world.fabric->open_socket(link.from, family, SOCK_DGRAM, 0)) {
  const SocketAddress to = address_of(world, link.to, port, family);
  const int on = 1;
  check(::setsockopt(receiver_.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on), "ask for times");
  check(::setsockopt(receiver_.get(), SOL_SOCKET, SO_RCVBUF, &kBuffer, sizeof kBuffer), "buffer");
  check(::bind(receiver_.get(), to.get(), to.size), "bind");
  check(::connect(sender_.get(), to.get(), to.size), "connect");
}

std::vector<MonoTime> Datagrams::send(std::uint32_t first, std::uint32_t count,
                                      std::chrono::microseconds gap, std::size_t size) {
  std::vector<MonoTime> times;
  std::vector<std::uint8_t> payload(std::max(size, sizeof(Header)), kFill);
  auto next = std::chrono::steady_clock::now();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (gap.count() > 0) {
      std::this_thread::sleep_until(next);
      next += gap;
    }
    Header header;
    header.number = first + i;
    header.sent_ns = real_now_ns();
    times.push_back(now());
    std::memcpy(payload.data(), &header, sizeof header);
    // An ICMP error of an earlier datagram is reported here; the next call sends.
    if (::send(sender_.get(), payload.data(), payload.size(), 0) < 0) {
      static_cast<void>(::send(sender_.get(), payload.data(), payload.size(), 0));
    }
    while (take_one()) {
    }
  }
  return times;
}

bool Datagrams::take_one() {
  std::array<std::uint8_t, 2048> payload{};
  std::array<char, 256> control{};
  iovec part{payload.data(), payload.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto size = ::recvmsg(receiver_.get(), &message, MSG_DONTWAIT);
  if (size < static_cast<ssize_t>(sizeof(Header))) {
    return size >= 0;
  }
  Header header;
  std::memcpy(&header, payload.data(), sizeof header);
  Arrival arrival{header.number, {}, {}, header.first == kFill};
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level == SOL_SOCKET && one->cmsg_type == SCM_TIMESTAMPNS) {
      timespec at{};
      std::memcpy(&at, CMSG_DATA(one), sizeof at);
      arrival.at = std::chrono::nanoseconds(at.tv_sec * 1'000'000'000 + at.tv_nsec);
      arrival.took = arrival.at - std::chrono::nanoseconds(header.sent_ns);
    }
  }
  arrivals_.push_back(arrival);
  return true;
}

std::vector<Arrival> Datagrams::receive(std::chrono::milliseconds patience) {
  while (wait_for(receiver_.get(), POLLIN, patience)) {
    static_cast<void>(take_one());
  }
  return std::exchange(arrivals_, {});
}

std::vector<Arrival> Datagrams::exchange(std::uint32_t count, std::chrono::milliseconds patience,
                                         std::chrono::microseconds gap) {
  constexpr std::uint32_t kPortion = 500;
  std::vector<Arrival> all;
  const auto take = [&](std::chrono::milliseconds wait) {
    const auto some = receive(wait);
    all.insert(all.end(), some.begin(), some.end());
  };
  for (std::uint32_t sent = 0; sent < count; sent += kPortion) {
    send(sent, std::min(kPortion, count - sent), gap);
    take(std::chrono::milliseconds(0));
  }
  take(patience);
  return all;
}

int Datagrams::sender_error() const {
  int error = 0;
  socklen_t size = sizeof error;
  check(::getsockopt(sender_.get(), SOL_SOCKET, SO_ERROR, &error, &size), "read an error");
  return error;
}

Listener::Listener(World& world, Endpoint endpoint, std::uint16_t port, int family)
    : world_(world),
      endpoint_(endpoint),
      port_(port),
      family_(family),
      socket_(world.fabric->open_socket(endpoint, family, SOCK_STREAM, 0)) {
  const SocketAddress own = address_of(world, endpoint, port, family);
  check(::bind(socket_.get(), own.get(), own.size), "bind");
  check(::listen(socket_.get(), 64), "listen");
}

Dialled Listener::dial(Endpoint from, std::chrono::milliseconds patience) {
  client_ = world_.fabric->open_socket(from, family_, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const SocketAddress to = address_of(world_, endpoint_, port_, family_);
  int error = ::connect(client_.get(), to.get(), to.size) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    if (!wait_for(client_.get(), POLLOUT, patience)) {
      return Dialled::TimedOut;
    }
    socklen_t size = sizeof error;
    check(::getsockopt(client_.get(), SOL_SOCKET, SO_ERROR, &error, &size), "read an error");
  }
  switch (error) {
    case 0:
      return Dialled::Connected;
    case ECONNREFUSED:
      return Dialled::Refused;
    case EHOSTUNREACH:
    case ENETUNREACH:
      return Dialled::Unreachable;
    default:
      throw_errno(error, "cannot dial");
  }
}

Stream Listener::take() {
  Stream stream;
  stream.client = std::move(client_);
  stream.server = UniqueFd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  check(stream.server.get(), "accept");
  return stream;
}

}  // namespace tinet::testing
