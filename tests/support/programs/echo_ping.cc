// echo_ping udp|tcp ADDRESS PORT: asks an echo_node every 20 ms, until killed. One line per answer:
// when it was asked and when the answer came, in milliseconds of CLOCK_MONOTONIC.
// udp: the next question does not wait for the answer of the one before. tcp: one connection, one
// question at a time; exits with 1 when the connection breaks, and never makes another.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr std::int64_t kEveryMs = 20;

std::int64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

int connected_socket(int type, const char* address, const char* port) {
  const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  if (::inet_pton(AF_INET, address, &peer.sin_addr) != 1 ||
      ::connect(fd, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0) {
    std::perror("echo_ping");
    std::exit(1);
  }
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    return 2;
  }
  const bool stream = std::strcmp(argv[1], "tcp") == 0;
  const int fd = connected_socket(stream ? SOCK_STREAM : SOCK_DGRAM, argv[2], argv[3]);
  bool answered = true;
  for (std::int64_t next = now_ms();;) {
    if (now_ms() >= next && (answered || !stream)) {
      const std::int64_t asked = now_ms();
      // UDP reports here that an earlier datagram was refused; that is an answer not given.
      if (::send(fd, &asked, sizeof asked, MSG_NOSIGNAL) < 0 && stream) {
        return 1;
      }
      answered = false;
      next = asked + kEveryMs;
    }
    const std::int64_t left = next - now_ms();
    pollfd polled = {fd, POLLIN, 0};
    if (::poll(&polled, 1, !answered && stream ? -1 : static_cast<int>(left > 0 ? left : 0)) > 0) {
      std::int64_t asked = 0;
      const ssize_t size = ::recv(fd, &asked, sizeof asked, stream ? MSG_WAITALL : 0);
      if (size == sizeof asked) {
        std::printf("%lld %lld\n", static_cast<long long>(asked), static_cast<long long>(now_ms()));
        std::fflush(stdout);
        answered = true;
      } else if (stream) {
        return 1;
      }
    }
  }
}
