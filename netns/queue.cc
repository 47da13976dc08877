#include "netns/queue.h"

#include <array>
#include <cerrno>
#include <string>

#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include "netns/netlink/ack.h"
#include "src/base/error.h"

namespace tinet {
namespace {

/// Datagrams that one recvmmsg(2) takes. The kernel sends one per packet.
constexpr std::size_t kBurst = 64;
/// Metadata is about 100 bytes.
constexpr std::size_t kDatagramBytes = 1024;
/// The kernel works through a sendmsg(2) before it returns; so much at a time keeps packets moving.
constexpr std::size_t kFlushBytes = 32U << 10U;
constexpr std::uint32_t kBindSequence = 1;
/// The kernel answers inside sendmsg(2); only a lost answer takes that long.
constexpr int kAnswerMs = 5000;

void set_netlink_option(int fd, int option) {
  const int on = 1;
  if (::setsockopt(fd, SOL_NETLINK, option, &on, sizeof on) < 0) {
    const int error = errno;
    throw_errno(error, "cannot set an option of a packet queue's socket");
  }
}

std::string hint_for(int error) {
  switch (error) {
    case EPERM:
      // The kernel says the same to both.
      return "it takes CAP_NET_ADMIN, and no other socket may listen to the queue";
    case EINVAL:
      return "the kernel needs nfnetlink_queue: modprobe nfnetlink_queue";
    default:
      return {};
  }
}

}  // namespace

PacketQueue::PacketQueue(UniqueFd fd, const PacketQueueOptions& options)
    : fd_(std::move(fd)), verdicts_(options.number), buffer_(kBurst * kDatagramBytes) {
  if (const int refused = admit(options.gate, KernelCall::SendRequest); refused != 0) {
    throw_errno(refused, "cannot bind packet queue " + std::to_string(options.number));
  }
  const int room = options.receive_buffer_bytes;
  if (::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0) {
    // Without privilege the kernel gives what net.core.rmem_max allows, which is no error.
    static_cast<void>(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room));
  }
  // A full receive buffer drops packets either way; with this option the socket goes on at once
  // instead of refusing everything until it has been emptied.
  set_netlink_option(fd_.get(), NETLINK_NO_ENOBUFS);
  bind(options);
}

void PacketQueue::bind(const PacketQueueOptions& options) {
  const std::string what = "cannot bind packet queue " + std::to_string(options.number);
  // A socket that was not bound before is by its first message.
  const auto request = make_queue_bind(
      {.queue = options.number, .packets_max = options.packets_max, .fail_open = options.fail_open},
      kBindSequence);
  if (::send(fd_.get(), request.data(), request.size(), 0) < 0) {
    const int error = errno;
    throw_errno(error, what);
  }
  pollfd waiting{fd_.get(), POLLIN, 0};
  for (;;) {
    const int ready = ::poll(&waiting, 1, kAnswerMs);
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    if (ready <= 0) {
      throw_operation(what + ": the kernel did not answer in time");
    }
    if (const auto error = read_answer()) {
      if (*error == 0) {
        return;
      }
      throw_errno(*error, what, hint_for(*error));
    }
  }
}

std::optional<int> PacketQueue::read_answer() {
  const ssize_t size = ::recv(fd_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (size < 0) {
    const int error = errno;
    return error == EAGAIN || error == EINTR ? std::nullopt : std::optional(error);
  }
  netlink::ByteSpan rest(buffer_.data(), static_cast<std::size_t>(size));
  take(rest, early_);
  while (const auto message = netlink::next_message(rest)) {
    const auto ack = netlink::parse_ack(*message);
    if (ack && ack->sequence == kBindSequence) {
      return ack->error;
    }
  }
  return std::nullopt;
}

bool PacketQueue::receive(std::vector<QueuedPacket>& packets) {
  if (!early_.empty()) {
    packets.insert(packets.end(), early_.begin(), early_.end());
    early_.clear();
    return true;
  }
  std::array<mmsghdr, kBurst> headers{};
  std::array<iovec, kBurst> pieces{};
  for (std::size_t i = 0; i < kBurst; ++i) {
    pieces[i] = {buffer_.data() + i * kDatagramBytes, kDatagramBytes};
    headers[i].msg_hdr.msg_iov = &pieces[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  const int count = ::recvmmsg(fd_.get(), headers.data(), kBurst, MSG_DONTWAIT, nullptr);
  if (count < 0) {
    const int error = errno;
    if (error == EAGAIN) {
      return false;
    }
    if (error == EINTR || error == ENOBUFS) {
      return true;
    }
    throw_errno(error, "cannot read from a packet queue");
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    take({buffer_.data() + i * kDatagramBytes, headers[i].msg_len}, packets);
  }
  return static_cast<std::size_t>(count) == kBurst;
}

void PacketQueue::take(netlink::ByteSpan datagram, std::vector<QueuedPacket>& packets) {
  while (const auto message = netlink::next_message(datagram)) {
    // Everything else is an error about a verdict whose packet is gone, with its device.
    if (const auto packet = parse_queued_packet(*message)) {
      // A packet gets its number before its message is known to fit the receive buffer.
      missed_ += packet->id - last_id_ - 1U;
      last_id_ = packet->id;
      packets.push_back(*packet);
    }
  }
}

void PacketQueue::give(const GivenVerdict& given) {
  verdicts_.add(given);
  if (verdicts_.size_bytes() >= kFlushBytes) {
    flush();
  }
}

void PacketQueue::flush() {
  if (verdicts_.empty()) {
    return;
  }
  const auto bytes = verdicts_.finish();
  while (::send(fd_.get(), bytes.data(), bytes.size(), 0) < 0) {
    const int error = errno;
    if (error != EINTR) {
      throw_errno(error, "cannot give verdicts to a packet queue");
    }
  }
  verdicts_.clear();
}

}  // namespace tinet
