#include "netns/nft/types.h"

#include <algorithm>
#include <utility>

#include <arpa/inet.h>

namespace tinet::nft {
namespace {

constexpr std::size_t kFieldAlign = 4;
constexpr std::size_t kNameSize = 16;

constexpr std::size_t padded(std::size_t size) {
  return (size + kFieldAlign - 1) / kFieldAlign * kFieldAlign;
}

std::uint32_t size_of_fields(const std::vector<Datatype>& fields) noexcept {
  if (fields.size() == 1) {
    return size_of(fields.front());
  }
  std::size_t size = 0;
  for (const Datatype field : fields) {
    size += padded(size_of(field));
  }
  return static_cast<std::uint32_t>(size);
}

}  // namespace

std::string_view to_string(Family family) noexcept {
  switch (family) {
    case Family::Any:
      return "any";
    case Family::Inet:
      return "inet";
    case Family::Ipv4:
      return "ip";
    case Family::Netdev:
      return "netdev";
    case Family::Bridge:
      return "bridge";
    case Family::Ipv6:
      return "ip6";
  }
  return "unknown";
}

std::string to_string(const TableId& table) {
  return std::string(to_string(table.family)) + " " + table.name;
}

std::string to_string(const Verdict& verdict) {
  switch (verdict.kind) {
    case Verdict::Kind::Accept:
      return "accept";
    case Verdict::Kind::Drop:
      return "drop";
    case Verdict::Kind::Continue:
      return "continue";
    case Verdict::Kind::Return:
      return "return";
    case Verdict::Kind::Jump:
      return "jump " + verdict.chain;
    case Verdict::Kind::Goto:
      return "goto " + verdict.chain;
  }
  return "unknown";
}

std::uint32_t size_of(Datatype type) noexcept {
  switch (type) {
    case Datatype::Ipv6Address:
    case Datatype::IfName:
      return 16;
    case Datatype::EtherAddress:
      return 6;
    case Datatype::EtherType:
    case Datatype::InetService:
      return 2;
    case Datatype::InetProtocol:
      return 1;
    case Datatype::Integer:
    case Datatype::Ipv4Address:
    case Datatype::Mark:
    case Datatype::IfIndex:
    case Datatype::ClassId:
      return 4;
  }
  return 4;
}

std::uint32_t key_size(const SetSpec& set) noexcept {
  return size_of_fields(set.key);
}

std::uint32_t value_size(const SetSpec& set) noexcept {
  return size_of_fields(set.values);
}

bool same_element(const Element& a, const Element& b) noexcept {
  return a.key == b.key && a.key_end == b.key_end && a.verdict == b.verdict && a.value == b.value &&
         a.object == b.object && a.timeout == b.timeout && a.comment == b.comment;
}

KeyBuilder& KeyBuilder::add(const void* data, std::size_t size) {
  const auto* begin = static_cast<const std::uint8_t*>(data);
  bytes_.insert(bytes_.end(), begin, begin + size);
  bytes_.resize(padded(bytes_.size()));
  last_size_ = size;
  ++fields_;
  return *this;
}

KeyBuilder& KeyBuilder::index(IfIndex index) {
  return u32(index.value);
}

KeyBuilder& KeyBuilder::ipv4(std::uint32_t host_order) {
  return u32_network(host_order);
}

KeyBuilder& KeyBuilder::ipv6(const std::array<std::uint8_t, 16>& bytes) {
  return add(bytes.data(), bytes.size());
}

KeyBuilder& KeyBuilder::port(std::uint16_t host_order) {
  const std::uint16_t network = htons(host_order);
  return add(&network, sizeof network);
}

KeyBuilder& KeyBuilder::mac(const MacAddress& mac) {
  return add(mac.bytes.data(), mac.bytes.size());
}

KeyBuilder& KeyBuilder::u32(std::uint32_t host_order) {
  return add(&host_order, sizeof host_order);
}

KeyBuilder& KeyBuilder::u32_network(std::uint32_t host_order) {
  const std::uint32_t network = htonl(host_order);
  return add(&network, sizeof network);
}

KeyBuilder& KeyBuilder::u8(std::uint8_t value) {
  return add(&value, sizeof value);
}

KeyBuilder& KeyBuilder::name(std::string_view name) {
  std::array<char, kNameSize> text{};
  std::copy_n(name.begin(), std::min(name.size(), text.size()), text.begin());
  return add(text.data(), text.size());
}

Bytes KeyBuilder::take() {
  if (fields_ == 1) {
    bytes_.resize(last_size_);
  }
  fields_ = 0;
  return std::exchange(bytes_, {});
}

Bytes link_key(IfIndex in, IfIndex out) {
  return KeyBuilder().index(in).index(out).take();
}

}  // namespace tinet::nft
