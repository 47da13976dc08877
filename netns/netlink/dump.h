#pragma once
/// Bytes in: walking received netlink messages and their attributes. Pure, for foreign bytes: every
/// length is checked against what is there, headers are copied out, nothing is assumed aligned.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tinet::netlink {

using ByteSpan = std::span<const std::byte>;

/// Copies a value from the front of `bytes`; nullopt when there are too few.
template <typename Value>
[[nodiscard]] std::optional<Value> read_value(ByteSpan bytes) noexcept {
  static_assert(std::is_trivially_copyable_v<Value>);
  if (bytes.size() < sizeof(Value)) {
    return std::nullopt;
  }
  Value value;
  std::memcpy(&value, bytes.data(), sizeof(Value));
  return value;
}

/// One received message; `payload` points into the buffer it was read from.
struct MessageView {
  std::uint16_t type = 0;
  std::uint16_t flags = 0;
  std::uint32_t sequence = 0;
  std::uint32_t port = 0;
  ByteSpan payload;  ///< after the netlink header
  ByteSpan whole;    ///< header included
};

/// Takes the first message off `bytes`; nullopt when none is left or the rest is malformed (in
/// which case `bytes` keeps it).
[[nodiscard]] std::optional<MessageView> next_message(ByteSpan& bytes) noexcept;

/// One attribute; `type` is without NLA_F_NESTED and NLA_F_NET_BYTEORDER.
struct AttributeView {
  std::uint16_t type = 0;
  ByteSpan payload;
};

/// Takes the first attribute off `bytes`; nullopt when none is left or the rest is malformed.
[[nodiscard]] std::optional<AttributeView> next_attribute(ByteSpan& bytes) noexcept;

/// The attributes after a fixed header of `header_size` bytes; empty when the payload is shorter.
[[nodiscard]] ByteSpan attributes_after(ByteSpan payload, std::size_t header_size) noexcept;

/// First attribute of that type; an empty optional when it is missing.
[[nodiscard]] std::optional<ByteSpan> find_attribute(ByteSpan attributes,
                                                     std::uint16_t type) noexcept;

/// Text up to the first NUL or the end.
[[nodiscard]] std::string_view as_text(ByteSpan bytes) noexcept;

/// Calls `visit(AttributeView)` for each attribute, up to the first malformed one.
template <typename Visit>
void for_each_attribute(ByteSpan attributes, Visit&& visit) {
  while (const auto attribute = next_attribute(attributes)) {
    visit(*attribute);
  }
}

}  // namespace tinet::netlink
