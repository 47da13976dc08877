#include "tests/kernel/endpoints.h"

#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>

#include "src/base/error.h"

namespace tinet::testing {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const IpAddress& address, std::uint16_t port) {
  SocketAddress result;
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes().data(), sizeof v4.sin_addr);
    std::memcpy(&result.storage, &v4, sizeof v4);
    result.length = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes().data(), sizeof v6.sin6_addr);
    std::memcpy(&result.storage, &v6, sizeof v6);
    result.length = sizeof v6;
  }
  return result;
}

int pending_error(const UniqueFd& fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

}  // namespace

IpAddress address_of(std::size_t instance, int family) {
  return family == AF_INET ? IpAddress::v4(SmallNetwork::address(instance))
                           : SmallNetwork::address6(instance);
}

UniqueFd tcp_listener(SmallNetwork& network, std::size_t instance, int family, std::uint16_t port) {
  UniqueFd fd = network.thread.open_socket(network.spaces[instance], family, SOCK_STREAM, 0);
  const auto own = socket_address(address_of(instance, family), port);
  if (::bind(fd.get(), own.get(), own.length) < 0 || ::listen(fd.get(), 16) < 0) {
    const int error = errno;
    throw_errno(error, "cannot listen");
  }
  return fd;
}

Connected tcp_connect(SmallNetwork& network, std::size_t from, std::size_t to, int family,
                      std::uint16_t port, int wait_ms) {
  Connected result;
  result.fd =
      network.thread.open_socket(network.spaces[from], family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const auto target = socket_address(address_of(to, family), port);
  if (::connect(result.fd.get(), target.get(), target.length) == 0) {
    return result;
  }
  result.error = errno;
  if (result.error != EINPROGRESS) {
    return result;
  }
  pollfd waiting{result.fd.get(), POLLOUT, 0};
  result.error = ::poll(&waiting, 1, wait_ms) == 1 ? pending_error(result.fd) : ETIMEDOUT;
  return result;
}

UniqueFd tcp_accept(const UniqueFd& listener, int wait_ms) {
  pollfd waiting{listener.get(), POLLIN, 0};
  if (::poll(&waiting, 1, wait_ms) != 1) {
    return {};
  }
  return UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

UniqueFd udp_connected(SmallNetwork& network, std::size_t from, std::size_t to, int family,
                       std::uint16_t port) {
  UniqueFd fd =
      network.thread.open_socket(network.spaces[from], family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  const auto target = socket_address(address_of(to, family), port);
  if (::connect(fd.get(), target.get(), target.length) < 0) {
    const int error = errno;
    throw_errno(error, "cannot connect a UDP socket");
  }
  return fd;
}

int wait_readable(const UniqueFd& fd, int wait_ms) {
  pollfd waiting{fd.get(), POLLIN, 0};
  if (::poll(&waiting, 1, wait_ms) != 1) {
    return ETIMEDOUT;
  }
  return pending_error(fd);
}

int send_text(const UniqueFd& fd, std::string_view text) {
  return ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0 ? errno : 0;
}

}  // namespace tinet::testing
