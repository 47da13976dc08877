#include "src/wire/process.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "netns/queue.h"
#include "src/base/error.h"
#include "src/base/unique_fd.h"
#include "src/wire/engine.h"
#include "src/wire/harden.h"
#include "src/wire/protocol.h"
#include "src/wire/shared_memory.h"

namespace tinet {
namespace {

/// Bursts of packets that are read before deadlines are looked at again.
constexpr int kBurstsPerRound = 8;
/// Rounds with packets start at least so far apart: each costs a wake-up, which many packets and
/// deadlines can share. So much a delay may get longer while packets come fast.
constexpr Nanoseconds kRoundLength = std::chrono::microseconds(50);
/// Rounds before a request is served, however fast packets come.
constexpr int kRoundsPerRequest = 64;

WireTime monotonic_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::chrono::seconds(now.tv_sec) + Nanoseconds(now.tv_nsec);
}

timespec to_timespec(WireTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {.tv_sec = seconds.count(), .tv_nsec = (time - seconds).count()};
}

void sleep_until(WireTime time) {
  const timespec until = to_timespec(time);
  static_cast<void>(::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr));
}

/// Sends one message; an owner that does not read gets none. @return false when it is gone
bool send_reply(int fd, const Numbered<WireReply>& reply) {
  const auto bytes = encode(reply);
  ssize_t sent = 0;
  do {
    sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0 || errno == EAGAIN;
}

WireReply failure(const Error& error) {
  return WireFailed{error.kind(), error.what(), error.hint()};
}

class WireProcess {
 public:
  /// @param control_fd borrowed
  WireProcess(PacketQueue queue, int control_fd, SharedMapping memory)
      : queue_(std::move(queue)),
        control_fd_(control_fd),
        memory_(std::move(memory)),
        board_(memory_.writable()),
        timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
        poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (const int error = errno; !timer_ || !poll_) {
      throw_errno(error, "cannot make the timer of the userspace wire");
    }
    watch(queue_.fd(), EPOLLIN);
    watch(control_fd_, EPOLLIN);
    // Edge-triggered: setting it anew is what makes it silent again, so it is never read.
    watch(timer_.get(), EPOLLIN | EPOLLET);
  }

  /// Until the owner is gone. @throws Error
  void run() {
    bool owned = true;
    while (owned) {
      const bool more = take_packets();
      if (!more) {
        pause();
      }
      wait(more);
      if (asked_) {
        // The owner took the class out of the rules first: what had it is in the queue by now.
        for (int round = 0; round < kRoundsPerRequest && take_packets(); ++round) {
        }
        owned = answer();
      }
    }
    engine_.deliver_all();
    send_verdicts();
  }

 private:
  void watch(int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
      const int error = errno;
      throw_errno(error, "cannot watch a descriptor of the userspace wire");
    }
  }

  /// @return whether there may be more packets
  bool take_packets() {
    bool more = true;
    round_has_packets_ = false;
    for (int burst = 0; burst < kBurstsPerRound && more; ++burst) {
      packets_.clear();
      more = queue_.receive(packets_);
      board_.set_missed(queue_.missed());
      const WireTime now = monotonic_now();
      round_has_packets_ = round_has_packets_ || !packets_.empty();
      for (const QueuedPacket& packet : packets_) {
        engine_.arrive({.id = packet.id,
                        .number = static_cast<std::uint16_t>(packet.mark & kWireClassMask),
                        .link = {packet.in, packet.out},
                        .other_marks = packet.mark & ~kWireClassMask},
                       now);
      }
      engine_.advance(now);
      send_verdicts();
    }
    return more;
  }

  void send_verdicts() {
    for (const WireVerdict& verdict : engine_.verdicts()) {
      const bool passes = verdict.verdict == PacketVerdict::Accept;
      queue_.give({.id = verdict.id,
                   .verdict = verdict.verdict,
                   .oldest = verdict.oldest,
                   .mark = passes ? std::optional(verdict.mark) : std::nullopt});
    }
    engine_.clear_verdicts();
    queue_.flush();
  }

  /// After a round with packets that came soon after another one: lets more of them gather.
  void pause() {
    const WireTime now = monotonic_now();
    if (!round_has_packets_) {
      return;
    }
    if (now - last_round_ < kRoundLength) {
      sleep_until(last_round_ + kRoundLength);
    }
    last_round_ = std::max(now, last_round_ + kRoundLength);
  }

  /// Waits for a packet, a request or the next deadline; not at all when there is `more` to do.
  void wait(bool more) {
    int timeout = more ? 0 : -1;
    if (const auto due = engine_.next_due(); !more && due) {
      if (*due <= monotonic_now()) {
        timeout = 0;
      } else {
        set_timer(*due);
      }
    }
    epoll_event events[3];
    const int count = ::epoll_wait(poll_.get(), events, 3, timeout);
    if (const int error = errno; count < 0 && error != EINTR) {
      throw_errno(error, "cannot wait for packets");
    }
    asked_ = false;
    for (int i = 0; i < count; ++i) {
      asked_ = asked_ || events[i].data.fd == control_fd_;
    }
    engine_.advance(monotonic_now());
    send_verdicts();
  }

  void set_timer(WireTime due) {
    if (due == armed_) {
      return;
    }
    itimerspec when{};
    when.it_value = to_timespec(due);
    if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr) < 0) {
      const int error = errno;
      throw_errno(error, "cannot set the timer of the userspace wire");
    }
    armed_ = due;
  }

  /// Takes one request and replies. @return false when the owner is gone
  bool answer() {
    const ssize_t size =
        ::recv(control_fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0) {
      return errno == EAGAIN || errno == EINTR;
    }
    if (size == 0 || static_cast<std::size_t>(size) > buffer_.size()) {
      return false;
    }
    const auto request = parse_wire_request({buffer_.data(), static_cast<std::size_t>(size)});
    if (!request) {
      return false;
    }
    const WireReply reply =
        std::visit([this](const auto& body) { return serve(body); }, request->body);
    send_verdicts();
    return send_reply(control_fd_, {request->sequence, reply});
  }

  WireReply serve(const SetWireClass& set) {
    engine_.set_class(set.number, set.shape, monotonic_now());
    return WireDone{};
  }
  WireReply serve(const RemoveWireClass& remove) {
    engine_.remove_class(remove.number);
    return WireDone{};
  }
  WireReply serve(const ReleaseWire& release) {
    return WireReleased{engine_.release(release.numbers, release.held, monotonic_now())};
  }
  WireReply serve(const ReadWireClasses& read) {
    constexpr std::size_t kRoomForTheRest = 64;
    WireClassList answer;
    std::size_t size = kRoomForTheRest;
    const std::vector<std::uint16_t> numbers = engine_.classes();
    for (auto next = std::upper_bound(numbers.begin(), numbers.end(), read.after);
         next != numbers.end(); ++next) {
      const WireShape& shape = engine_.shape_of(*next);
      size += encoded_size(shape);
      if (answer.classes.size() == read.at_most || size > kWireMessageMax) {
        answer.more = true;
        break;
      }
      answer.classes.push_back({*next, shape});
    }
    return answer;
  }
  /// Whoever asks has to wait for take_packets().
  static WireReply serve(const SettleWire& /*settle*/) { return WireDone{}; }

  PacketQueue queue_;
  int control_fd_;
  SharedMapping memory_;
  WireBoard board_;
  UniqueFd timer_;
  UniqueFd poll_;
  WireEngine engine_{board_};
  std::vector<QueuedPacket> packets_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(kWireMessageMax);
  WireTime armed_{};
  WireTime last_round_{};
  bool round_has_packets_ = false;
  bool asked_ = false;
};

}  // namespace

