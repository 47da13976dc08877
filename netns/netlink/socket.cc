#include "netns/netlink/socket.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "netns/netlink/align.h"
#include "src/base/error.h"

namespace tinet::netlink {
namespace {

constexpr std::size_t kReceiveStart = 32U << 10U;
// rtnetlink takes a request message by message, so its pieces may be small; each refused message
// of a piece needs room in the receive buffer for its answer.
constexpr std::size_t kChunkBytes = 64U << 10U;
constexpr std::size_t kChunkMessages = 256;
constexpr int kReceiveBuffer = 1 << 20;
constexpr int kDumpAttempts = 16;
// What netlink_sendmsg() keeps of the send buffer for itself.
constexpr std::size_t kSendReserve = 32;

const char* hint_for(int error) {
  return error == EPERM || error == EACCES
             ? "run as root, or where unprivileged user namespaces are allowed"
             : "";
}

void set_option(int fd, int level, int option, int value, const char* what) {
  if (::setsockopt(fd, level, option, &value, sizeof value) < 0) {
    const int error = errno;
    throw_errno(error, std::string("cannot set ") + what + " of a netlink socket");
  }
}

/// @return nullptr when it is no netlink socket, or out of memory
mnl_socket* take_over(UniqueFd fd) {
  mnl_socket* socket = mnl_socket_fdopen(fd.get());
  if (socket != nullptr) {
    static_cast<void>(fd.release());
  }
  return socket;
}

template <typename Field>
void patch(std::span<std::byte> message, std::size_t offset, Field value) {
  std::memcpy(message.data() + offset, &value, sizeof value);
}

[[noreturn]] void throw_refusals(const std::vector<Refusal>& refusals) {
  const Refusal& first = refusals.front();
  std::string message = describe(first);
  if (refusals.size() > 1) {
    message += " (and " + std::to_string(refusals.size() - 1) + " more)";
  }
  switch (first.error) {
    case EPERM:
    case EACCES:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
      throw_unavailable(message, hint_for(first.error));
    case EXFULL:
      throw_unavailable(message, "a Linux bridge has at most 1023 ports");
    case EEXIST:
    case EBUSY:
      throw_conflict(message);
    default:
      throw_operation(message);
  }
}

}  // namespace

std::string describe(const Refusal& refusal) {
  std::string text = "cannot " + refusal.what;
  if (!refusal.text.empty()) {
    text += " (" + refusal.text + ")";
  }
  return text + ": " + std::strerror(refusal.error);
}

Socket Socket::open(int protocol, const SocketOptions& options) {
  if (const int refused = admit(options.gate, KernelCall::OpenSocket); refused != 0) {
    throw_errno(refused, "cannot open a netlink socket");
  }
  mnl_socket* socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
  if (const int error = errno; socket == nullptr) {
    throw_errno(error, "cannot open a netlink socket");
  }
  return Socket(socket, options);
}

Socket::Socket(UniqueFd fd, const SocketOptions& options)
    : Socket(take_over(std::move(fd)), options) {}

Socket::Socket(mnl_socket* socket, const SocketOptions& options)
    : socket_(socket), options_(options), buffer_(kReceiveStart) {
  if (!socket_) {
    throw_operation("cannot take over a netlink socket");
  }
  if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
    const int error = errno;
    throw_errno(error, "cannot bind a netlink socket");
  }
  set_option(fd(), SOL_NETLINK, NETLINK_EXT_ACK, 1, "extended errors");
  set_option(fd(), SOL_NETLINK, NETLINK_CAP_ACK, 1, "short answers");
  // Room for the answers to a batch; the unforced one is limited by net.core.rmem_max.
  if (::setsockopt(fd(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) < 0) {
    set_option(fd(), SOL_SOCKET, SO_RCVBUF, kReceiveBuffer, "the receive buffer");
  }
}

void Socket::Close::operator()(mnl_socket* socket) const noexcept {
  static_cast<void>(mnl_socket_close(socket));
}

int Socket::fd() const noexcept {
  return mnl_socket_get_fd(socket_.get());
}

std::uint32_t Socket::port() const noexcept {
  return mnl_socket_get_portid(socket_.get());
}

std::vector<Refusal> Socket::try_execute(Request& request) {
  std::vector<Refusal> refusals;
  for (std::size_t begin = 0; begin < request.size();) {
    const std::size_t end = chunk_end(request, begin);
    execute_chunk(request, begin, end, refusals);
    begin = end;
  }
  return refusals;
}

void Socket::execute(Request& request) {
  if (const auto refusals = try_execute(request); !refusals.empty()) {
    throw_refusals(refusals);
  }
}

std::size_t Socket::chunk_end(const Request& request, std::size_t begin) const {
  std::size_t bytes = 0;
  std::size_t end = begin;
  while (end < request.size() && end - begin < kChunkMessages) {
    bytes += request.message(end).size();
    if (bytes > kChunkBytes && end > begin) {
      break;
    }
    ++end;
  }
  return end;
}

void Socket::execute_chunk(Request& request, std::size_t begin, std::size_t end,
                           std::vector<Refusal>& refusals) {
  const std::size_t first_byte = request.offsets_[begin];
  const std::size_t last_byte =
      end < request.size() ? request.offsets_[end] : request.bytes_.size();
  const std::span<std::byte> bytes(request.bytes_.data() + first_byte, last_byte - first_byte);
  // Errors come unasked for; success is asked for at the end only.
  const std::size_t last = end - begin - 1;
  std::vector<Ack> answers;
  try {
    answers = transact(bytes, last);
  } catch (const Error& failure) {
    throw Error(failure.kind(), "cannot " + request.what(begin) + ": " + failure.what(),
                failure.hint());
  }
  for (const Ack& answer : answers) {
    if (answer.error != 0) {
      const std::size_t index = begin + answer.sequence;
      refusals.push_back({index, request.what(index), answer.error, answer.text});
    }
  }
}

std::vector<Ack> Socket::transact(std::span<std::byte> bytes, std::size_t last) {
  const std::uint32_t base = sequence_ + 1;
  std::uint32_t count = 0;
  for (std::span<std::byte> rest = bytes;;) {
    ByteSpan cursor = rest;
    const auto view = next_message(cursor);
    if (!view) {
      break;
    }
    patch(rest, offsetof(nlmsghdr, nlmsg_seq), base + count);
    const auto asked = count == last ? NLM_F_ACK : 0;
    patch(rest, offsetof(nlmsghdr, nlmsg_flags),
          static_cast<std::uint16_t>((view->flags & ~NLM_F_ACK) | asked));
    ++count;
    rest = rest.last(cursor.size());
  }
  sequence_ += count;
  send(bytes, "send a netlink request");

  std::vector<Ack> answers;
  bool overflow = false;
  bool complete = false;
  const auto collect = [&] {
    for (ByteSpan rest(buffer_.data(), received_); const auto message = next_message(rest);) {
      auto ack = parse_ack(*message);
      if (!ack || ack->sequence - base >= count) {
        continue;  // an answer to an earlier request that was given up
      }
      ack->sequence -= base;
      // A failure as a whole is reported for the first message.
      complete = complete || ack->sequence == last || (ack->sequence == 0 && ack->error != 0);
      answers.push_back(std::move(*ack));
    }
  };
  const auto until = Clock::now() + options_.deadline;
  while (!complete) {
    if (!receive(until, overflow, "read the answer to a netlink request")) {
      throw_operation("the kernel did not answer within " +
                      std::to_string(options_.deadline.count()) + " ms");
    }
    collect();
  }
  while (receive_now(overflow)) {
    collect();
  }
  const auto failed = [](const Ack& ack) { return ack.error != 0; };
  if (overflow && std::none_of(answers.begin(), answers.end(), failed)) {
    throw_operation("the kernel's answers to a netlink request got lost",
                    "raise net.core.rmem_max");
  }
  std::stable_sort(answers.begin(), answers.end(),
                   [](const Ack& a, const Ack& b) { return a.sequence < b.sequence; });
  return answers;
}

Dump Socket::dump(Request& request) {
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    Dump result;
    if (try_dump(request, result)) {
      return result;
    }
  }
  throw_operation("cannot " + request.what(0) + ": the kernel's objects change all the time");
}

