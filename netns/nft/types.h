#pragma once
/// The objects of nf_tables as plain data: what is sent, and what is read back in the same form.
/// @see nft(8), Linux include/uapi/linux/netfilter/nf_tables.h

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netns/inet.h"

namespace tinet::nft {

using Bytes = std::vector<std::uint8_t>;
using Milliseconds = std::chrono::milliseconds;

/// Values of NFPROTO_*.
enum class Family : std::uint8_t { Any = 0, Inet = 1, Ipv4 = 2, Netdev = 5, Bridge = 7, Ipv6 = 10 };

/// "bridge", "inet", ...
[[nodiscard]] std::string_view to_string(Family family) noexcept;

/// Every other object lives in one table.
struct TableId {
  Family family = Family::Bridge;
  std::string name{};
  friend bool operator==(const TableId&, const TableId&) = default;
};

/// "bridge tinet".
[[nodiscard]] std::string to_string(const TableId& table);

struct Table {
  TableId id{};
  /// The table belongs to the socket that made it: others can read it, not change it, and it goes
  /// when that socket is closed, however that happens.
  bool owner = false;
  std::uint32_t owner_port = 0;  ///< read back only
};

enum class Policy : std::uint8_t { Drop = 0, Accept = 1 };

/// Hook numbers, which mean different things in each family (the kernel's headers for them do not
/// go together with the C library's).
inline constexpr std::uint32_t kBridgePrerouting = 0;
inline constexpr std::uint32_t kBridgeForward = 2;
inline constexpr std::uint32_t kInetPrerouting = 0;
inline constexpr std::uint32_t kInetInput = 1;
inline constexpr std::uint32_t kInetForward = 2;
inline constexpr std::uint32_t kNetdevIngress = 0;
inline constexpr std::uint32_t kNetdevEgress = 1;

/// Where a base chain is called from.
struct Hook {
  std::uint32_t number = 0;  ///< kBridgeForward, kInetPrerouting, ...
  std::int32_t priority = 0;
  Policy policy = Policy::Accept;
  std::vector<std::string> devices{};  ///< netdev family only, at least one; each must exist
  friend bool operator==(const Hook&, const Hook&) = default;
};

struct Chain {
  TableId table{};
  std::string name{};
  std::optional<Hook> hook{};  ///< none: called by jump and goto only
  friend bool operator==(const Chain&, const Chain&) = default;
};

/// What happens to the packet.
struct Verdict {
  enum class Kind { Accept, Drop, Continue, Return, Jump, Goto };
  Kind kind = Kind::Accept;
  std::string chain{};  ///< of Jump and Goto
  friend auto operator<=>(const Verdict&, const Verdict&) = default;
};

/// "drop", "jump loss_10".
[[nodiscard]] std::string to_string(const Verdict& verdict);

/// nft(8)'s type numbers. The kernel only stores them; with them `nft list ruleset` can print.
enum class Datatype : std::uint32_t {
  Integer = 4,
  Ipv4Address = 7,
  Ipv6Address = 8,
  EtherAddress = 9,
  EtherType = 10,
  InetProtocol = 12,
  InetService = 13,
  Mark = 19,
  IfIndex = 20,
  ClassId = 23,
  IfName = 41,
};

/// Bytes of a value, without the padding that a concatenation adds: 4, 16, 6, 2, 1, ...
[[nodiscard]] std::uint32_t size_of(Datatype type) noexcept;

/// What the elements of a map carry.
enum class MapKind { None, Verdicts, Values, Counters, Limits, Quotas };

/// Whether the elements of such a map name objects of the table (see objects.h).
[[nodiscard]] constexpr bool names_objects(MapKind kind) noexcept {
  return kind == MapKind::Counters || kind == MapKind::Limits || kind == MapKind::Quotas;
}

/// A set, or a map. Elements are found in constant time unless `interval`.
struct SetSpec {
  TableId table{};
  std::string name{};
  std::vector<Datatype> key{};  ///< more than one: a concatenation, each padded to four bytes
  MapKind map = MapKind::None;
  std::vector<Datatype> values{};  ///< MapKind::Values only
  bool timeouts = false;           ///< elements may have one
  bool interval = false;           ///< elements may be ranges; keep such sets under 1000 elements
  std::uint32_t size_max = 0;      ///< 0: no limit; give one to every `dynamic` set
  bool dynamic = false;   ///< rules add elements, see CountBy; can be changed from here as well
  bool counters = false;  ///< every element counts the packets that it was found for
  friend bool operator==(const SetSpec&, const SetSpec&) = default;
};

/// Bytes of a key of this set, padding included.
[[nodiscard]] std::uint32_t key_size(const SetSpec& set) noexcept;
[[nodiscard]] std::uint32_t value_size(const SetSpec& set) noexcept;

/// What was counted.
struct Counts {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const Counts&, const Counts&) = default;
};

/// One element; which members count depends on the set.
struct Element {
  Bytes key{};
  Bytes key_end{};                        ///< interval sets: end of the range, included
  std::optional<Verdict> verdict{};       ///< MapKind::Verdicts
  Bytes value{};                          ///< MapKind::Values
  std::string object{};                   ///< MapKind::Counters, Limits, Quotas: its name
  std::optional<Milliseconds> timeout{};  ///< the kernel removes it after that long; >= 1 ms
  std::optional<Milliseconds> expires{};  ///< read back only: what is left of it
  std::string comment{};                  ///< at most 127 bytes
  std::optional<Counts> counts{};         ///< read back only: of sets with `counters`
};

/// True when both say the same; what is left of a timeout and what was counted is not compared.
[[nodiscard]] bool same_element(const Element& a, const Element& b) noexcept;

/// Builds keys and values of sets field by field.
class KeyBuilder {
 public:
  KeyBuilder& index(IfIndex index);  ///< host order, as meta iif and oif load it
  KeyBuilder& ipv4(std::uint32_t host_order);
  KeyBuilder& ipv6(const std::array<std::uint8_t, 16>& bytes);
  KeyBuilder& port(std::uint16_t host_order);  ///< network order, padded
  KeyBuilder& mac(const MacAddress& mac);
  KeyBuilder& u32(std::uint32_t host_order);  ///< as marks and class ids are stored
  KeyBuilder& u32_network(std::uint32_t host_order);
  KeyBuilder& u8(std::uint8_t value);       ///< padded, e.g. inet_proto
  KeyBuilder& name(std::string_view name);  ///< interface name, 16 bytes
  /// A single field is handed back without padding, a concatenation with it.
  [[nodiscard]] Bytes take();

 private:
  KeyBuilder& add(const void* data, std::size_t size);
  Bytes bytes_;
  std::size_t fields_ = 0;
  std::size_t last_size_ = 0;
};

/// Key of `iif . oif` sets.
[[nodiscard]] Bytes link_key(IfIndex in, IfIndex out);

}  // namespace tinet::nft
