#include "src/supervisor/capture.h"

#include <cerrno>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <sys/socket.h>

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/api/unix_socket.h"
#include "src/base/error.h"

namespace tinet {

namespace {

/// DLT_EN10MB of pcap-linktype(7); loopback has Ethernet headers as well.
constexpr int kEthernet = 1;
/// Room for bursts, so that a busy reader loses little.
constexpr int kReceiveBytes = 16 << 20;

}  // namespace

Response open_capture(const Request& request, const OpenTargetSocket& open_socket) {
  const auto words = api::parse_request<api::CaptureRequest>(request.body);
  if (request.fds.size() != 1) {
    throw_usage("capture needs 1 descriptor, got " + std::to_string(request.fds.size()));
  }
  const UniqueFd packets = open_socket(words.target, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  // Beyond net.core.rmem_max where we may; it is an improvement, not a need.
  if (::setsockopt(packets.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBytes,
                   sizeof kReceiveBytes) != 0) {
    static_cast<void>(
        ::setsockopt(packets.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBytes, sizeof kReceiveBytes));
  }
  const int fd = packets.get();
  const auto sent = send_message(request.fds[0].get(), "p", {&fd, 1}, MSG_DONTWAIT);
  if (sent < 0) {
    throw_errno(static_cast<int>(-sent),
                "cannot hand over the packet socket of '" + words.target + "'");
  }
  Response response;
  response.document = {{"link_type", kEthernet}};
  return response;
}

}  // namespace tinet
