#include "netns/netlink/dump.h"

#include <algorithm>
#include <limits>

#include <libmnl/libmnl.h>

#include "netns/netlink/align.h"

namespace tinet::netlink {

namespace {

/// libmnl counts bytes in int.
int clamp_to_int(std::size_t size) noexcept {
  return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

}  // namespace

std::optional<MessageView> next_message(ByteSpan& bytes) noexcept {
  const auto header = read_value<nlmsghdr>(bytes);
  // Asked about the copy, because the original may stand at any address. libmnl compares lengths as
  // int, so one over 2 GiB would pass it.
  if (!header || !mnl_nlmsg_ok(&*header, clamp_to_int(bytes.size())) ||
      header->nlmsg_len > bytes.size()) {
    return std::nullopt;
  }
  MessageView view;
  view.type = header->nlmsg_type;
  view.flags = header->nlmsg_flags;
  view.sequence = header->nlmsg_seq;
  view.port = header->nlmsg_pid;
  view.whole = bytes.first(header->nlmsg_len);
  view.payload = view.whole.subspan(sizeof(nlmsghdr));
  // The last message of a datagram may come without its padding.
  bytes = bytes.subspan(std::min(align4(header->nlmsg_len), bytes.size()));
  return view;
}

std::optional<AttributeView> next_attribute(ByteSpan& bytes) noexcept {
  const auto header = read_value<nlattr>(bytes);
  if (!header || !mnl_attr_ok(&*header, clamp_to_int(bytes.size()))) {
    return std::nullopt;
  }
  AttributeView view;
  view.type = mnl_attr_get_type(&*header);
  view.payload = bytes.first(header->nla_len).subspan(sizeof(nlattr));
  bytes = bytes.subspan(std::min(align4(header->nla_len), bytes.size()));
  return view;
}

ByteSpan attributes_after(ByteSpan payload, std::size_t header_size) noexcept {
  const std::size_t skip = align4(header_size);
  return payload.size() < skip ? ByteSpan{} : payload.subspan(skip);
}

std::optional<ByteSpan> find_attribute(ByteSpan attributes, std::uint16_t type) noexcept {
  while (const auto attribute = next_attribute(attributes)) {
    if (attribute->type == type) {
      return attribute->payload;
    }
  }
  return std::nullopt;
}

std::string_view as_text(ByteSpan bytes) noexcept {
  const auto end = std::find(bytes.begin(), bytes.end(), std::byte{0});
  // The bytes are characters that the kernel wrote; char may alias anything.
  return {reinterpret_cast<const char*>(bytes.data()),
          static_cast<std::size_t>(end - bytes.begin())};
}

}  // namespace tinet::netlink
