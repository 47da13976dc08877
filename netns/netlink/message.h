#pragma once
/// Bytes out: netlink messages as values, written by libmnl into a buffer that grows. Pure; a
/// Socket sends them.
///
///     Request request;
///     request.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, "create bridge 'br0'")
///         .put_header(ifinfomsg{})
///         .put_string(IFLA_IFNAME, "br0")
///         .nest(IFLA_LINKINFO, [&] { request.put_string(IFLA_INFO_KIND, "bridge"); });

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "netns/inet.h"

struct nlmsghdr;

namespace tinet::netlink {

/// Several messages in a row, each with a description for its error. Attributes go to the message
/// that was begun last.
class Request {
 public:
  /// Starts a message; NLM_F_REQUEST is added, the sequence number is filled in when it is sent.
  /// @param what verb and object of the error message, e.g. "create bridge 'br0'"
  Request& begin(std::uint16_t type, std::uint16_t flags, std::string what);

  /// Appends the family's fixed header (ifinfomsg, ifaddrmsg, ...), padded to four bytes.
  template <typename Header>
  Request& put_header(const Header& header) {
    static_assert(std::is_trivially_copyable_v<Header>);
    return put_raw(std::as_bytes(std::span(&header, 1)));
  }

  /// Appends one attribute. @throws std::length_error when it exceeds 65535 bytes, a bug
  Request& put_bytes(std::uint16_t type, std::span<const std::byte> value);
  Request& put_u8(std::uint16_t type, std::uint8_t value) { return put_value(type, value); }
  Request& put_u16(std::uint16_t type, std::uint16_t value) { return put_value(type, value); }
  Request& put_u32(std::uint16_t type, std::uint32_t value) { return put_value(type, value); }
  Request& put_u64(std::uint16_t type, std::uint64_t value) { return put_value(type, value); }
  /// With its terminating NUL.
  Request& put_string(std::uint16_t type, std::string_view value);
  Request& put_address(std::uint16_t type, const IpAddress& address) {
    return put_bytes(type, std::as_bytes(address.bytes()));
  }
  Request& put_mac(std::uint16_t type, const MacAddress& mac) {
    return put_bytes(type, std::as_bytes(std::span(mac.bytes)));
  }
  template <typename Value>
  Request& put_value(std::uint16_t type, const Value& value) {
    static_assert(std::is_trivially_copyable_v<Value>);
    return put_bytes(type, std::as_bytes(std::span(&value, 1)));
  }

  /// Appends an attribute that holds what `body` appends.
  template <typename Body>
  Request& nest(std::uint16_t type, Body&& body) {
    const std::size_t start = open_nest(type);
    body();
    return close_nest(start);
  }

  [[nodiscard]] bool empty() const noexcept { return offsets_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return offsets_.size(); }
  /// Bytes of message `index`, its header included.
  [[nodiscard]] std::span<const std::byte> message(std::size_t index) const;
  [[nodiscard]] const std::string& what(std::size_t index) const { return what_.at(index); }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  void clear() noexcept;

 private:
  friend class Socket;
  Request& put_raw(std::span<const std::byte> bytes);
  std::size_t open_nest(std::uint16_t type);
  Request& close_nest(std::size_t start);
  /// Makes room for an attribute of `payload` bytes; the header of the last message, which is valid
  /// until the buffer grows again. @throws std::logic_error before any message was begun
  nlmsghdr* reserve(std::size_t payload);
  /// Bytes that the last message may have by now.
  [[nodiscard]] std::size_t room() const noexcept;
  /// Cuts the buffer to the length that the last message has.
  Request& settle(const nlmsghdr* header);

  std::vector<std::byte> bytes_;
  std::vector<std::size_t> offsets_;
  std::vector<std::string> what_;
};

}  // namespace tinet::netlink
