// udp_burst ADDRESS PORT COUNT: sends that many datagrams, and waits for no answer.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

int main(int argc, char** argv) {
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  if (argc != 4 || ::inet_pton(AF_INET, argv[1], &peer.sin_addr) != 1) {
    return 2;
  }
  peer.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[2])));
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  for (int left = std::atoi(argv[3]); left > 0; --left) {
    // Not connected, so that no refusal of one datagram is reported for the next.
    if (::sendto(fd, "burst", 5, 0, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 5) {
      std::perror("udp_burst");
      return 1;
    }
  }
}