bool Socket::try_dump(Request& request, Dump& result) {
  const std::uint32_t sequence = ++sequence_;
  patch(request.bytes_, offsetof(nlmsghdr, nlmsg_seq), sequence);
  const std::string& what = request.what(0);
  send(request.bytes_, what);
  const auto until = Clock::now() + options_.deadline;
  bool interrupted = false;
  for (bool done = false; !done;) {
    bool overflow = false;
    if (!receive(until, overflow, what)) {
      throw_operation("cannot " + what + ": the kernel did not answer in time");
    }
    interrupted = interrupted || overflow;
    for (ByteSpan rest(buffer_.data(), received_); const auto message = next_message(rest);) {
      if (message->sequence != sequence) {
        continue;
      }
      interrupted = interrupted || (message->flags & NLM_F_DUMP_INTR) != 0;
      if (const auto ack = parse_ack(*message)) {
        if (ack->error == EINTR || ack->error == EAGAIN) {
          interrupted = true;
        } else if (ack->error != 0) {
          throw_refusals({{0, what, ack->error, ack->text}});
        }
        done = true;
        break;
      }
      result.bytes_.insert(result.bytes_.end(), message->whole.begin(), message->whole.end());
      result.bytes_.resize(align4(result.bytes_.size()));
    }
  }
  return !interrupted;
}

