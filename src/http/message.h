#pragma once
/// HTTP/1.1 as small servers need it, without Beast in sight: plain values and the type of a
/// handler. Bodies are text and bounded.

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

namespace tinet::http {

struct Request {
  std::string method = "GET";
  std::string path;                            ///< without the query, still percent-encoded
  std::map<std::string, std::string> query;    ///< decoded
  std::map<std::string, std::string> headers;  ///< names in lower case; the last of several
  std::string body;

  /// A header's value; empty when there is none. @param name in lower case
  [[nodiscard]] std::string_view header(const std::string& name) const;
};

struct Response {
  int status = 200;
  std::string body{};
  std::string content_type = "application/json";
};

using Handler = std::function<boost::asio::awaitable<Response>(Request)>;

/// Splits "/kv/a%20b?hash=1" into path and query.
/// @throws Error Usage for a malformed escape
[[nodiscard]] Request parse_target(std::string_view target);

/// @throws Error Usage for a malformed escape
[[nodiscard]] std::string percent_decode(std::string_view text);

}  // namespace tinet::http
