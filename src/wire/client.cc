#include "src/wire/client.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <new>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/wire/spawn.h"

namespace tinet {
namespace {

/// Of one process: every link of the largest switch twice. 180 MB that are never touched.
constexpr std::size_t kLanesMax = 1U << 21U;
/// How long an ending process may take to deliver what waits.
constexpr int kEndMs = 1'000;

WireTime monotonic_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

int wait_readable(int fd, int timeout_ms) {
  pollfd waiting{fd, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  return ready;
}

[[noreturn]] void throw_wrong_answer() {
  throw_operation("cannot go on with the userspace wire: it answered something else than asked");
}

[[noreturn]] void throw_gone() {
  throw_operation("cannot reach the userspace wire: its process has ended",
                  "it is started again with the next change of faults");
}

}  // namespace

WireClient::~WireClient() {
  end();
}

WireState WireClient::ensure() {
  if (alive()) {
    return WireState::Running;
  }
  start();
  try {
    for (const auto& [number, shape] : classes_) {
      tell(SetWireClass{number, shape});
    }
  } catch (const Error&) {
    // Half a wire would count as a running one next time.
    end();
    throw;
  }
  return WireState::Started;
}

void WireClient::start() {
  // Ours is closed when this returns: the queue has to go with the process.
  const UniqueFd queue = options_.open_queue();
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
    const int error = errno;
    throw_errno(error, "cannot start the userspace wire");
  }
  control_ = UniqueFd(ends[0]);
  UniqueFd theirs(ends[1]);
  const UniqueFd board = make_shared_memory(WireBoard::size_for(kLanesMax));
  board_ = SharedMapping(board.get(), SharedMapping::Access::Read);
  pid_ = spawn_wire({queue.get(), theirs.get(), board.get()}, options_.program, options_.argv);
  pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (const int error = errno; !pidfd_) {
    end();
    throw_errno(error, "cannot watch the userspace wire");
  }
  // Else its end would not be seen.
  theirs.reset();
  try {
    const WireReply reply = await_reply(0);
    if (const auto* failed = std::get_if<WireFailed>(&reply)) {
      throw Error(failed->kind, failed->message, failed->hint);
    }
  } catch (const Error&) {
    end();
    throw;
  }
}

void WireClient::end() noexcept {
  control_.reset();
  if (pid_ == 0) {
    return;
  }
  if (!pidfd_ || wait_readable(pidfd_.get(), kEndMs) <= 0) {
    static_cast<void>(::kill(pid_, SIGKILL));
  }
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  pidfd_.reset();
  silent_ = false;
  try {
    ended_.push_back(counts());
  } catch (const std::bad_alloc&) {
    // Whoever has no memory left for counts has no use for them.
  }
}

bool WireClient::alive() {
  if (pid_ != 0 && wait_readable(pidfd_.get(), 0) == 1) {
    end();
  }
  return pid_ != 0;
}

void WireClient::set_class(std::uint16_t number, const WireShape& shape) {
  const WireRequest request = SetWireClass{number, shape};
  // Refused here, it would be refused for ever.
  static_cast<void>(encode(Numbered<WireRequest>{0, request}));
  classes_[number] = shape;
  tell(request);
}

void WireClient::remove_class(std::uint16_t number) {
  classes_.erase(number);
  tell(RemoveWireClass{number});
}

std::uint64_t WireClient::release(std::span<const std::uint16_t> numbers, HeldPackets held) {
  for (const std::uint16_t number : numbers) {
    if (const auto found = classes_.find(number); found != classes_.end()) {
      found->second.hold = false;
    }
  }
  const WireReply reply = call(ReleaseWire{{numbers.begin(), numbers.end()}, held});
  const auto* released = std::get_if<WireReleased>(&reply);
  if (released == nullptr) {
    throw_wrong_answer();
  }
  return released->packets;
}

WireClassList WireClient::read_classes(std::uint16_t after, std::uint16_t at_most) {
  WireReply reply = call(ReadWireClasses{after, at_most});
  auto* read = std::get_if<WireClassList>(&reply);
  if (read == nullptr || (!read->classes.empty() && read->classes.front().number <= after)) {
    throw_wrong_answer();
  }
  return std::move(*read);
}

bool WireClient::holds(std::uint16_t number) {
  const WireClassList read = read_classes(static_cast<std::uint16_t>(number - 1), 1);
  const bool there = !read.classes.empty() && read.classes.front().number == number;
  const auto told = classes_.find(number);
  if (!there || told == classes_.end()) {
    return !there && told == classes_.end();
  }
  // Asked after the answer: a hold that has ended there has ended by now.
  return same_from(monotonic_now(), told->second, read.classes.front().shape);
}

std::vector<std::uint16_t> WireClient::audit() {
  std::map<std::uint16_t, WireShape> held;
  for (WireClassList read{{}, true}; read.more;) {
    read = read_classes(held.empty() ? std::uint16_t{0} : held.rbegin()->first, UINT16_MAX);
    for (SetWireClass& one : read.classes) {
      held.emplace(one.number, std::move(one.shape));
    }
  }
  const WireTime now = monotonic_now();
  std::vector<std::uint16_t> differing;
  for (const auto& [number, shape] : held) {
    if (!classes_.contains(number)) {
      differing.push_back(number);
      tell(RemoveWireClass{number});
    }
  }
  for (const auto& [number, shape] : classes_) {
    const auto found = held.find(number);
    if (found == held.end() || !same_from(now, shape, found->second)) {
      differing.push_back(number);
      tell(SetWireClass{number, shape});
    }
  }
  return differing;
}

WireReport WireClient::stats() {
  tell(SettleWire{});
  return counts();
}

void WireClient::tell(const WireRequest& request) {
  if (!std::holds_alternative<WireDone>(call(request))) {
    throw_wrong_answer();
  }
}

WireReply WireClient::call(const WireRequest& request) {
  if (!alive()) {
    throw_gone();
  }
  const std::uint32_t sequence = ++sequence_;
  const auto bytes = encode(Numbered<WireRequest>{sequence, request});
  while (::send(control_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    const int error = errno;
    if (error == EPIPE || error == ECONNRESET) {
      throw_gone();
    }
    if (error != EINTR) {
      throw_errno(error, "cannot tell the userspace wire");
    }
  }
  WireReply reply = await_reply(sequence);
  if (const auto* failed = std::get_if<WireFailed>(&reply)) {
    throw Error(failed->kind, failed->message, failed->hint);
  }
  return reply;
}

WireReply WireClient::await_reply(std::uint32_t sequence) {
  const auto deadline =
      silent_ ? std::min(options_.deadline, options_.deadline_when_silent) : options_.deadline;
  const auto until = Clock::now() + deadline;
  std::vector<std::byte> buffer(kWireMessageMax);
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0 || wait_readable(control_.get(), static_cast<int>(left)) == 0) {
      silent_ = true;
      throw_operation("cannot reach the userspace wire: no answer within " +
                      std::to_string(options_.deadline.count()) + " ms");
    }
    const ssize_t size = ::recv(control_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
      continue;
    }
    if (size <= 0) {
      throw_gone();
    }
    auto reply = parse_wire_reply({buffer.data(), static_cast<std::size_t>(size)});
    if (!reply) {
      throw_operation("cannot understand the userspace wire");
    }
    silent_ = false;
    // An answer to an earlier request that was given up, or the reason of its end.
    const bool failed = reply->sequence == 0 && std::holds_alternative<WireFailed>(reply->body);
    if (reply->sequence == sequence || failed) {
      return std::move(reply->body);
    }
  }
}

}  // namespace tinet
