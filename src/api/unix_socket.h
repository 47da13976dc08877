#pragma once
/// Unix stream sockets with descriptors (SCM_RIGHTS), for both ends of the control socket.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "src/base/unique_fd.h"

namespace tinet {

/// At most this many descriptors travel with one message.
inline constexpr std::size_t kDescriptorsMax = 8;

/// A non-blocking, listening socket at `path`, mode 0600, owned by `owner`. Paths longer than
/// sun_path are no problem. @throws Error Conflict when something is there already
[[nodiscard]] UniqueFd listen_unix(const std::string& path, uid_t owner);

/// Connects, blocking. @return an empty UniqueFd when it can't, errno says why
[[nodiscard]] UniqueFd connect_unix(const std::string& path) noexcept;

/// Who is at the other end (as of its connect(2)); ids are those of this process's user namespace.
struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};
/// @throws Error
[[nodiscard]] PeerCredentials peer_credentials(int socket);

/// What one receive_message() got.
struct Received {
  std::size_t bytes = 0;   ///< 0 with error 0: the peer sends no more
  int error = 0;           ///< errno; EAGAIN when nothing is there yet
  bool truncated = false;  ///< more descriptors than kDescriptorsMax were sent and closed
  std::vector<UniqueFd> descriptors;  ///< close-on-exec
};

/// One recvmsg(2). Never blocks when `flags` has MSG_DONTWAIT.
[[nodiscard]] Received receive_message(int socket, std::span<char> buffer, int flags = 0);

/// One sendmsg(2) without SIGPIPE. @return the number of bytes taken, or -errno
[[nodiscard]] ssize_t send_message(int socket, std::string_view bytes,
                                   std::span<const int> descriptors, int flags = 0) noexcept;

}  // namespace tinet
