#pragma once
/// The other end of a control socket, byte by byte: for requests that no client would send.

#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "tests/support/http_host.h"
#include "tests/support/unix_wire.h"

namespace tinet::test {

/// Answers with what the server made of the request.
inline boost::asio::awaitable<Response> echo(Request request) {
  Response response;
  boost::json::object query;
  for (const auto& [name, value] : request.query) {
    query[name] = value;
  }
  response.document = {{"method", request.method},
                       {"path", request.path},
                       {"query", query},
                       {"body", request.body},
                       {"fds", request.fds.size()}};
  co_return response;
}

inline std::string post(std::string_view path, std::string_view body) {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

inline std::string ask(const HttpHost& host, std::string_view text) {
  Wire wire(host.path());
  wire.send(text);
  return wire.read_all();
}

inline boost::json::value body_of(const std::string& answer) {
  return boost::json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
}

}  // namespace tinet::test
