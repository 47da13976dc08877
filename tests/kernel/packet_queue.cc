#include "tests/kernel/packet_queue.h"

#include <array>
#include <cerrno>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <poll.h>
#include <sys/socket.h>

#include "src/base/error.h"

namespace tinet::testing {
namespace {

netlink::Request& begin(netlink::Request& request, int type, std::uint16_t flags,
                        std::uint16_t queue, const char* what) {
  nfgenmsg header{};
  header.version = NFNETLINK_V0;
  header.res_id = htons(queue);
  return request
      .begin(static_cast<std::uint16_t>(NFNL_SUBSYS_QUEUE << 8U | static_cast<unsigned>(type)),
             flags, what)
      .put_header(header);
}

std::optional<std::uint32_t> number(netlink::ByteSpan attributes, std::uint16_t type) {
  const auto found = netlink::find_attribute(attributes, type);
  const auto value = found ? netlink::read_value<std::uint32_t>(*found) : std::nullopt;
  return value ? std::optional(ntohl(*value)) : std::nullopt;
}

}  // namespace

PacketQueue::PacketQueue(netlink::Socket socket, std::uint16_t queue)
    : socket_(std::move(socket)), number_(queue) {
  nfqnl_msg_config_cmd bind{};
  bind.command = NFQNL_CFG_CMD_BIND;
  nfqnl_msg_config_params params{};
  params.copy_mode = NFQNL_COPY_META;
  params.copy_range = htonl(0xffff);
  netlink::Request request;
  begin(request, NFQNL_MSG_CONFIG, 0, number_, "bind a packet queue").put_value(NFQA_CFG_CMD, bind);
  begin(request, NFQNL_MSG_CONFIG, 0, number_, "configure a packet queue")
      .put_value(NFQA_CFG_PARAMS, params)
      .put_u32(NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO))
      .put_u32(NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO));
  socket_.execute(request);
}

std::optional<QueuedPacket> PacketQueue::next(int wait_ms) {
  pollfd waiting{socket_.fd(), POLLIN, 0};
  if (::poll(&waiting, 1, wait_ms) != 1) {
    return std::nullopt;
  }
  std::array<std::byte, 65'536> buffer{};
  const ssize_t size = ::recv(socket_.fd(), buffer.data(), buffer.size(), 0);
  if (size <= 0) {
    return std::nullopt;
  }
  netlink::ByteSpan rest(buffer.data(), static_cast<std::size_t>(size));
  const auto message = netlink::next_message(rest);
  if (!message) {
    return std::nullopt;
  }
  const auto attributes = netlink::attributes_after(message->payload, sizeof(nfgenmsg));
  const auto bytes = netlink::find_attribute(attributes, NFQA_PACKET_HDR);
  const auto header = bytes ? netlink::read_value<nfqnl_msg_packet_hdr>(*bytes) : std::nullopt;
  if (!header) {
    return std::nullopt;
  }
  QueuedPacket packet;
  packet.id = ntohl(header->packet_id);
  packet.hook = header->hook;
  packet.protocol = ntohs(header->hw_protocol);
  packet.mark = number(attributes, NFQA_MARK);
  packet.in = number(attributes, NFQA_IFINDEX_INDEV);
  packet.out = number(attributes, NFQA_IFINDEX_OUTDEV);
  packet.physical_in = number(attributes, NFQA_IFINDEX_PHYSINDEV);
  packet.physical_out = number(attributes, NFQA_IFINDEX_PHYSOUTDEV);
  return packet;
}

void PacketQueue::accept(const QueuedPacket& packet) {
  nfqnl_msg_verdict_hdr verdict{};
  verdict.verdict = htonl(NF_ACCEPT);
  verdict.id = htonl(packet.id);
  netlink::Request request;
  begin(request, NFQNL_MSG_VERDICT, 0, number_, "let a packet pass")
      .put_value(NFQA_VERDICT_HDR, verdict);
  // Not through execute(): while it waits for an answer it would read the next packet.
  const auto bytes = request.bytes();
  if (::send(socket_.fd(), bytes.data(), bytes.size(), 0) < 0) {
    const int error = errno;
    throw_errno(error, "cannot let a packet pass");
  }
}

}  // namespace tinet::testing
