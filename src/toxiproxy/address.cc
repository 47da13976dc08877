#include "src/toxiproxy/address.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "src/proxy/listener.h"
#include "src/toxiproxy/api_error.h"

namespace tinet::toxiproxy {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

std::uint16_t port_of(const Address& address) {
  std::uint16_t port = 0;
  std::from_chars(address.port.data(), address.port.data() + address.port.size(), port);
  return port;
}

std::vector<proxy::Endpoint> endpoints(const tcp::resolver::results_type& found) {
  std::vector<proxy::Endpoint> all;
  for (const auto& entry : found) {
    all.push_back(entry.endpoint());
  }
  return all;
}

}  // namespace

Address parse_address(std::string_view text, const std::string& what) {
  const std::size_t colon = text.rfind(':');
  Address address;
  if (colon != std::string_view::npos) {
    address.host = text.substr(0, colon);
    address.port = text.substr(colon + 1);
  }
  const bool in_brackets =
      address.host.size() >= 2 && address.host.front() == '[' && address.host.back() == ']';
  if (in_brackets) {
    address.host = address.host.substr(1, address.host.size() - 2);
  }
  std::uint16_t port = 0;
  const char* end = address.port.data() + address.port.size();
  const auto parsed = std::from_chars(address.port.data(), end, port);
  const bool is_whole = parsed.ec == std::errc() && parsed.ptr == end;
  if (!is_whole || (!in_brackets && address.host.find(':') != std::string::npos)) {
    throw ApiError(400, what + " '" + std::string(text) +
                            "' is not an address, write HOST:PORT, e.g. 127.0.0.1:6379");
  }
  return address;
}

asio::awaitable<proxy::Endpoint> listen_address(std::string text, bool allow_remote) {
  const Address address = parse_address(text.empty() ? "127.0.0.1:0" : text, "listen");
  error_code error;
  proxy::Endpoint endpoint(asio::ip::address_v6::any(), port_of(address));
  if (!address.host.empty()) {
    endpoint.address(asio::ip::make_address(address.host, error));
  }
  if (error) {
    tcp::resolver resolver(co_await asio::this_coro::executor);
    auto token = asio::redirect_error(asio::use_awaitable, error);
    std::vector<proxy::Endpoint> found =
        endpoints(co_await resolver.async_resolve(address.host, address.port, token));
    if (found.empty()) {
      throw ApiError(400, "listen '" + text + "' is an unknown name: " + error.message());
    }
    std::stable_partition(found.begin(), found.end(), [](const proxy::Endpoint& candidate) {
      return candidate.address().is_v4();
    });
    endpoint = found.front();
  }
  if (!allow_remote && !endpoint.address().is_loopback()) {
    throw ApiError(403, "listen '" + text +
                            "' is not a loopback address: others on the network could use it; to "
                            "have that, start the proxy with --allow-remote");
  }
  co_return endpoint;
}

proxy::FindUpstream upstream(const asio::any_io_executor& executor, std::string_view text) {
  const Address address = parse_address(text, "upstream");
  error_code is_name;
  const auto number = asio::ip::make_address(address.host, is_name);
  if (!is_name) {
    return proxy::dial({proxy::Endpoint(number, port_of(address))});
  }
  const std::string host = address.host.empty() ? "localhost" : address.host;
  return [executor, host, port = address.port](const auto& found) {
    const auto resolver = std::make_shared<tcp::resolver>(executor);
    resolver->async_resolve(
        host, port,
        [resolver, found](error_code /*none found*/, const tcp::resolver::results_type& results) {
          found(endpoints(results));
        });
  };
}

}  // namespace tinet::toxiproxy
