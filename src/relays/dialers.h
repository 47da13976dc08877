#pragma once
/// Who dialled: which endpoint a relay's connection comes from.

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include <sys/types.h>

#include "netns/netlink/socket.h"
#include "netns/socket_owner.h"
#include "src/base/unique_fd.h"
#include "src/model/address.h"
#include "src/model/fault.h"
#include "src/proxy/sockets.h"
#include "src/relays/process_sockets.h"

namespace tinet::relays {

/// As socket diagnostics take it; IPv4 also where it is written as IPv6.
[[nodiscard]] TcpEndpoint plain(const proxy::Endpoint& endpoint);

enum class DialerKind {
  Endpoint,  ///< an instance or the client
  Outsider,  ///< a program that is no part of the cluster
  Unknown,   ///< gone already, or of a process whose descriptors cannot be read
};

struct Dialer {
  DialerKind kind = DialerKind::Unknown;
  Endpoint endpoint = 0;  ///< with DialerKind::Endpoint
};

/// By the dialer's own address where it has bound one of the cluster, else by the process that
/// holds the socket: an endpoint's program, or whatever that has started.
class Dialers {
 public:
  /// @param addresses of the endpoints, by number
  /// @throws Error Unavailable when the kernel forbids socket diagnostics here
  explicit Dialers(const std::vector<Ipv4>& addresses);

  /// Runs `start`, which starts a program and returns its pid: from its first connection on it is
  /// known as the endpoint's, until it ends. The program must be a child of this process that was
  /// not reaped yet. Any thread. @throws what `start` throws; Error when descriptors run out
  void admit(Endpoint endpoint, const std::function<pid_t()>& start);

  /// @param dialer the other end of an accepted connection, @param local its own end
  /// One thread at a time. Costs two system calls and a look at the dialer's descriptors; waits for
  /// an admit() that is under way when the dialer is not known otherwise.
  [[nodiscard]] Dialer find(const TcpEndpoint& dialer, const TcpEndpoint& local);

 private:
  struct Program {
    Endpoint endpoint = 0;
    UniqueFd pidfd;
  };

  [[nodiscard]] std::optional<Dialer> find_process(std::uint32_t inode);
  [[nodiscard]] std::uint64_t admitted();
  void forget_ended();  ///< with `programs_mutex_`

  std::map<Ipv4, Endpoint> by_address_;
  netlink::Socket diagnostics_;
  ProcessSockets sockets_;
  std::mutex starting_;  ///< held while a program is being started; taken before `programs_mutex_`
  std::mutex programs_mutex_;
  std::map<pid_t, Program> programs_;
  std::uint64_t admitted_ = 0;
};

}  // namespace tinet::relays
