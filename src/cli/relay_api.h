#pragma once
/// Toxiproxy's HTTP API for the relays of a cluster, and who may use such an API.

#include <functional>
#include <memory>
#include <string>

#include <sys/types.h>

#include <boost/asio/io_context.hpp>

#include "src/model/plan.h"
#include "src/proxy/sockets.h"
#include "src/relays/relays.h"
#include "src/toxiproxy/server.h"

namespace tinet::cli {

/// "127.0.0.1:8474", "[::1]:8474", "localhost:8474".
/// @param what names the flag in the error
/// @throws Error Usage when it is malformed, has no port or is not the machine's loopback
[[nodiscard]] proxy::Endpoint parse_api_address(const std::string& text, const std::string& what);

/// An API on loopback can be reached by every user of the machine: true for connections of this
/// user and of root, as the kernel tells them.
/// @throws Error Unavailable where the kernel does not tell
[[nodiscard]] std::function<bool(const http::ConnectionEnds&)> only(uid_t user);

/// Serves the API at plan.toxiproxy_api. Each relay is a proxy "INSTANCE:SERVICE" there; the
/// connections of one dialer are "DIALER>INSTANCE:SERVICE", listed once it was used; more can
/// be created. Runs on the loop's thread; lives as long as the result.
/// @throws Error Conflict when the address is in use
[[nodiscard]] std::shared_ptr<void> serve_relay_api(const ClusterPlan& plan,
                                                    boost::asio::io_context& loop,
                                                    relays::Relays& relays);

}  // namespace tinet::cli
