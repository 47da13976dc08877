#pragma once
/// Turns an Endpoint into an address. Only for the two HTTP files.

#include <boost/asio/ip/tcp.hpp>

#include "src/refstore/endpoint.h"

namespace tinet::refstore {

/// Numeric hosts at once; names by a blocking look-up, which in a cluster is /etc/hosts.
/// @throws boost::system::system_error
[[nodiscard]] boost::asio::ip::tcp::endpoint resolve(const Endpoint& endpoint);

}  // namespace tinet::refstore
