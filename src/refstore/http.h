#pragma once
/// HTTP/1.1 as the reference store needs it, without Beast in sight: small values and the type of a
/// handler. Text only, bodies bounded.

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

namespace tinet::refstore {

/// Room for the largest value with every byte escaped, and some.
inline constexpr std::size_t kBodyBytesMax = 8 << 20;

struct HttpRequest {
  std::string method = "GET";
  std::string path;                          ///< without the query, still percent-encoded
  std::map<std::string, std::string> query;  ///< decoded
  std::string body;
  bool follower_handle = false;  ///< PD-Allow-follower-handle is set
};

struct HttpResponse {
  int status = 200;
  std::string body{};
  std::string content_type = "application/json";
};

/// What came back for a request.
struct HttpReply {
  int status = 0;  ///< 0 when no answer came
  std::string body;
  std::string error;  ///< why none came, e.g. "Connection refused"
};

/// Answers one request. An Error of kind Usage becomes 400, any other exception 500.
using HttpHandler = std::function<boost::asio::awaitable<HttpResponse>(HttpRequest)>;

/// {"error": message, "reference": true}
[[nodiscard]] HttpResponse error_response(int status, std::string_view message);

/// Splits "/kv/a%20b?hash=1" into path and query.
[[nodiscard]] HttpRequest parse_target(std::string_view target);

/// @throws Error Usage for a malformed escape
[[nodiscard]] std::string percent_decode(std::string_view text);

}  // namespace tinet::refstore
