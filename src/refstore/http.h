#pragma once
/// HTTP as the reference store speaks it.

#include <string>
#include <string_view>

#include "src/http/message.h"

namespace tinet::refstore {

using HttpRequest = http::Request;
using HttpResponse = http::Response;
using HttpHandler = http::Handler;
using http::parse_target;
using http::percent_decode;

/// Room for the largest value with every byte escaped, and some.
inline constexpr std::size_t kBodyBytesMax = 8 << 20;

/// Asks a member of PD to answer itself instead of its leader.
inline constexpr const char* kFollowerHandle = "pd-allow-follower-handle";

/// What came back for a request.
struct HttpReply {
  int status = 0;  ///< 0 when no answer came
  std::string body;
  std::string error;  ///< why none came, e.g. "Connection refused"
};

/// {"error": message, "reference": true}
[[nodiscard]] HttpResponse error_response(int status, std::string_view message);

}  // namespace tinet::refstore
