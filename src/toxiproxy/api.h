#pragma once
/// Toxiproxy's HTTP API: requests to changes of the collection, and answers.

#include <boost/asio/awaitable.hpp>

#include "src/http/message.h"
#include "src/toxiproxy/collection.h"

namespace tinet::toxiproxy {

/// The version of the API that is spoken, for clients that ask.
inline constexpr const char* kApiVersion = "2.12.0";

class Api {
 public:
  explicit Api(Collection& collection) : collection_(collection) {}

  /// @throws ApiError, Error: see error_response()
  [[nodiscard]] boost::asio::awaitable<http::Response> handle(http::Request request);

 private:
  [[nodiscard]] boost::asio::awaitable<http::Response> handle_proxies(const http::Request& request);
  [[nodiscard]] boost::asio::awaitable<http::Response> handle_proxy(const http::Request& request,
                                                                    std::string name);
  [[nodiscard]] http::Response handle_toxics(const http::Request& request, Proxy& proxy);
  [[nodiscard]] http::Response handle_toxic(const http::Request& request, Proxy& proxy,
                                            const std::string& name);
  [[nodiscard]] boost::asio::awaitable<http::Response> populate(const http::Request& request);
  [[nodiscard]] http::Response metrics() const;

  Collection& collection_;
};

/// {"error": what, "status": status}: an ApiError's own status, 400 for an Error of kind Usage,
/// else 500.
[[nodiscard]] http::Response error_response(const std::exception& error);

}  // namespace tinet::toxiproxy
