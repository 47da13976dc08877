#include "tests/bench/datagram_load.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>
#include <thread>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/error.h"

namespace tinet::bench {

namespace {

using Clock = std::chrono::steady_clock;

/// Datagrams on their way at once: less than any queue of the mechanisms takes, and enough for
/// 400 000 a second over 10 ms.
constexpr std::int64_t kWindow = 4000;
constexpr std::uint32_t kBatch = 32;
/// For all that are on their way: those that a wire holds still belong to the sender's buffer.
constexpr int kBuffer = 16 << 20;
/// What nothing has come of for this long is lost: ten times the longest delay.
constexpr int kPatienceMs = 1000;

struct Ends {
  UniqueFd sender;
  UniqueFd receiver;
};

Ends open_ends(const Path& path) {
  Ends ends{socket_in(path.from, SOCK_DGRAM), socket_in(path.to, SOCK_DGRAM)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPathPort);
  address.sin_addr.s_addr = htonl(path.address.value);
  const auto* plain = reinterpret_cast<const sockaddr*>(&address);
  const int on = 1;
  if (::setsockopt(ends.receiver.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer) !=
          0 ||
      ::setsockopt(ends.sender.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kBuffer, sizeof kBuffer) != 0 ||
      ::setsockopt(ends.receiver.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0 ||
      ::bind(ends.receiver.get(), plain, sizeof address) != 0 ||
      ::connect(ends.sender.get(), plain, sizeof address) != 0) {
    const int error = errno;
    throw_errno(error, "cannot open the ends of '" + path.name + "'");
  }
  return ends;
}

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

std::int64_t real_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now);
}

/// Waits for datagrams; false when none comes.
bool wait_for_more(const UniqueFd& receiver) {
  pollfd waiting{receiver.get(), POLLIN, 0};
  return ::poll(&waiting, 1, kPatienceMs) == 1;
}

/// A batch of the smallest datagrams.
class Batch {
 public:
  Batch() {
    piece_ = {&byte_, 1};
    for (mmsghdr& message : messages_) {
      message.msg_hdr.msg_iov = &piece_;
      message.msg_hdr.msg_iovlen = 1;
    }
  }
  /// @return how many were sent
  std::int64_t send(const UniqueFd& socket, std::uint32_t most = kBatch) {
    return checked(::sendmmsg(socket.get(), messages_.data(), std::min(most, kBatch), 0), "send");
  }
  /// @return how many were there
  std::int64_t receive(const UniqueFd& socket) {
    return checked(::recvmmsg(socket.get(), messages_.data(), kBatch, MSG_DONTWAIT, nullptr),
                   "receive");
  }

 private:
  static std::int64_t checked(int done, const char* what) {
    const int error = errno;
    if (done < 0) {
      throw_errno(error, std::string("cannot ") + what + " datagrams");
    }
    return done;
  }

  char byte_ = 0;
  iovec piece_{};
  std::array<mmsghdr, kBatch> messages_{};
};

/// Seconds that all processors have been idle, together.
double idle_seconds() {
  std::ifstream file("/proc/stat");
  std::string word;
  double user = 0;
  double nice = 0;
  double system = 0;
  double idle = 0;
  double waiting = 0;
  file >> word >> user >> nice >> system >> idle >> waiting;
  return (idle + waiting) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

std::vector<double> travel_times(const Path& path, std::uint32_t count,
                                 std::chrono::microseconds gap) {
  const Ends ends = open_ends(path);
  std::thread sending([&] {
    auto next = Clock::now();
    for (std::uint32_t i = 0; i < count; ++i) {
      std::this_thread::sleep_until(next);
      next += gap;
      const std::int64_t sent = real_now();
      static_cast<void>(::send(ends.sender.get(), &sent, sizeof sent, 0));
    }
  });
  std::vector<double> times;
  while (times.size() < count && wait_for_more(ends.receiver)) {
    std::int64_t sent = 0;
    iovec piece{&sent, sizeof sent};
    alignas(cmsghdr) std::array<char, 128> control{};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (::recvmsg(ends.receiver.get(), &message, MSG_DONTWAIT) != sizeof sent) {
      break;
    }
    const cmsghdr* stamp = CMSG_FIRSTHDR(&message);
    if (stamp != nullptr && stamp->cmsg_type == SCM_TIMESTAMPNS) {
      timespec at{};
      std::memcpy(&at, CMSG_DATA(stamp), sizeof at);
      times.push_back(static_cast<double>(nanoseconds(at) - sent) / 1e6);
    }
  }
  sending.join();
  if (times.empty()) {
    throw_operation("no datagram came through '" + path.name + "'");
  }
  std::sort(times.begin(), times.end());
  return times;
}

PacketRate packet_rate(const Path& path, std::chrono::milliseconds time) {
  const Ends ends = open_ends(path);
  std::atomic<std::int64_t> sent = 0;
  std::atomic<std::int64_t> settled = 0;  // arrived, or given up
  std::atomic<bool> stop = false;
  std::int64_t arrived = 0;
  double seconds = 0;
  const double idle_before = idle_seconds();
  const auto start = Clock::now();
  std::thread receiving([&] {
    Batch batch;
    while (!stop || settled < sent) {
      if (wait_for_more(ends.receiver)) {
        const std::int64_t more = batch.receive(ends.receiver);
        arrived += more;
        settled += more;
        seconds = seconds_since(start);
      } else {
        settled = sent.load();
      }
      settled.notify_one();
    }
  });
  Batch batch;
  while (Clock::now() < start + time) {
    if (const std::int64_t now = settled; sent - now < kWindow) {
      sent += batch.send(ends.sender);
    } else {
      settled.wait(now);
    }
  }
  stop = true;
  receiving.join();
  if (arrived == 0) {
    throw_operation("no datagram came through '" + path.name + "'");
  }
  const double busy = seconds_since(start) * static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN)) -
                      (idle_seconds() - idle_before);
  return {static_cast<double>(arrived) / seconds, static_cast<double>(sent - arrived),
          busy / static_cast<double>(arrived) * 1e6};
}

void send_datagrams(const Path& path, std::uint32_t count) {
  const Ends ends = open_ends(path);
  Batch batch;
  while (count > 0) {
    count -= static_cast<std::uint32_t>(batch.send(ends.sender, count));
  }
}

}  // namespace tinet::bench
