#pragma once
/// Netlink messages from literal bytes, for tests of parsers, and the walk over all parsers that
/// the fuzz target and the replay of its corpus share.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "netns/netlink/ack.h"
#include "netns/netlink/dump.h"
#include "netns/queue_message.h"

namespace tinet::testing {

/// {0x10, 0, ...} as bytes.
[[nodiscard]] inline std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) {
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

/// Reads `bytes` with every parser of netlink messages, nested attributes included.
/// @return something that depends on all of what was read, so that nothing is optimised away
[[nodiscard]] inline std::size_t walk_netlink(netlink::ByteSpan bytes) {
  std::size_t seen = 0;
  const auto walk = [&seen](netlink::ByteSpan attributes, int depth, const auto& self) -> void {
    netlink::for_each_attribute(attributes, [&](const netlink::AttributeView& attribute) {
      seen += attribute.type + netlink::as_text(attribute.payload).size();
      if (depth < 4) {
        self(attribute.payload, depth + 1, self);
      }
    });
  };
  while (const auto message = netlink::next_message(bytes)) {
    if (const auto ack = netlink::parse_ack(*message)) {
      seen += ack->text.size() + static_cast<std::size_t>(ack->error != 0) + ack->offset;
    }
    if (const auto packet = parse_queued_packet(*message)) {
      seen += packet->id + packet->mark + packet->in.value + packet->out.value;
    }
    for (const std::size_t header : {4U, 8U, 12U, 16U, 20U}) {
      const auto attributes = netlink::attributes_after(message->payload, header);
      walk(attributes, 0, walk);
      seen += netlink::find_attribute(attributes, 1).has_value() ? 1U : 0U;
    }
  }
  return seen;
}

}  // namespace tinet::testing
