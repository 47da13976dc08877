#pragma once
/// Addresses as users of the API write them, "localhost:6379", and what they stand for.

#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "src/proxy/connection.h"
#include "src/proxy/sockets.h"

namespace tinet::toxiproxy {

struct Address {
  std::string host;  ///< a name or a number, without brackets; empty: every address of the machine
  std::string port;
};

/// Parses "127.0.0.1:80", "[::1]:80", "name:80", ":80".
/// @param what names the field in the error
/// @throws ApiError 400
[[nodiscard]] Address parse_address(std::string_view text, const std::string& what);

/// Where to listen; an empty text is a free port of 127.0.0.1.
/// @throws ApiError 400 when the name is unknown, 403 when the address is not a loopback one and
/// `allow_remote` is not set
[[nodiscard]] boost::asio::awaitable<proxy::Endpoint> listen_address(std::string text,
                                                                     bool allow_remote);

/// Where to dial; a name is looked up for every connection, without holding up anything else.
/// @throws ApiError 400 when `text` is malformed
[[nodiscard]] proxy::FindUpstream upstream(const boost::asio::any_io_executor& executor,
                                           std::string_view text);

}  // namespace tinet::toxiproxy
