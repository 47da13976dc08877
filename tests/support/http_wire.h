#pragma once
/// The other end of a control socket, byte by byte: for requests that no client would send.

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "src/api/unix_socket.h"
#include "tests/support/http_host.h"

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

/// One client's end, with plain system calls.
class Wire {
 public:
  explicit Wire(const std::string& path) : socket_(connect_unix(path)) { EXPECT_TRUE(socket_); }

  void send(std::string_view text, const std::vector<int>& fds = {}) {
    std::span<const int> descriptors = fds;
    while (!text.empty()) {
      const auto sent = send_message(socket_.get(), text, descriptors);
      if (sent <= 0) {
        return;
      }
      text.remove_prefix(static_cast<std::size_t>(sent));
      descriptors = {};
    }
  }
  /// Everything until the server closes.
  std::string read_all() {
    std::string text;
    while (read_some(text)) {
    }
    return text;
  }
  /// Until `text` shows up; whatever came when the server closes before.
  std::string read_until(std::string_view end) {
    std::string text;
    while (text.find(end) == std::string::npos && read_some(text)) {
    }
    return text;
  }
  void close_sending() { ::shutdown(socket_.get(), SHUT_WR); }
  void close() { socket_.reset(); }

 private:
  bool read_some(std::string& text) {
    std::array<char, 4096> buffer;
    const auto count = ::read(socket_.get(), buffer.data(), buffer.size());
    if (count > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return count > 0;
  }
  UniqueFd socket_;
};

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
