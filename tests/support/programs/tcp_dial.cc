// tcp_dial ADDRESS PORT PATIENCE_MS: tries to connect, and prints what came of it: connected,
// refused, unreachable, silence (no answer within the patience).

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

int main(int argc, char** argv) {
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  if (argc != 4 || ::inet_pton(AF_INET, argv[1], &peer.sin_addr) != 1) {
    return 2;
  }
  peer.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[2])));
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int error = 0;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0) {
    error = errno;
    pollfd polled = {fd, POLLOUT, 0};
    if (error == EINPROGRESS) {
      socklen_t length = sizeof error;
      if (::poll(&polled, 1, std::atoi(argv[3])) < 1) {
        error = ETIMEDOUT;
      } else if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
        error = errno;
      }
    }
  }
  switch (error) {
    case 0:
      std::puts("connected");
      return 0;
    case ECONNREFUSED:
      std::puts("refused");
      return 0;
    case EHOSTUNREACH:
    case ENETUNREACH:
      std::puts("unreachable");
      return 0;
    case ETIMEDOUT:
      std::puts("silence");
      return 0;
    default:
      errno = error;
      std::perror("tcp_dial");
      return 1;
  }
}
