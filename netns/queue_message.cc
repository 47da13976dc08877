#include "netns/queue_message.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>

#include "netns/netlink/message.h"

namespace tinet {
namespace {

// The values of linux/netfilter.h, which does not go together with the C library's headers.
constexpr std::uint32_t kVerdictDrop = 0;
constexpr std::uint32_t kVerdictAccept = 1;

constexpr std::uint16_t message_type(unsigned message) {
  return static_cast<std::uint16_t>((NFNL_SUBSYS_QUEUE << 8U) | message);
}

nfgenmsg queue_header(std::uint16_t queue) {
  nfgenmsg header{};
  header.nfgen_family = AF_UNSPEC;
  header.version = NFNETLINK_V0;
  header.res_id = htons(queue);
  return header;
}

std::uint32_t network_u32(netlink::ByteSpan bytes) noexcept {
  return ntohl(netlink::read_value<std::uint32_t>(bytes).value_or(0));
}

struct VerdictMessage {
  nlmsghdr header;
  nfgenmsg queue;
  nlattr attribute;
  nfqnl_msg_verdict_hdr verdict;
  // Only in messages that change the mark.
  nlattr mark_attribute;
  std::uint32_t mark;
};
constexpr std::size_t kWithoutMark = offsetof(VerdictMessage, mark_attribute);
static_assert(kWithoutMark == 32 && sizeof(VerdictMessage) == 40,
              "no padding between the parts of a netlink message");

std::size_t verdict_size(const GivenVerdict& given) noexcept {
  return given.mark ? sizeof(VerdictMessage) : kWithoutMark;
}

}  // namespace

std::optional<QueuedPacket> parse_queued_packet(const netlink::MessageView& message) noexcept {
  if (message.type != message_type(NFQNL_MSG_PACKET)) {
    return std::nullopt;
  }
  QueuedPacket packet;
  IfIndex device_in;
  IfIndex device_out;
  bool named = false;
  netlink::ByteSpan rest = netlink::attributes_after(message.payload, sizeof(nfgenmsg));
  while (const auto attribute = netlink::next_attribute(rest)) {
    switch (attribute->type) {
      case NFQA_PACKET_HDR:
        if (const auto header = netlink::read_value<nfqnl_msg_packet_hdr>(attribute->payload)) {
          packet.id = ntohl(header->packet_id);
          named = true;
        }
        break;
      case NFQA_MARK:
        packet.mark = network_u32(attribute->payload);
        break;
      case NFQA_IFINDEX_INDEV:
        device_in.value = network_u32(attribute->payload);
        break;
      case NFQA_IFINDEX_OUTDEV:
        device_out.value = network_u32(attribute->payload);
        break;
      case NFQA_IFINDEX_PHYSINDEV:
        packet.in.value = network_u32(attribute->payload);
        break;
      case NFQA_IFINDEX_PHYSOUTDEV:
        packet.out.value = network_u32(attribute->payload);
        break;
      default:
        break;
    }
  }
  if (!named) {
    return std::nullopt;
  }
  if (packet.in.value == 0) {
    packet.in = device_in;
  }
  if (packet.out.value == 0) {
    packet.out = device_out;
  }
  return packet;
}

std::vector<std::byte> make_queue_bind(const QueueBind& bind, std::uint32_t sequence) {
  nfqnl_msg_config_cmd command{};
  command.command = NFQNL_CFG_CMD_BIND;
  nfqnl_msg_config_params params{};
  params.copy_mode = NFQNL_COPY_META;
  const std::uint32_t flags =
      NFQA_CFG_F_GSO | (bind.fail_open ? std::uint32_t{NFQA_CFG_F_FAIL_OPEN} : 0U);
  netlink::Request request;
  // One message for all: between two, packets would find a queue that copies nothing, which drops
  // them.
  request.begin(message_type(NFQNL_MSG_CONFIG), NLM_F_ACK, "bind a packet queue")
      .put_header(queue_header(bind.queue))
      .put_value(NFQA_CFG_CMD, command)
      .put_value(NFQA_CFG_PARAMS, params)
      .put_u32(NFQA_CFG_QUEUE_MAXLEN, htonl(bind.packets_max))
      .put_u32(NFQA_CFG_FLAGS, htonl(flags))
      .put_u32(NFQA_CFG_MASK, htonl(flags));
  std::vector<std::byte> bytes(request.bytes().begin(), request.bytes().end());
  std::memcpy(bytes.data() + offsetof(nlmsghdr, nlmsg_seq), &sequence, sizeof sequence);
  return bytes;
}

void VerdictWriter::add(const GivenVerdict& given) {
  const bool fits =
      given.oldest && given.verdict == run_last_.verdict && given.mark == run_last_.mark;
  if (run_ > 0 && !fits) {
    put_run();
  }
  if (!given.oldest) {
    put(message_type(NFQNL_MSG_VERDICT), given);
    return;
  }
  ++run_;
  run_last_ = given;
}

std::span<const std::byte> VerdictWriter::finish() {
  put_run();
  return bytes_;
}

std::size_t VerdictWriter::size_bytes() const noexcept {
  return bytes_.size() + (run_ > 0 ? verdict_size(run_last_) : 0);
}

void VerdictWriter::clear() noexcept {
  bytes_.clear();
  run_ = 0;
}

void VerdictWriter::put(std::uint16_t type, const GivenVerdict& given) {
  VerdictMessage message{};
  const std::size_t size = verdict_size(given);
  message.header.nlmsg_len = static_cast<std::uint32_t>(size);
  message.header.nlmsg_type = type;
  message.header.nlmsg_flags = NLM_F_REQUEST;
  message.queue = queue_header(queue_);
  message.attribute.nla_len = sizeof(nlattr) + sizeof(nfqnl_msg_verdict_hdr);
  message.attribute.nla_type = NFQA_VERDICT_HDR;
  message.verdict.verdict =
      htonl(given.verdict == PacketVerdict::Accept ? kVerdictAccept : kVerdictDrop);
  message.verdict.id = htonl(given.id);
  message.mark_attribute.nla_len = sizeof(nlattr) + sizeof message.mark;
  message.mark_attribute.nla_type = NFQA_MARK;
  message.mark = htonl(given.mark.value_or(0));
  const auto raw = std::as_bytes(std::span(&message, 1)).first(size);
  bytes_.insert(bytes_.end(), raw.begin(), raw.end());
}

void VerdictWriter::put_run() {
  if (run_ > 0) {
    // A batch speaks for every packet up to the one it names, which for a single one is a detour.
    put(message_type(run_ > 1 ? NFQNL_MSG_VERDICT_BATCH : NFQNL_MSG_VERDICT), run_last_);
    run_ = 0;
  }
}

}  // namespace tinet