Dump Socket::query(Request& request) {
  const std::uint32_t sequence = ++sequence_;
  patch(request.bytes_, offsetof(nlmsghdr, nlmsg_seq), sequence);
  const std::string& what = request.what(0);
  send(request.bytes_, what);
  const auto until = Clock::now() + options_.deadline;
  for (;;) {
    bool overflow = false;
    if (!receive(until, overflow, what)) {
      throw_operation("cannot " + what + ": the kernel did not answer in time");
    }
    for (ByteSpan rest(buffer_.data(), received_); const auto message = next_message(rest);) {
      if (message->sequence != sequence) {
        continue;
      }
      if (const auto ack = parse_ack(*message)) {
        if (ack->error != 0) {
          throw_refusals({{0, what, ack->error, ack->text}});
        }
        continue;
      }
      Dump result;
      result.bytes_.assign(message->whole.begin(), message->whole.end());
      return result;
    }
  }
}

// NOLINTNEXTLINE(readability-make-member-function-const): changes the socket
void Socket::join(std::uint32_t group) {
  set_option(fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, static_cast<int>(group),
             "the multicast group");
}

bool Socket::wait_event(std::chrono::milliseconds timeout) {
  bool overflow = false;
  const bool arrived = receive(Clock::now() + timeout, overflow, "wait for a netlink event");
  discard_answers();
  return arrived || overflow;
}

void Socket::discard_answers() {
  bool overflow = false;
  while (receive_now(overflow)) {
  }
}

std::size_t Socket::send_limit() const {
  int size = 0;
  socklen_t length = sizeof size;
  if (::getsockopt(fd(), SOL_SOCKET, SO_SNDBUF, &size, &length) < 0) {
    const int error = errno;
    throw_errno(error, "cannot read the send buffer of a netlink socket");
  }
  return static_cast<std::size_t>(size) - kSendReserve;
}

// NOLINTNEXTLINE(readability-make-member-function-const): changes the socket
bool Socket::reserve_send(std::size_t bytes) {
  if (bytes <= send_limit()) {
    return true;
  }
  // The kernel doubles what it is given, so this leaves slack for the next, slightly larger batch.
  const int wanted =
      static_cast<int>(std::min<std::size_t>(bytes, std::numeric_limits<int>::max() / 2));
  if (::setsockopt(fd(), SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof wanted) < 0) {
    set_option(fd(), SOL_SOCKET, SO_SNDBUF, wanted, "the send buffer");
  }
  return bytes <= send_limit();
}

void Socket::send(std::span<const std::byte> bytes, const std::string& what) {
  if (const int refused = admit(options_.gate, KernelCall::SendRequest); refused != 0) {
    throw_errno(refused, "cannot " + what, hint_for(refused));
  }
  for (;;) {
    const ssize_t sent = mnl_socket_sendto(socket_.get(), bytes.data(), bytes.size());
    const int error = errno;
    if (sent >= 0) {
      return;
    }
    if (error == EMSGSIZE) {
      throw_operation("cannot " + what + ": " + std::to_string(bytes.size()) +
                          " bytes do not fit the send buffer",
                      "raise net.core.wmem_max");
    }
    if (error != EINTR) {
      throw_errno(error, "cannot " + what, hint_for(error));
    }
  }
}

bool Socket::receive(Clock::time_point until, bool& overflow, const std::string& what) {
  for (;;) {
    if (receive_now(overflow)) {
      return true;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) {
      received_ = 0;
      return false;
    }
    pollfd waiting{fd(), POLLIN, 0};
    const auto timeout = static_cast<int>(std::min<decltype(left)>(left, 60'000));
    if (::poll(&waiting, 1, timeout) < 0 && errno != EINTR) {
      const int error = errno;
      throw_errno(error, "cannot " + what);
    }
  }
}

bool Socket::receive_now(bool& overflow) {
  for (;;) {
    received_ = 0;
    // Peeking with MSG_TRUNC tells the datagram's size before any of it can be cut off.
    const ssize_t pending =
        ::recv(fd(), buffer_.data(), buffer_.size(), MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    if (pending < 0) {
      const int error = errno;
      if (error == EAGAIN) {
        return false;
      }
      if (error == ENOBUFS) {
        overflow = true;
        continue;
      }
      if (error == EINTR) {
        continue;
      }
      throw_errno(error, "cannot read from a netlink socket");
    }
    if (static_cast<std::size_t>(pending) > buffer_.size()) {
      buffer_.resize(static_cast<std::size_t>(pending));
    }
    const ssize_t size = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
    if (size > 0) {
      received_ = static_cast<std::size_t>(size);
      return true;
    }
  }
}

}  // namespace tinet::netlink
