#include "netns/netlink/message.h"

#include <limits>
#include <stdexcept>
#include <utility>

#include <linux/netlink.h>

#include "netns/netlink/align.h"

namespace tinet::netlink {
namespace {

constexpr std::size_t kHeaderSize = sizeof(nlmsghdr);
constexpr std::size_t kAttributeHeaderSize = sizeof(nlattr);

std::uint16_t attribute_length(std::size_t payload) {
  const std::size_t length = kAttributeHeaderSize + payload;
  if (length > std::numeric_limits<std::uint16_t>::max()) {
    throw std::length_error("netlink attribute of " + std::to_string(length) + " bytes");
  }
  return static_cast<std::uint16_t>(length);
}

}  // namespace

Request& Request::begin(std::uint16_t type, std::uint16_t flags, std::string what) {
  offsets_.push_back(bytes_.size());
  what_.push_back(std::move(what));
  nlmsghdr header{};
  header.nlmsg_len = kHeaderSize;
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  append(std::as_bytes(std::span(&header, 1)));
  return *this;
}

Request& Request::put_raw(std::span<const std::byte> bytes) {
  append(bytes);
  finish_append();
  return *this;
}

Request& Request::put_bytes(std::uint16_t type, std::span<const std::byte> value) {
  nlattr header{};
  header.nla_type = type;
  header.nla_len = attribute_length(value.size());
  append(std::as_bytes(std::span(&header, 1)));
  append(value);
  finish_append();
  return *this;
}

Request& Request::put_string(std::uint16_t type, std::string_view value) {
  const std::string text(value);
  return put_bytes(type, std::as_bytes(std::span(text.c_str(), text.size() + 1)));
}

std::size_t Request::open_nest(std::uint16_t type) {
  const std::size_t start = bytes_.size();
  nlattr header{};
  header.nla_type = static_cast<std::uint16_t>(type | NLA_F_NESTED);
  append(std::as_bytes(std::span(&header, 1)));
  finish_append();
  return start;
}

Request& Request::close_nest(std::size_t start) {
  const std::uint16_t length = attribute_length(bytes_.size() - start - kAttributeHeaderSize);
  std::memcpy(bytes_.data() + start + offsetof(nlattr, nla_len), &length, sizeof length);
  return *this;
}

std::span<const std::byte> Request::message(std::size_t index) const {
  const std::size_t begin = offsets_.at(index);
  const std::size_t end = index + 1 < offsets_.size() ? offsets_[index + 1] : bytes_.size();
  return std::span(bytes_).subspan(begin, end - begin);
}

void Request::clear() noexcept {
  bytes_.clear();
  offsets_.clear();
  what_.clear();
}

void Request::append(std::span<const std::byte> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void Request::finish_append() {
  if (offsets_.empty()) {
    throw std::logic_error("netlink attribute before any message was begun");
  }
  bytes_.resize(align4(bytes_.size()));
  const std::size_t start = offsets_.back();
  const std::size_t length = bytes_.size() - start;
  if (length > std::numeric_limits<std::uint32_t>::max()) {
    throw std::length_error("netlink message of " + std::to_string(length) + " bytes");
  }
  const auto field = static_cast<std::uint32_t>(length);
  std::memcpy(bytes_.data() + start + offsetof(nlmsghdr, nlmsg_len), &field, sizeof field);
}

}  // namespace tinet::netlink
