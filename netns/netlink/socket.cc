#include "netns/netlink/socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "netns/netlink/align.h"
#include "src/base/error.h"

namespace tinet::netlink {
namespace {

constexpr std::size_t kReceiveStart = 64U << 10U;
constexpr int kReceiveBuffer = 1 << 20;
// What netlink_sendmsg() keeps of the send buffer for itself.
constexpr std::size_t kSendReserve = 32;

void set_option(int fd, int level, int option, int value, const char* what) {
  if (::setsockopt(fd, level, option, &value, sizeof value) < 0) {
    const int error = errno;
    throw_errno(error, std::string("cannot set ") + what + " of a netlink socket");
  }
}

/// @return nullptr when it is no netlink socket, or out of memory
mnl_socket* take_over(UniqueFd fd) {
  mnl_socket* socket = mnl_socket_fdopen(fd.get());
  if (socket != nullptr) {
    static_cast<void>(fd.release());
  }
  return socket;
}

}  // namespace

const char* hint_for(int error) noexcept {
  return error == EPERM || error == EACCES
             ? "run as root, or where unprivileged user namespaces are allowed"
             : "";
}

Socket Socket::open(int protocol, const SocketOptions& options) {
  if (const int refused = admit(options.gate, KernelCall::OpenSocket); refused != 0) {
    throw_errno(refused, "cannot open a netlink socket");
  }
  mnl_socket* socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
  if (const int error = errno; socket == nullptr) {
    throw_errno(error, "cannot open a netlink socket");
  }
  return Socket(socket, options);
}

Socket::Socket(UniqueFd fd, const SocketOptions& options)
    : Socket(take_over(std::move(fd)), options) {}

Socket::Socket(mnl_socket* socket, const SocketOptions& options)
    : socket_(socket), options_(options), buffer_(kReceiveStart) {
  if (!socket_) {
    throw_operation("cannot take over a netlink socket");
  }
  if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
    const int error = errno;
    throw_errno(error, "cannot bind a netlink socket");
  }
  set_option(fd(), SOL_NETLINK, NETLINK_EXT_ACK, 1, "extended errors");
  set_option(fd(), SOL_NETLINK, NETLINK_CAP_ACK, 1, "short answers");
  // Room for the answers to a batch; the unforced one is limited by net.core.rmem_max.
  if (::setsockopt(fd(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) < 0) {
    set_option(fd(), SOL_SOCKET, SO_RCVBUF, kReceiveBuffer, "the receive buffer");
  }
}

void Socket::Close::operator()(mnl_socket* socket) const noexcept {
  static_cast<void>(mnl_socket_close(socket));
}

int Socket::fd() const noexcept {
  return mnl_socket_get_fd(socket_.get());
}

std::uint32_t Socket::port() const noexcept {
  return mnl_socket_get_portid(socket_.get());
}

// NOLINTNEXTLINE(readability-make-member-function-const): changes the socket
void Socket::join(std::uint32_t group) {
  set_option(fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, static_cast<int>(group),
             "the multicast group");
}

bool Socket::wait_event(std::chrono::milliseconds timeout) {
  bool overflow = false;
  const bool arrived = receive(Clock::now() + timeout, overflow, "wait for a netlink event");
  discard_answers();
  return arrived || overflow;
}

void Socket::discard_answers() {
  bool overflow = false;
  while (receive_now(overflow)) {
  }
}

std::size_t Socket::send_limit() const {
  int size = 0;
  socklen_t length = sizeof size;
  if (::getsockopt(fd(), SOL_SOCKET, SO_SNDBUF, &size, &length) < 0) {
    const int error = errno;
    throw_errno(error, "cannot read the send buffer of a netlink socket");
  }
  return static_cast<std::size_t>(size) - kSendReserve;
}

// NOLINTNEXTLINE(readability-make-member-function-const): changes the socket
bool Socket::reserve_send(std::size_t bytes) {
  if (bytes <= send_limit()) {
    return true;
  }
  // The kernel doubles what it is given, so this leaves slack for the next, slightly larger batch.
  const int wanted =
      static_cast<int>(std::min<std::size_t>(bytes, std::numeric_limits<int>::max() / 2));
  if (::setsockopt(fd(), SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof wanted) < 0) {
    set_option(fd(), SOL_SOCKET, SO_SNDBUF, wanted, "the send buffer");
  }
  return bytes <= send_limit();
}

void Socket::send(std::span<const std::byte> bytes, const std::string& what) {
  if (const int refused = admit(options_.gate, KernelCall::SendRequest); refused != 0) {
    throw_errno(refused, "cannot " + what, hint_for(refused));
  }
  for (;;) {
    const ssize_t sent = mnl_socket_sendto(socket_.get(), bytes.data(), bytes.size());
    const int error = errno;
    if (sent >= 0) {
      return;
    }
    if (error == EMSGSIZE) {
      throw_operation("cannot " + what + ": " + std::to_string(bytes.size()) +
                          " bytes do not fit the send buffer",
                      "raise net.core.wmem_max");
    }
    if (error != EINTR) {
      throw_errno(error, "cannot " + what, hint_for(error));
    }
  }
}

bool Socket::receive(Clock::time_point until, bool& overflow, const std::string& what) {
  for (;;) {
    if (receive_now(overflow)) {
      return true;
    }
    if (!wait_readable(until, what)) {
      received_ = 0;
      return false;
    }
  }
}

bool Socket::wait_readable(Clock::time_point until, const std::string& what) const {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  if (left <= 0) {
    return false;
  }
  pollfd waiting{fd(), POLLIN, 0};
  const auto timeout = static_cast<int>(std::min<decltype(left)>(left, 60'000));
  if (::poll(&waiting, 1, timeout) < 0 && errno != EINTR) {
    const int error = errno;
    throw_errno(error, "cannot " + what);
  }
  return true;
}

bool Socket::receive_many(Clock::time_point until, bool& overflow, const std::string& what) {
  constexpr std::size_t kDatagrams = 64;
  constexpr std::size_t kSlot = 1024;
  static_assert(kReceiveStart >= kDatagrams * kSlot);
  std::array<mmsghdr, kDatagrams> headers{};
  std::array<iovec, kDatagrams> slots{};
  for (std::size_t i = 0; i < kDatagrams; ++i) {
    slots[i] = {buffer_.data() + i * kSlot, kSlot};
    headers[i].msg_hdr.msg_iov = &slots[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  received_ = 0;
  for (;;) {
    const int count = ::recvmmsg(fd(), headers.data(), kDatagrams, MSG_DONTWAIT, nullptr);
    if (count > 0) {
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        if ((headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0) {
          throw_operation("cannot " + what + ": the kernel's answer is longer than expected");
        }
        const std::size_t size = headers[i].msg_len;
        std::memmove(buffer_.data() + received_, buffer_.data() + i * kSlot, size);
        received_ += align4(size);
      }
      return true;
    }
    const int error = errno;
    if (error == ENOBUFS) {
      overflow = true;
    } else if (error == EAGAIN) {
      if (!wait_readable(until, what)) {
        return false;
      }
    } else if (error != EINTR) {
      throw_errno(error, "cannot read from a netlink socket");
    }
  }
}

bool Socket::receive_now(bool& overflow) {
  for (;;) {
    received_ = 0;
    // Peeking with MSG_TRUNC tells the datagram's size before any of it can be cut off.
    const ssize_t pending =
        ::recv(fd(), buffer_.data(), buffer_.size(), MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    if (pending < 0) {
      const int error = errno;
      if (error == EAGAIN) {
        return false;
      }
      if (error == ENOBUFS) {
        overflow = true;
        continue;
      }
      if (error == EINTR) {
        continue;
      }
      throw_errno(error, "cannot read from a netlink socket");
    }
    if (static_cast<std::size_t>(pending) > buffer_.size()) {
      buffer_.resize(static_cast<std::size_t>(pending));
    }
    const ssize_t size = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
    if (size > 0) {
      received_ = static_cast<std::size_t>(size);
      return true;
    }
  }
}

}  // namespace tinet::netlink
