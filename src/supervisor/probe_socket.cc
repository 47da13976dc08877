#include "src/supervisor/probe_socket.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <tuple>

#include <arpa/inet.h>
#include <netinet/udp.h>

#include "src/base/error.h"

namespace tinet {

namespace {

/// Room for what arrives between two looks: a few thousand small datagrams.
constexpr int kReceiveBuffer = 8 << 20;

void set(int fd, int level, int option, int value) {
  // Each of them only makes probes better: a kernel that refuses leaves them as they are.
  static_cast<void>(::setsockopt(fd, level, option, &value, sizeof value));
}

}  // namespace

StampTime stamp_now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

ProbeAddress::ProbeAddress(Ipv4 address, std::uint16_t port) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(address.value);
  std::memcpy(&storage_, &where, sizeof where);
}

ProbeAddress::ProbeAddress(const Ipv6& address, std::uint16_t port) {
  sockaddr_in6 where{};
  where.sin6_family = AF_INET6;
  where.sin6_port = htons(port);
  std::memcpy(&where.sin6_addr, address.bytes.data(), address.bytes.size());
  std::memcpy(&storage_, &where, sizeof where);
}

socklen_t ProbeAddress::size() const {
  return family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

bool operator<(const ProbeAddress& a, const ProbeAddress& b) {
  if (a.family() != b.family()) {
    return a.family() < b.family();
  }
  if (a.family() == AF_INET6) {
    sockaddr_in6 left{};
    sockaddr_in6 right{};
    std::memcpy(&left, &a.storage_, sizeof left);
    std::memcpy(&right, &b.storage_, sizeof right);
    const int order = std::memcmp(&left.sin6_addr, &right.sin6_addr, sizeof left.sin6_addr);
    return order != 0 ? order < 0 : left.sin6_port < right.sin6_port;
  }
  sockaddr_in left{};
  sockaddr_in right{};
  std::memcpy(&left, &a.storage_, sizeof left);
  std::memcpy(&right, &b.storage_, sizeof right);
  return std::tie(left.sin_addr.s_addr, left.sin_port) <
         std::tie(right.sin_addr.s_addr, right.sin_port);
}

ProbeSocket::ProbeSocket(Fabric& fabric, Endpoint endpoint, const ProbeAddress& address)
    : fd_(fabric.open_socket(endpoint, address.family(), SOCK_DGRAM | SOCK_NONBLOCK, 0)),
      address_(address) {
  set(fd_.get(), SOL_SOCKET, SO_TIMESTAMPNS, 1);
  set(fd_.get(), SOL_SOCKET, SO_RCVBUF, kReceiveBuffer);
  set(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBuffer);
  if (address.family() == AF_INET6) {
    set(fd_.get(), IPPROTO_UDP, UDP_NO_CHECK6_TX, 1);
    set(fd_.get(), IPPROTO_UDP, UDP_NO_CHECK6_RX, 1);
  } else {
    set(fd_.get(), SOL_SOCKET, SO_NO_CHECK, 1);
  }
  socklen_t size = address_.size();
  if (::bind(fd_.get(), address_.get(), size) != 0 ||
      ::getsockname(fd_.get(), address_.get(), &size) != 0) {
    throw_errno(errno, "cannot bind a socket for probes");
  }
}

bool ProbeSocket::send(const ProbeAddress& to, std::span<const std::byte> bytes) {
  return ::sendto(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL, to.get(), to.size()) ==
         static_cast<ssize_t>(bytes.size());
}

std::optional<ProbeSocket::Arrival> ProbeSocket::receive(std::span<std::byte> into) {
  Arrival arrival;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec))];
  iovec where{into.data(), into.size()};
  msghdr message{};
  for (;;) {
    message = {};
    message.msg_name = arrival.from.get();
    message.msg_namelen = sizeof(sockaddr_storage);
    message.msg_iov = &where;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT);
    if (size >= 0) {
      arrival.size = static_cast<std::size_t>(size);
      break;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return std::nullopt;
    }
    // What came back for an earlier probe (a refusal) is told once; datagrams may wait behind it.
  }
  arrival.at = stamp_now();
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
      timespec time{};
      std::memcpy(&time, CMSG_DATA(part), sizeof time);
      arrival.at = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    }
  }
  return arrival;
}

}  // namespace tinet
