#pragma once
/// The TCP sockets of a network namespace, whoever holds them: their states and how often they had
/// to send again, and ending one from outside. Works on a netlink::Socket of NETLINK_SOCK_DIAG that
/// was opened in the namespace.
/// @see sock_diag(7), ss(8), Linux include/uapi/linux/inet_diag.h

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netns/inet.h"
#include "netns/netlink/dump.h"
#include "netns/netlink/message.h"
#include "netns/netlink/socket.h"

namespace tinet {

/// The kernel's numbers.
enum class TcpState : std::uint8_t {
  Established = 1,
  SynSent = 2,
  SynReceived = 3,
  FinWait1 = 4,
  FinWait2 = 5,
  TimeWait = 6,
  Close = 7,
  CloseWait = 8,
  LastAck = 9,
  Listen = 10,
  Closing = 11,
};

/// "established", "syn-sent", ... as ss(8) says it.
[[nodiscard]] std::string_view to_string(TcpState state) noexcept;

struct TcpEnd {
  IpAddress address{};  ///< IPv4 also where the program uses an IPv6 socket for it
  std::uint16_t port = 0;
  friend auto operator<=>(const TcpEnd&, const TcpEnd&) = default;
};

struct TcpSocketInfo {
  TcpEnd local{};
  TcpEnd remote{};  ///< of a listener: the unspecified address, port 0
  TcpState state{};
  std::uint8_t retransmits = 0;         ///< of what waits to be acknowledged, one after another
  std::uint8_t backoff = 0;             ///< how often the retransmission timeout was doubled
  std::uint32_t total_retransmits = 0;  ///< since the connection began
  std::uint32_t timeout_ms = 0;         ///< until the timer that runs now; 0: none does
  std::uint32_t receive_queue = 0;      ///< bytes; of a listener: connections to be accepted
  std::uint32_t send_queue = 0;         ///< bytes that are not acknowledged
  std::uint32_t uid = 0;
  std::uint32_t inode = 0;  ///< of /proc/PID/fd's "socket:[...]"; 0: no process has it
  IfIndex link{};           ///< bound to that interface; 0: to none
  std::array<std::uint32_t, 2> cookie{};  ///< tells it from a later socket of the same ends
};

/// All TCP sockets of the namespace, IPv4 and IPv6, in no particular order. Needs no privilege.
/// @throws Error Operation (ENOENT: the kernel has no tcp_diag)
[[nodiscard]] std::vector<TcpSocketInfo> list_tcp_sockets(netlink::Socket& socket);

/// Appends the end of that socket: what its program does next fails with ECONNABORTED, and the
/// other end gets a reset if it can be reached. Refused with ENOENT when it is gone already, with
/// EOPNOTSUPP when the kernel cannot. Needs CAP_NET_ADMIN in the user namespace that owns the
/// network namespace.
void put_destroy(netlink::Request& request, const TcpSocketInfo& info);

/// Reads one message of the kernel's list; nullopt when it is no TCP socket. Pure.
[[nodiscard]] std::optional<TcpSocketInfo> read_tcp_socket(const netlink::MessageView& message);

/// "198.18.0.1:4000", "[fd74::1]:4000".
[[nodiscard]] std::string to_string(const TcpEnd& end);

}  // namespace tinet
