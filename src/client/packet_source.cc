#include "src/client/packet_source.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include "src/base/error.h"

namespace tinet {

namespace {

/// Super-packets (GSO) of BIG TCP may be larger than 64 KiB; the rest of a larger one is cut off.
constexpr std::size_t kSnapshotBytes = 256U << 10U;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

std::int64_t to_ns(const timespec& time) noexcept {
  return std::int64_t{time.tv_sec} * kNanosecondsPerSecond + time.tv_nsec;
}

std::int64_t timestamp_of(msghdr& message) noexcept {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_TIMESTAMPNS) {
      timespec time{};
      std::memcpy(&time, CMSG_DATA(header), sizeof time);
      return to_ns(time);
    }
  }
  timespec now{};
  static_cast<void>(::clock_gettime(CLOCK_REALTIME, &now));
  return to_ns(now);
}

}  // namespace

PacketSource::PacketSource(UniqueFd socket) : socket_(std::move(socket)), buffer_(kSnapshotBytes) {
  const int yes = 1;
  if (::setsockopt(socket_.get(), SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) != 0) {
    throw_errno(errno, "cannot get timestamps of packets");
  }
}

std::optional<Packet> PacketSource::next() {
  for (;;) {
    sockaddr_ll link{};
    iovec part{buffer_.data(), buffer_.size()};
    alignas(cmsghdr) std::array<char, 256> control{};
    msghdr message{};
    message.msg_name = &link;
    message.msg_namelen = sizeof link;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto count = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_TRUNC);
    if (const int error = errno; count < 0) {
      if (error == EINTR || error == ENETDOWN) {
        continue;  // one interface went down; the socket listens to all of them
      }
      if (error == EAGAIN) {
        return std::nullopt;
      }
      throw_errno(error, "cannot read packets");
    }
    const bool is_loopback = link.sll_hatype == ARPHRD_LOOPBACK;
    const bool is_outgoing = link.sll_pkttype == PACKET_OUTGOING;
    if (is_loopback && is_outgoing) {
      continue;
    }
    const auto length = static_cast<std::size_t>(count);
    return Packet{.time_ns = timestamp_of(message),
                  .is_outgoing = is_outgoing,
                  .is_loopback = is_loopback,
                  .length = length,
                  .bytes = std::span(buffer_).first(std::min(length, buffer_.size()))};
  }
}

std::uint64_t PacketSource::missed() {
  tpacket_stats statistics{};
  socklen_t size = sizeof statistics;
  // Reading them resets them.
  if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &statistics, &size) == 0) {
    missed_ += statistics.tp_drops;
  }
  return missed_;
}

}  // namespace tinet
