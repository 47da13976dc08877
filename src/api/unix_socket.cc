#include "src/api/unix_socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "src/base/error.h"

namespace tinet {

namespace {

/// A socket address for a path of any length: a long one goes through the directory's descriptor.
struct Address {
  sockaddr_un un{};
  UniqueFd directory;
  bool is_valid = false;

  explicit Address(const std::string& path) noexcept {
    un.sun_family = AF_UNIX;
    std::array<char, sizeof un.sun_path> shortened{};
    const char* name = path.c_str();
    if (path.size() >= sizeof un.sun_path) {
      const auto slash = path.rfind('/');
      if (slash == std::string::npos) {
        errno = ENAMETOOLONG;
        return;
      }
      directory.reset(::open(path.substr(0, slash).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      const int length = std::snprintf(shortened.data(), shortened.size(), "/proc/self/fd/%d/%s",
                                       directory.get(), path.c_str() + slash + 1);
      if (!directory || length < 0 || static_cast<std::size_t>(length) >= shortened.size()) {
        return;
      }
      name = shortened.data();
    }
    std::strncpy(un.sun_path, name, sizeof un.sun_path - 1);
    is_valid = true;
  }
  [[nodiscard]] const sockaddr* get() const noexcept {
    return reinterpret_cast<const sockaddr*>(&un);
  }
};

UniqueFd open_unix(int flags) noexcept {
  return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
}

/// Room for kDescriptorsMax descriptors, aligned as control messages must be.
struct alignas(cmsghdr) ControlBuffer {
  std::array<char, CMSG_SPACE(sizeof(int) * kDescriptorsMax)> bytes{};
};

}  // namespace

UniqueFd listen_unix(const std::string& path, uid_t owner) {
  const std::string what = "cannot listen on '" + path + "'";
  UniqueFd socket = open_unix(SOCK_NONBLOCK);
  if (const int error = errno; !socket) {
    throw_errno(error, what);
  }
  const Address address(path);
  if (const int error = errno; !address.is_valid) {
    throw_errno(error, what);
  }
  if (::bind(socket.get(), address.get(), sizeof address.un) != 0) {
    const int error = errno;
    if (error == EADDRINUSE) {
      throw_conflict(what + ": it exists already");
    }
    throw_errno(error, what);
  }
  // Nobody can connect before listen(2), so the mode is never too open for a moment.
  const bool is_chowned =
      owner == ::geteuid() || ::chown(path.c_str(), owner, static_cast<gid_t>(-1)) == 0;
  if (!is_chowned || ::chmod(path.c_str(), 0600) != 0 || ::listen(socket.get(), SOMAXCONN) != 0) {
    throw_errno(errno, what);
  }
  return socket;
}

UniqueFd connect_unix(const std::string& path) noexcept {
  UniqueFd socket = open_unix(0);
  const Address address(path);
  if (!socket || !address.is_valid) {
    return {};
  }
  while (::connect(socket.get(), address.get(), sizeof address.un) != 0) {
    if (errno != EINTR) {
      const int error = errno;
      socket.reset();
      errno = error;
      return {};
    }
  }
  return socket;
}

PeerCredentials peer_credentials(int socket) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
    throw_errno(errno, "cannot tell who connects");
  }
  return {.pid = peer.pid, .uid = peer.uid, .gid = peer.gid};
}

Received receive_message(int socket, std::span<char> buffer, int flags) {
  iovec part{buffer.data(), buffer.size()};
  ControlBuffer control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();

  Received received;
  const auto count = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  if (count < 0) {
    received.error = errno;
    return received;
  }
  received.bytes = static_cast<std::size_t>(count);
  received.truncated = (message.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t descriptors = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < descriptors; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      received.descriptors.emplace_back(fd);
    }
  }
  return received;
}

ssize_t send_message(int socket, std::string_view bytes, std::span<const int> descriptors,
                     int flags) noexcept {
  TINET_ASSERT(descriptors.size() <= kDescriptorsMax);
  // sendmsg(2) only reads what it is given.
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  ControlBuffer control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  const auto count = ::sendmsg(socket, &message, flags | MSG_NOSIGNAL);
  return count < 0 ? -errno : count;
}

}  // namespace tinet
