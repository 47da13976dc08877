#include "src/refstore/http_resolve.h"

#include <boost/asio/io_context.hpp>

namespace tinet::refstore {
using boost::asio::ip::tcp;

tcp::endpoint resolve(const Endpoint& endpoint) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(endpoint.host, error);
  if (!error) {
    return {address, endpoint.port};
  }
  boost::asio::io_context context;
  tcp::resolver resolver(context);
  return resolver.resolve(endpoint.host, std::to_string(endpoint.port)).begin()->endpoint();
}

}  // namespace tinet::refstore
