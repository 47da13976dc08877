#pragma once
/// What a wire's process does, asked behind the back of its owner, which must be in this process
/// and idle meanwhile.

#include <cstdint>
#include <map>
#include <set>

#include "src/wire/protocol.h"

namespace tinet::testing {

/// The owners' ends of all wires of this process.
[[nodiscard]] std::set<int> wire_controls();

/// Asks a wire, or tells it something that its owner does not know. @throws Error
WireReply ask_wire(int control, const WireRequest& request);

/// The classes that it has. @throws Error
[[nodiscard]] std::map<std::uint16_t, WireShape> read_wire(int control);

}  // namespace tinet::testing
