#pragma once
/// POST /v1/capture: opens a packet socket in a target's network and hands it to the caller.

#include <functional>
#include <string>

#include "src/base/unique_fd.h"
#include "src/supervisor/http_server.h"

namespace tinet {

/// Opens a socket in the network of an instance or of "client"; close-on-exec.
/// @throws Error Usage for an unknown target, Unavailable when the backend has no such network
using OpenTargetSocket =
    std::function<UniqueFd(const std::string& target, int domain, int type, int protocol)>;

/// Sends an AF_PACKET socket (SOCK_RAW, all protocols, all interfaces of the target's namespace)
/// over the Unix socket that came with the request, and answers {"link_type":1}, Ethernet.
///
/// What it shows is the target's own end of the link: packets that it sends are seen even when the
/// switch drops them later, packets that the switch dropped on their way in are not.
/// @throws Error
/// @see packet(7)
[[nodiscard]] Response open_capture(const Request& request, const OpenTargetSocket& open_socket);

}  // namespace tinet
