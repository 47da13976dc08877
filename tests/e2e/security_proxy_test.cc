// Who and what `tinet proxy` withstands: other users of the machine, and clients that are too big
// or too slow. Its API is on loopback, where everybody can connect.

#include <csignal>
#include <memory>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/people.h"
#include "tests/e2e/process_facts.h"
#include "tests/support/eventually.h"
#include "tests/unit/proxy/relay_world.h"
#include "tests/unit/toxiproxy/http_call.h"

namespace tinet::test {
namespace {

using namespace std::chrono_literals;
using proxy::test::Peer;
using toxiproxy::test::call;
using toxiproxy::test::call_raw;

const User kStranger{65534, 65534, "nobody", "/nonexistent"};

constexpr std::size_t kEndless = 64U << 20U;

/// A `tinet proxy` of the user who runs the test.
class ProxyApi : public ::testing::Test {
 protected:
  ProxyApi()
      : api_(proxy::test::Server().endpoint()),
        program_({tinet_binary(), "proxy", "--listen", proxy::to_string(api_)},
                 {.unset = {"SUDO_UID", "SUDO_GID"}}) {
    EXPECT_TRUE(program_.wait_for_output("\n", 20s));
  }

  /// Connects and sends as who calls it; never waits for an answer.
  [[nodiscard]] UniqueFd send(const std::string& text) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(api_.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const bool is_sent =
        ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size());
    return is_sent ? std::move(fd) : UniqueFd();
  }

  proxy::Endpoint api_;
  Program program_;
};

std::string create_request() {
  const std::string body = R"({"name":"planted","upstream":"127.0.0.1:1"})";
  return "POST /proxies HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

/// A connection to the port that its client has closed, and that the kernel remembers as root's.
bool has_connection_without_owner(std::uint16_t port) {
  std::istringstream lines(content_of("/proc/net/tcp"));
  for (std::string line; std::getline(lines, line);) {
    unsigned remote_port = 0;
    unsigned state = 0;
    unsigned uid = 0;
    if (std::sscanf(line.c_str(), "%*s %*s %*[0-9A-F]:%x %x %*s %*s %*s %u", &remote_port, &state,
                    &uid) == 3 &&
        remote_port == port && state == TCP_FIN_WAIT2 && uid == 0) {
      return true;
    }
  }
  return false;
}

TEST_F(ProxyApi, TakesNothingFromAStrangerWhoHangsUpAtOnce) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  // By the time the request is read, nobody holds its sender's socket: for the kernel, root's.
  const std::string request = create_request();
  program_.signal(SIGSTOP);
  EXPECT_EQ(errno_as(kStranger, [&] { return send(request) ? 0 : -1; }), 0);
  ASSERT_TRUE(eventually([&] { return has_connection_without_owner(api_.port()); }, 20s));
  program_.signal(SIGCONT);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(call(api_, "GET", "/proxies").body, "{}");
  }
}

TEST_F(ProxyApi, KeepsServingItsUserWhileStrangersConnect) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto flood_and_ask = [&] {
    std::vector<UniqueFd> held;
    for (int i = 0; i < 500; ++i) {
      held.push_back(send("POST /proxies HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"));
      if (!held.back()) {
        return -1;
      }
    }
    for (const UniqueFd& fd : held) {
      char text[16] = {};
      if (::recv(fd.get(), text, 12, MSG_WAITALL) != 12 ||
          std::string_view(text) != "HTTP/1.1 403") {
        errno = EPROTO;
        return -1;
      }
    }
    return 0;
  };
  EXPECT_EQ(errno_as(kStranger, flood_and_ask), 0);
  EXPECT_EQ(call(api_, "GET", "/version").status, 200);
}

TEST_F(ProxyApi, KeepsLittleOfWhatIsTooLargeOrNeverEnds) {
  const auto before = peak_memory_kib(program_.pid());
  EXPECT_EQ(call_raw(api_, "POST /proxies HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n").status,
            413);
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  for (int i = 0; i < 20; ++i) {
    const auto endless = Peer::connect(api_);
    std::string text = "POST /proxies HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    std::size_t taken = 0;
    while (taken < kEndless && ::send(endless.fd(), text.data(), text.size(), MSG_NOSIGNAL) ==
                                   static_cast<ssize_t>(text.size())) {
      taken += text.size();
      text = chunk;
    }
    EXPECT_LT(taken, kEndless);
  }
  std::vector<Peer> slow;
  for (int i = 0; i < 100; ++i) {
    slow.push_back(Peer::connect(api_));
    slow.back().send("POST /proxies HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n{");
  }
  EXPECT_EQ(call(api_, "GET", "/version").status, 200);
  EXPECT_LT(peak_memory_kib(program_.pid()) - before, 16 << 10);
}

}  // namespace
}  // namespace tinet::test