int run_wire(int queue_fd, int control_fd, int board_fd, int receive_buffer_bytes) {
  // What it was executed from says nothing to a reader of ps.
  static_cast<void>(::prctl(PR_SET_NAME, "tinet-wire", 0, 0, 0));
  die_with_parent();
  raise_priority();
  UniqueFd queue_socket(queue_fd);
  const UniqueFd control(control_fd);
  UniqueFd board(board_fd);
  try {
    PacketQueueOptions options;
    options.receive_buffer_bytes = receive_buffer_bytes;
    // Rules behind the queue see by the class which packets were not here.
    options.fail_open = true;
    PacketQueue queue(std::move(queue_socket), options);
    keep_network_capability_only();
    SharedMapping memory(board.get(), SharedMapping::Access::Write);
    board.reset();
    WireProcess process(std::move(queue), control.get(), std::move(memory));
    if (send_reply(control.get(), {0, WireReady{}})) {
      process.run();
    }
    return 0;
  } catch (const Error& error) {
    static_cast<void>(send_reply(control.get(), {0, failure(error)}));
  } catch (const std::exception& error) {
    static_cast<void>(
        send_reply(control.get(), {0, WireFailed{ErrorKind::Operation, error.what(), ""}}));
  }
  return 1;
}

}  // namespace tinet
