// echo_count ADDRESS PORT COUNT GAP_MS PATIENCE_MS: sends that many numbered datagrams to an
// echo_node, that far apart, and waits until all came back or nothing has come for the patience.
// Prints one line: how many were answered, how many answers came twice, how many came after one
// with a higher number, how many were not what was sent, and the shortest and the longest round
// trip in microseconds.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace {

constexpr std::uint64_t kPattern = 0x5aa5'c33c'0ff0'9669;

struct Datagram {
  std::uint64_t number = 0;
  std::uint64_t check = 0;  ///< number ^ kPattern
};

std::int64_t now_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

int main(int argc, char** argv) {
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  if (argc != 6 || ::inet_pton(AF_INET, argv[1], &peer.sin_addr) != 1) {
    return 2;
  }
  peer.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[2])));
  const auto count = static_cast<std::uint64_t>(std::atoi(argv[3]));
  const std::int64_t gap_us = std::atoi(argv[4]) * 1000LL;
  const std::int64_t patience_us = std::atoi(argv[5]) * 1000LL;
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  std::vector<std::int64_t> sent_us(count);
  std::vector<int> answers(count);
  std::uint64_t next = 0;
  std::uint64_t answered = 0;
  std::uint64_t repeated = 0;
  std::uint64_t overtaken = 0;
  std::uint64_t damaged = 0;
  std::uint64_t highest = 0;
  std::int64_t shortest_us = std::numeric_limits<std::int64_t>::max();
  std::int64_t longest_us = 0;
  std::int64_t last_us = now_us();
  while (next < count || (answered < count && now_us() < last_us + patience_us)) {
    if (next < count && (next == 0 || now_us() >= sent_us[next - 1] + gap_us)) {
      const Datagram datagram = {next, next ^ kPattern};
      sent_us[next] = now_us();
      last_us = sent_us[next];
      ::sendto(fd, &datagram, sizeof datagram, 0, reinterpret_cast<const sockaddr*>(&peer),
               sizeof peer);
      ++next;
    }
    const std::int64_t until = next < count ? sent_us[next - 1] + gap_us : last_us + patience_us;
    const std::int64_t wait_ms = std::max<std::int64_t>(0, (until - now_us() + 999) / 1000);
    pollfd polled = {fd, POLLIN, 0};
    if (::poll(&polled, 1, static_cast<int>(wait_ms)) < 1) {
      continue;
    }
    Datagram answer;
    if (::recv(fd, &answer, sizeof answer, 0) != sizeof answer || answer.number >= next ||
        answer.check != (answer.number ^ kPattern)) {
      ++damaged;
      continue;
    }
    last_us = now_us();
    if (++answers[answer.number] > 1) {
      ++repeated;
      continue;
    }
    ++answered;
    overtaken += answer.number < highest ? 1U : 0U;
    highest = std::max(highest, answer.number);
    shortest_us = std::min(shortest_us, last_us - sent_us[answer.number]);
    longest_us = std::max(longest_us, last_us - sent_us[answer.number]);
  }
  std::printf(
      "answered %llu repeated %llu overtaken %llu damaged %llu shortest %lld longest %lld\n",
      static_cast<unsigned long long>(answered), static_cast<unsigned long long>(repeated),
      static_cast<unsigned long long>(overtaken), static_cast<unsigned long long>(damaged),
      static_cast<long long>(answered > 0 ? shortest_us : 0), static_cast<long long>(longest_us));
}
