#pragma once
/// A client of a Unix socket that says any bytes.

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "src/api/unix_socket.h"

namespace tinet::test {

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

}  // namespace tinet::test
