#pragma once
/// Writing and reading little-endian values of the wire's protocol. Pure.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tinet {

class ByteWriter {
 public:
  template <std::integral Value>
  ByteWriter& put(Value value) {
    auto rest = static_cast<std::uint64_t>(value);
    for (std::size_t i = 0; i < sizeof(Value); ++i) {
      bytes_.push_back(static_cast<std::byte>(rest & 0xffU));
      rest >>= 8U;
    }
    return *this;
  }
  /// With its length, cut at 65535 bytes.
  ByteWriter& put_text(std::string_view text) {
    text = text.substr(0, UINT16_MAX);
    put(static_cast<std::uint16_t>(text.size()));
    for (const char c : text) {
      bytes_.push_back(static_cast<std::byte>(c));
    }
    return *this;
  }
  [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

/// Reads from foreign bytes: what is not there, or not allowed, reads as 0 and makes the reader
/// bad, for good.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) noexcept : rest_(bytes) {}

  template <std::integral Value>
  [[nodiscard]] Value get() noexcept {
    if (bad_ || rest_.size() < sizeof(Value)) {
      bad_ = true;
      return {};
    }
    std::uint64_t value = 0;
    for (std::size_t i = sizeof(Value); i-- > 0;) {
      value = (value << 8U) | std::to_integer<std::uint64_t>(rest_[i]);
    }
    rest_ = rest_.subspan(sizeof(Value));
    return static_cast<Value>(value);
  }
  /// A number from `low` to `high`.
  template <std::integral Value>
  [[nodiscard]] Value get_within(Value low, Value high) noexcept {
    const Value value = get<Value>();
    if (bad_ || value < low || value > high) {
      bad_ = true;
      return low;
    }
    return value;
  }
  [[nodiscard]] bool get_bool() noexcept { return get_within<std::uint8_t>(0, 1) == 1; }
  [[nodiscard]] std::string get_text() {
    const std::size_t size = get<std::uint16_t>();
    if (bad_ || rest_.size() < size) {
      bad_ = true;
      return {};
    }
    std::string text;
    text.reserve(size);
    for (const std::byte byte : rest_.first(size)) {
      text.push_back(std::to_integer<char>(byte));
    }
    rest_ = rest_.subspan(size);
    return text;
  }
  void fail() noexcept { bad_ = true; }

  [[nodiscard]] bool bad() const noexcept { return bad_; }
  /// Everything was read, and nothing was wrong.
  [[nodiscard]] bool done() const noexcept { return !bad_ && rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
  bool bad_ = false;
};

}  // namespace tinet
