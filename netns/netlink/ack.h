#pragma once
/// Bytes in: the kernel's verdict on a request (NLMSG_ERROR, with extended ACK) and the end of a
/// dump (NLMSG_DONE). Pure; never trusts a length.

#include <cstdint>
#include <optional>
#include <string>

#include "netns/netlink/dump.h"

namespace tinet::netlink {

/// What the kernel says about one request message.
struct Ack {
  std::uint32_t sequence = 0;
  int error = 0;             ///< errno, 0 for success
  std::string text{};        ///< the kernel's own words (NLMSGERR_ATTR_MSG), often empty
  std::uint32_t offset = 0;  ///< byte in the request that is wrong; 0 when it did not say
};

/// Reads an NLMSG_ERROR or NLMSG_DONE message; nullopt when it is neither or is malformed. A DONE
/// without a code is success.
/// @see netlink(7), Linux include/uapi/linux/netlink.h
[[nodiscard]] std::optional<Ack> parse_ack(const MessageView& message);

}  // namespace tinet::netlink
