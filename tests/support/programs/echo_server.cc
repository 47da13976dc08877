// echo_server PORT: prints "ready" when it listens on all addresses, then sends every connection
// its own bytes back, one connection at a time.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char** argv) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0));
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 16) != 0) {
    std::perror("echo_server");
    return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  while (true) {
    const int peer = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    char buffer[4096];
    for (ssize_t size = 0; (size = ::read(peer, buffer, sizeof buffer)) > 0;) {
      if (::write(peer, buffer, static_cast<std::size_t>(size)) != size) {
        break;
      }
    }
    ::close(peer);
  }
}
