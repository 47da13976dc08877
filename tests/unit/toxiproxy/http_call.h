#pragma once
/// One HTTP request by hand, and its answer.

#include <string>

#include <boost/json.hpp>

#include "src/proxy/sockets.h"

namespace tinet::toxiproxy::test {

struct Answer {
  int status = 0;
  std::string body;

  /// The body as JSON; null when it is none.
  [[nodiscard]] boost::json::value json() const;
};

/// @param headers further ones, each with its line end
[[nodiscard]] Answer call(const proxy::Endpoint& api, const std::string& method,
                          const std::string& path, const std::string& body = {},
                          const std::string& headers = {});

/// Sends these bytes and takes what comes back.
[[nodiscard]] Answer call_raw(const proxy::Endpoint& api, const std::string& bytes);

}  // namespace tinet::toxiproxy::test
