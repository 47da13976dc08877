#include "netns/netlink/message.h"

#include <limits>
#include <stdexcept>
#include <utility>

#include <libmnl/libmnl.h>

#include "netns/netlink/align.h"

namespace tinet::netlink {
namespace {

/// @throws std::length_error for a payload whose length does not fit the 16 bits of nla_len
void check_attribute_length(std::size_t payload) {
  const std::size_t length = sizeof(nlattr) + payload;
  if (length > std::numeric_limits<std::uint16_t>::max()) {
    throw std::length_error("netlink attribute of " + std::to_string(length) + " bytes");
  }
}

}  // namespace

nlmsghdr* Request::reserve(std::size_t payload) {
  if (offsets_.empty()) {
    throw std::logic_error("netlink attribute before any message was begun");
  }
  // An attribute header, the payload and its padding; settle() gives back what was not used.
  bytes_.resize(bytes_.size() + sizeof(nlattr) + align4(payload));
  // Messages start at multiples of four in a buffer from operator new: aligned for a header.
  return reinterpret_cast<nlmsghdr*>(bytes_.data() + offsets_.back());
}

std::size_t Request::room() const noexcept {
  return bytes_.size() - offsets_.back();
}

Request& Request::settle(const nlmsghdr* header) {
  bytes_.resize(offsets_.back() + align4(header->nlmsg_len));
  return *this;
}

Request& Request::begin(std::uint16_t type, std::uint16_t flags, std::string what) {
  offsets_.push_back(bytes_.size());
  what_.push_back(std::move(what));
  bytes_.resize(bytes_.size() + align4(sizeof(nlmsghdr)));
  nlmsghdr* header = mnl_nlmsg_put_header(bytes_.data() + offsets_.back());
  header->nlmsg_type = type;
  header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  return *this;
}

Request& Request::put_raw(std::span<const std::byte> bytes) {
  nlmsghdr* header = reserve(bytes.size());
  std::memcpy(mnl_nlmsg_put_extra_header(header, bytes.size()), bytes.data(), bytes.size());
  return settle(header);
}

Request& Request::put_bytes(std::uint16_t type, std::span<const std::byte> value) {
  check_attribute_length(value.size());
  nlmsghdr* header = reserve(value.size());
  if (!mnl_attr_put_check(header, room(), type, value.size(), value.data())) {
    throw std::length_error("netlink attribute exceeds its message");
  }
  return settle(header);
}

Request& Request::put_string(std::uint16_t type, std::string_view value) {
  const std::string text(value);
  return put_bytes(type, std::as_bytes(std::span(text.c_str(), text.size() + 1)));
}

std::size_t Request::open_nest(std::uint16_t type) {
  nlmsghdr* header = reserve(0);
  const nlattr* nest = mnl_attr_nest_start_check(header, room(), type);
  if (nest == nullptr) {
    throw std::length_error("netlink nest exceeds its message");
  }
  const auto start = reinterpret_cast<const std::byte*>(nest) - bytes_.data();
  settle(header);
  return static_cast<std::size_t>(start);
}

Request& Request::close_nest(std::size_t start) {
  check_attribute_length(bytes_.size() - start - sizeof(nlattr));
  auto* header = reinterpret_cast<nlmsghdr*>(bytes_.data() + offsets_.back());
  mnl_attr_nest_end(header, reinterpret_cast<nlattr*>(bytes_.data() + start));
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

}  // namespace tinet::netlink
