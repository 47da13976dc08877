#pragma once
/// What the kernel lists -> plain data, through libnftnl. Pure; internal to netns/nft.

#include <optional>
#include <vector>

#include "netns/netlink/dump.h"
#include "netns/nft/objects.h"
#include "netns/nft/rule.h"
#include "netns/nft/types.h"

struct nlmsghdr;

namespace tinet::nft {

/// The message as libnftnl reads it. A Dump keeps every message aligned for its header.
[[nodiscard]] inline const nlmsghdr* aligned_header(const netlink::MessageView& message) {
  return reinterpret_cast<const nlmsghdr*>(message.whole.data());
}

/// Each takes one message of the matching dump; nullopt when libnftnl can't read it.
[[nodiscard]] std::optional<Table> decode_table(const netlink::MessageView& message);
[[nodiscard]] std::optional<Chain> decode_chain(const netlink::MessageView& message);
[[nodiscard]] std::optional<Rule> decode_rule(const netlink::MessageView& message);
[[nodiscard]] std::optional<SetSpec> decode_set(const netlink::MessageView& message);
/// nullopt for other kinds of objects.
[[nodiscard]] std::optional<Counter> decode_counter(const netlink::MessageView& message);
[[nodiscard]] std::optional<LimitObject> decode_limit(const netlink::MessageView& message);
[[nodiscard]] std::optional<QuotaObject> decode_quota(const netlink::MessageView& message);
/// Appends the message's elements.
void decode_elements(const netlink::MessageView& message, std::vector<Element>& elements);

}  // namespace tinet::nft
