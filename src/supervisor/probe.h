#pragma once
/// Asking an instance something from inside its own network namespace: an HTTP request or a plain
/// connect. What it shows is that instance's own view, whatever faults are active around it.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "src/base/unique_fd.h"
#include "src/model/address.h"
#include "src/topology/readiness.h"

namespace tinet {

struct HttpAsk {
  std::string method = "GET";
  std::string path = "/";
  std::map<std::string, std::string> headers;
  std::string body;
};

/// Connects `socket` (a fresh, unconnected TCP socket of the wanted namespace) and asks. Bodies
/// over 8 MiB are an error. Never throws for what the peer does.
/// @param timeout whole budget for connect, request and answer
[[nodiscard]] boost::asio::awaitable<HttpAnswer> ask_http(UniqueFd socket, Ipv4 address,
                                                          std::uint16_t port, HttpAsk ask,
                                                          std::chrono::milliseconds timeout);

/// @return empty when the connection was accepted, else why not
[[nodiscard]] boost::asio::awaitable<std::string> ask_connect(UniqueFd socket, Ipv4 address,
                                                              std::uint16_t port,
                                                              std::chrono::milliseconds timeout);

}  // namespace tinet
