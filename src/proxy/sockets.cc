#include "src/proxy/sockets.h"

#include <cerrno>
#include <sstream>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "src/base/error.h"

namespace tinet::proxy {

namespace {

constexpr int kBacklog = 4096;

void set(int fd, int level, int option, int value) noexcept {
  static_cast<void>(::setsockopt(fd, level, option, &value, sizeof value));
}

}  // namespace

void raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
  }
}

std::string to_string(const Endpoint& endpoint) {
  std::ostringstream text;
  text << endpoint;
  return text.str();
}

UniqueFd listen_at(const Endpoint& endpoint) {
  const std::string what = "cannot listen on '" + to_string(endpoint) + "'";
  UniqueFd fd = new_socket(endpoint.protocol().family());
  if (const int error = errno; !fd) {
    throw_errno(error, what);
  }
  set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(fd.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    const int error = errno;
    if (error == EADDRNOTAVAIL) {
      throw_unavailable(what + ": no interface of this machine has that address",
                        "loopback addresses need interface 'lo' to be up");
    }
    if (error == EADDRINUSE) {
      throw_conflict(what + ": address already in use", "another program has it, see 'ss -ltnp'");
    }
    throw_errno(error, what);
  }
  return fd;
}

Endpoint local_endpoint(int fd) {
  Endpoint endpoint;
  auto size = static_cast<socklen_t>(endpoint.capacity());
  if (::getsockname(fd, endpoint.data(), &size) != 0) {
    throw_errno(errno, "cannot tell where a socket is bound");
  }
  endpoint.resize(size);
  return endpoint;
}

std::optional<Endpoint> peer_endpoint(int fd) noexcept {
  Endpoint endpoint;
  auto size = static_cast<socklen_t>(endpoint.capacity());
  if (::getpeername(fd, endpoint.data(), &size) != 0) {
    return std::nullopt;
  }
  endpoint.resize(size);
  return endpoint;
}

UniqueFd new_socket(int family) noexcept {
  return UniqueFd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
}

int family_of(int fd) noexcept {
  int family = 0;
  socklen_t size = sizeof family;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 ? family : 0;
}

Accepted accept_from(int listener) noexcept {
  Accepted accepted;
  auto size = static_cast<socklen_t>(accepted.peer.capacity());
  accepted.fd =
      UniqueFd(::accept4(listener, accepted.peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!accepted.fd) {
    accepted.error = errno;
  } else {
    accepted.peer.resize(size);
  }
  return accepted;
}

void tune(int fd, const KeepAlive& keep_alive) noexcept {
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(keep_alive.idle.count()));
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(keep_alive.interval.count()));
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, keep_alive.probes);
}

void reset(UniqueFd& fd) noexcept {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
  fd.reset();
}

int take_error(int fd) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace tinet::proxy
