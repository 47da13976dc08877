#pragma once
/// What the wire's owner and the wire's process say to each other over a SOCK_SEQPACKET pair: one
/// message per datagram, little-endian, every length checked. Both ends are the same program, so a
/// different version is malformed. Pure.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "src/base/error.h"
#include "src/wire/shape.h"

namespace tinet {

/// No message is longer; the longest has a table of deviations.
inline constexpr std::size_t kWireMessageMax = 64U << 10U;
inline constexpr std::size_t kWireBurstsMax = 64;
inline constexpr std::size_t kWireReleaseMax = 16'384;

struct SetWireClass {
  std::uint16_t number = 0;
  WireShape shape{};
  friend bool operator==(const SetWireClass&, const SetWireClass&) = default;
};
struct RemoveWireClass {
  std::uint16_t number = 0;
  friend bool operator==(const RemoveWireClass&, const RemoveWireClass&) = default;
};
struct ReleaseWire {
  std::vector<std::uint16_t> numbers{};
  HeldPackets held = HeldPackets::Deliver;
  friend bool operator==(const ReleaseWire&, const ReleaseWire&) = default;
};
/// Answered when the packets that were queued before have been read, and so counted; in a flood
/// that the process cannot keep up with, some ten thousands of them.
struct SettleWire {
  friend bool operator==(const SettleWire&, const SettleWire&) = default;
};
/// Asks which classes the process has, so that they can be compared with what it was told.
struct ReadWireClasses {
  std::uint16_t after = 0;             ///< those with greater numbers
  std::uint16_t at_most = UINT16_MAX;  ///< so many, at least 1
  friend bool operator==(const ReadWireClasses&, const ReadWireClasses&) = default;
};
using WireRequest =
    std::variant<SetWireClass, RemoveWireClass, ReleaseWire, SettleWire, ReadWireClasses>;

/// The process listens to its queue. Unasked, once, with sequence 0.
struct WireReady {
  friend bool operator==(const WireReady&, const WireReady&) = default;
};
struct WireDone {
  friend bool operator==(const WireDone&, const WireDone&) = default;
};
/// The request was not done, or, with sequence 0, the process cannot start and ends.
struct WireFailed {
  ErrorKind kind = ErrorKind::Operation;
  std::string message{};
  std::string hint{};
  friend bool operator==(const WireFailed&, const WireFailed&) = default;
};
/// The answer to ReleaseWire.
struct WireReleased {
  std::uint64_t packets = 0;  ///< that were held
  friend bool operator==(const WireReleased&, const WireReleased&) = default;
};
/// The answer to ReadWireClasses; classes that were removed are not among them.
struct WireClassList {
  std::vector<SetWireClass> classes{};  ///< numbers ascend
  bool more = false;                    ///< there are greater numbers
  friend bool operator==(const WireClassList&, const WireClassList&) = default;
};
using WireReply = std::variant<WireReady, WireDone, WireFailed, WireReleased, WireClassList>;

/// A request or reply and the number that says which reply belongs to which request.
template <typename Body>
struct Numbered {
  std::uint32_t sequence = 0;
  Body body{};
  friend bool operator==(const Numbered&, const Numbered&) = default;
};

/// Bytes that a class takes in a message.
[[nodiscard]] std::size_t encoded_size(const WireShape& shape);

/// @throws Error Usage when a value is beyond what a message can say (number 0, too many bursts,
///         too long a table, a probability over 1)
[[nodiscard]] std::vector<std::byte> encode(const Numbered<WireRequest>& request);
[[nodiscard]] std::vector<std::byte> encode(const Numbered<WireReply>& reply);

/// @return nullopt when the bytes are not exactly one well-formed message
[[nodiscard]] std::optional<Numbered<WireRequest>> parse_wire_request(
    std::span<const std::byte> bytes);
[[nodiscard]] std::optional<Numbered<WireReply>> parse_wire_reply(std::span<const std::byte> bytes);

}  // namespace tinet
