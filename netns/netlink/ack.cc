#include "netns/netlink/ack.h"

#include <limits>

#include <linux/netlink.h>

#include "netns/netlink/align.h"

namespace tinet::netlink {
namespace {

// NLMSG_ERROR repeats the request's header, and, unless NLM_F_CAPPED says otherwise, its payload;
// only then come the attributes.
ByteSpan error_attributes(const MessageView& message) {
  const auto repeated = read_value<nlmsghdr>(message.payload.subspan(offsetof(nlmsgerr, msg)));
  std::size_t skip = sizeof(nlmsgerr);
  if (repeated && (message.flags & NLM_F_CAPPED) == 0) {
    if (repeated->nlmsg_len < sizeof(nlmsghdr)) {
      return {};
    }
    skip = offsetof(nlmsgerr, msg) + align4(repeated->nlmsg_len);
  }
  return attributes_after(message.payload, skip);
}

void read_extended(ByteSpan attributes, Ack& ack) {
  for_each_attribute(attributes, [&](const AttributeView& attribute) {
    if (attribute.type == NLMSGERR_ATTR_MSG) {
      ack.text = as_text(attribute.payload);
    } else if (attribute.type == NLMSGERR_ATTR_OFFS) {
      ack.offset = read_value<std::uint32_t>(attribute.payload).value_or(0);
    }
  });
}

int to_errno(int code) {
  // Errors are negative; anything else would be a message that is not from the kernel.
  return code < 0 && code > std::numeric_limits<int>::min() ? -code : 0;
}

}  // namespace

std::optional<Ack> parse_ack(const MessageView& message) {
  Ack ack;
  ack.sequence = message.sequence;
  if (message.type == NLMSG_DONE) {
    ack.error = to_errno(read_value<int>(message.payload).value_or(0));
    if ((message.flags & NLM_F_ACK_TLVS) != 0) {
      read_extended(attributes_after(message.payload, sizeof(int)), ack);
    }
    return ack;
  }
  if (message.type != NLMSG_ERROR || message.payload.size() < sizeof(nlmsgerr)) {
    return std::nullopt;
  }
  ack.error = to_errno(*read_value<int>(message.payload));
  if ((message.flags & NLM_F_ACK_TLVS) != 0) {
    read_extended(error_attributes(message), ack);
  }
  return ack;
}

}  // namespace tinet::netlink
