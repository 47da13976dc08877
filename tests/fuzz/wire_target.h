#pragma once
/// What the fuzz target of the wire's protocol and the replay of its corpus share.

#include <cstddef>
#include <span>

#include "src/base/error.h"
#include "src/wire/protocol.h"

namespace tinet::testing {

/// Reads `bytes` as a request and as a reply. What was understood must be said the same way again.
/// @return something that depends on all of what was read, so that nothing is optimised away
[[nodiscard]] inline std::size_t walk_wire(std::span<const std::byte> bytes) {
  std::size_t seen = 0;
  if (const auto request = parse_wire_request(bytes)) {
    const auto again = encode(*request);
    TINET_ASSERT(parse_wire_request(again) == request);
    seen += again.size() + request->body.index();
  }
  if (const auto reply = parse_wire_reply(bytes)) {
    // Long texts are cut, so only what comes back has to be stable.
    const auto again = parse_wire_reply(encode(*reply));
    TINET_ASSERT(again.has_value());
    seen += encode(*again).size() + reply->body.index();
  }
  return seen;
}

}  // namespace tinet::testing
