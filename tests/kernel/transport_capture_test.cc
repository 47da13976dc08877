#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/client/capture_client.h"
#include "src/supervisor/capture.h"
#include "tests/kernel/transport_world.h"

namespace tinet {
namespace {

namespace asio = boost::asio;
using test::TransportWorld;
using testing::HasSubstr;

UniqueFd open_here(const std::string& target, int domain, int type, int protocol) {
  if (target != "node-0") {
    throw_usage("no instance '" + target + "'");
  }
  UniqueFd socket(::socket(domain, type | SOCK_CLOEXEC, protocol));
  if (const int error = errno; !socket) {
    throw_errno(error, "cannot open a packet socket");
  }
  return socket;
}

asio::awaitable<Response> serve(Request request) {
  co_return open_capture(request, open_here);
}

void bring_loopback_up() {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  ASSERT_EQ(::ioctl(socket.get(), SIOCSIFFLAGS, &request), 0) << std::strerror(errno);
}

void send_datagrams(int count) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < count; ++i) {
    static_cast<void>(
        ::sendto(socket.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to));
  }
}

/// Packets from another process, for as long as somebody captures.
pid_t fork_sender() {
  const pid_t sender = ::fork();
  if (sender == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
      send_datagrams(1);
    }
  }
  return sender;
}

void end_sender(pid_t sender) {
  ::kill(sender, SIGKILL);
  ::waitpid(sender, nullptr, 0);
}

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Capture, ShowsEachPacketOfTheTargetOnce) {
  bring_loopback_up();
  TransportWorld world(serve);
  const std::string path = world.dir() / "lines";
  const pid_t client = world.start_client([&](const ClusterHandle& cluster) {
    auto source = open_packet_source(cluster, "node-0", nullptr);
    send_datagrams(3);
    std::ofstream lines(path);
    int udp = 0;
    // Port 9 answers with ICMP errors; those are packets as well.
    while (const auto packet = source.next()) {
      const auto line = packet_line(*packet);
      udp += line.find(" udp 127.0.0.1:") != std::string::npos ? 1 : 0;
      lines << line << '\n';
    }
    return udp;
  });
  const int status = world.serve_until_end_of(client);
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_THAT(content_of(path), HasSubstr(" lo 43 udp 127.0.0.1:"));
}

TEST(Capture, EndsAfterAsManyPacketsAsAskedFor) {
  bring_loopback_up();
  TransportWorld world(serve);
  const std::string path = world.dir() / "out.pcap";
  const pid_t client = world.start_client([&](const ClusterHandle& cluster) {
    const pid_t sender = fork_sender();
    CaptureOptions options;
    options.target = "node-0";
    options.file = path;
    options.packets_max = 5;
    const auto result = run_capture(cluster, options, nullptr);
    end_sender(sender);
    return static_cast<int>(result.packets);
  });
  EXPECT_EQ(WEXITSTATUS(world.serve_until_end_of(client)), 5);
  EXPECT_GT(content_of(path).size(), 24U + 5 * 16U);
}

TEST(Capture, EndsAtAnInterruptWithoutAnError) {
  bring_loopback_up();
  TransportWorld world(serve);
  const pid_t client = world.start_client([&](const ClusterHandle& cluster) {
    const pid_t sender = fork_sender();
    const Interrupt interrupt;
    CaptureOptions options;
    options.target = "node-0";
    options.line = [](std::string_view) { ::raise(SIGINT); };
    const auto result = run_capture(cluster, options, &interrupt);
    end_sender(sender);
    return result.packets > 0 && interrupt.raised() ? 0 : 1;
  });
  EXPECT_EQ(world.serve_until_end_of(client), 0);
}

TEST(Capture, TellsAnUnknownTarget) {
  TransportWorld world(serve);
  const pid_t client = world.start_client([&](const ClusterHandle& cluster) {
    try {
      static_cast<void>(open_packet_source(cluster, "nobody-0", nullptr));
    } catch (const Error& error) {
      return exit_code(error.kind());
    }
    return 0;
  });
  EXPECT_EQ(WEXITSTATUS(world.serve_until_end_of(client)), 2);
}

}  // namespace
}  // namespace tinet
