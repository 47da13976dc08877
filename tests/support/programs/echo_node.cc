// echo_node PORT [ADDRESS]: prints "ready" when it listens there, or on all addresses, then sends
// every UDP datagram and every TCP byte back to where it came from, any number of connections at a
// time.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

int bound_socket(int type, std::uint16_t port, const char* listen_at) {
  const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (listen_at != nullptr && ::inet_pton(AF_INET, listen_at, &address.sin_addr) != 1) {
    std::exit(2);
  }
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    std::perror("echo_node");
    std::exit(1);
  }
  return fd;
}

void echo_datagram(int fd) {
  char buffer[2048];
  sockaddr_in peer{};
  socklen_t length = sizeof peer;
  const ssize_t size =
      ::recvfrom(fd, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&peer), &length);
  if (size >= 0) {
    // A lost answer is for the other side to notice.
    static_cast<void>(::sendto(fd, buffer, static_cast<std::size_t>(size), 0,
                               reinterpret_cast<const sockaddr*>(&peer), length));
  }
}

/// @return false when the connection is over
bool echo_bytes(int fd) {
  char buffer[2048];
  const ssize_t size = ::read(fd, buffer, sizeof buffer);
  return size > 0 && ::write(fd, buffer, static_cast<std::size_t>(size)) == size;
}

}  // namespace

int main(int argc, char** argv) {
  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  const char* const listen_at = argc > 2 ? argv[2] : nullptr;
  const int datagrams = bound_socket(SOCK_DGRAM, port, listen_at);
  const int listener = bound_socket(SOCK_STREAM, port, listen_at);
  ::listen(listener, 64);
  std::puts("ready");
  std::fflush(stdout);

  std::vector<pollfd> polled = {{datagrams, POLLIN, 0}, {listener, POLLIN, 0}};
  while (::poll(polled.data(), polled.size(), -1) >= 0) {
    for (std::size_t i = polled.size(); i-- > 2;) {
      if (polled[i].revents != 0 && !echo_bytes(polled[i].fd)) {
        ::close(polled[i].fd);
        polled.erase(polled.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    if (polled[0].revents != 0) {
      echo_datagram(datagrams);
    }
    if (polled[1].revents != 0) {
      polled.push_back({::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), POLLIN, 0});
    }
  }
}
