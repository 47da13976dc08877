#pragma once
/// Rules as plain data: a rule is a list of expressions that work on registers, left to right,
/// until one does not match. Expressions are the kernel's own.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "netns/nft/objects.h"
#include "netns/nft/types.h"

namespace tinet::nft {

/// One of sixteen 4-byte registers, 0..15. Longer values take consecutive ones; the second field of
/// a concatenation is loaded right behind the first.
struct Register {
  std::uint8_t slot = 0;
  friend bool operator==(const Register&, const Register&) = default;
};
inline constexpr Register kR0{0};
inline constexpr Register kR1{1};
inline constexpr Register kR2{2};
inline constexpr Register kR3{3};
inline constexpr Register kR4{4};

/// Values of NFT_META_*.
enum class MetaKey : std::uint32_t {
  Length = 0,
  Protocol = 1,  ///< Ethernet type, network order
  Priority = 2,  ///< skb->priority, picks the HTB class
  Mark = 3,
  InIndex = 4,
  OutIndex = 5,
  InName = 6,
  OutName = 7,
  L4Protocol = 16,
};

struct MetaLoad {
  MetaKey key{};
  Register to{};
  friend bool operator==(const MetaLoad&, const MetaLoad&) = default;
};
struct MetaSet {
  MetaKey key{};  ///< Priority or Mark
  Register from{};
  friend bool operator==(const MetaSet&, const MetaSet&) = default;
};

/// Offsets count from here. Inner: what TCP or UDP carries; no match for other protocols, and for
/// fragments after the first.
enum class Header : std::uint32_t { Link = 0, Network = 1, Transport = 2, Inner = 3 };

struct PayloadLoad {
  Header header{};
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  Register to{};
  friend bool operator==(const PayloadLoad&, const PayloadLoad&) = default;
};
/// Writes without touching any checksum, unless one is named.
struct PayloadWrite {
  Header header{};
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  Register from{};
  /// Where in the same header the internet checksum is that goes on being right; 0: nowhere.
  std::uint32_t checksum_offset = 0;
  friend bool operator==(const PayloadWrite&, const PayloadWrite&) = default;
};

/// Values of NFT_CMP_*. Less and Greater compare bytes as memcmp does: bring numbers into network
/// order first.
enum class CompareOp : std::uint32_t { Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual };
struct Compare {
  CompareOp op = CompareOp::Equal;
  Register from{};
  Bytes value{};
  friend bool operator==(const Compare&, const Compare&) = default;
};

/// to = (from & mask) ^ xor_with.
struct Bitwise {
  Register from{};
  Register to{};
  Bytes mask{};
  Bytes xor_with{};
  friend bool operator==(const Bitwise&, const Bitwise&) = default;
};

/// Swaps the `size`-byte numbers (2, 4 or 8) in `length` bytes between host and network order.
struct Byteorder {
  Register from{};
  Register to{};
  bool to_network = true;
  std::uint32_t length = 4;
  std::uint32_t size = 4;
  friend bool operator==(const Byteorder&, const Byteorder&) = default;
};

/// A number in 0..modulus-1, host order.
struct Numgen {
  Register to{};
  std::uint32_t modulus = 0;
  bool random = true;  ///< else incremental
  friend bool operator==(const Numgen&, const Numgen&) = default;
};

/// The same number in 0..modulus-1 for the same `length` bytes from register `from` on, host order
/// (Jenkins' hash; the numbers are no secret).
struct Hash {
  Register from{};
  std::uint32_t length = 4;  ///< bytes, at most 64
  Register to{};
  std::uint32_t modulus = 0;  ///< at least 1
  std::uint32_t seed = 0;
  std::uint32_t offset = 0;  ///< added to the result
  friend bool operator==(const Hash&, const Hash&) = default;
};

/// Matches when the register's value is in the set.
struct SetMatch {
  std::string set{};
  Register key{};
  bool inverted = false;
  friend bool operator==(const SetMatch&, const SetMatch&) = default;
};
/// Loads the map's value; no element: the rule does not match.
struct MapLoad {
  std::string map{};
  Register key{};
  Register to{};
  friend bool operator==(const MapLoad&, const MapLoad&) = default;
};
/// Takes the map's verdict; no element: the next rule goes on.
struct VerdictMap {
  std::string map{};
  Register key{};
  friend bool operator==(const VerdictMap&, const VerdictMap&) = default;
};
/// Applies the object that the map names: counts in it, or matches as the limit or the quota does.
/// The map's kind says which. No element: the rule does not match.
struct ObjectMap {
  std::string map{};
  Register key{};
  friend bool operator==(const ObjectMap&, const ObjectMap&) = default;
};
/// Counts the packet in the element of its key, in a set that is `dynamic` and has `counters`; the
/// first packet of a key makes the element. The rule goes on; when the set is full, it does not
/// match packets of new keys.
struct CountBy {
  std::string set{};
  Register key{};
  friend bool operator==(const CountBy&, const CountBy&) = default;
};

struct Immediate {
  Register to{};
  Bytes value{};
  friend bool operator==(const Immediate&, const Immediate&) = default;
};
struct GiveVerdict {
  Verdict verdict{};
  friend bool operator==(const GiveVerdict&, const GiveVerdict&) = default;
};

/// Counts in the rule itself; equal whatever was counted.
struct CountHere {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const CountHere&, const CountHere&) noexcept { return true; }
};
/// Counts in a named counter.
struct CountIn {
  std::string counter{};
  friend bool operator==(const CountIn&, const CountIn&) = default;
};

/// Matches until so many bytes have passed; `over`: from then on. Equal whatever was used up.
struct Quota {
  std::uint64_t bytes = 0;
  std::uint64_t consumed = 0;
  bool over = false;
  friend bool operator==(const Quota& a, const Quota& b) noexcept {
    return a.bytes == b.bytes && a.over == b.over;
  }
};

/// Refuses the packet. In inet prerouting of the destination it works on every kernel.
struct Reject {
  enum class Kind : std::uint32_t { IcmpUnreachable = 0, TcpReset = 1, IcmpxUnreachable = 2 };
  Kind kind = Kind::TcpReset;
  std::uint8_t code = 0;  ///< ICMPX: 0 no route, 1 port, 2 host, 3 administratively prohibited
  friend bool operator==(const Reject&, const Reject&) = default;
};

/// Sends a copy out of the interface whose index is in the register (netdev family only). At
/// ingress the copy goes past whatever the packet would meet. At egress the copy meets the same
/// chain again: mark what was copied, or the copies are copied too.
struct Duplicate {
  Register device{};
  friend bool operator==(const Duplicate&, const Duplicate&) = default;
};

/// Hands the packet to userspace.
struct Queue {
  std::uint16_t number = 0;
  std::uint16_t total = 1;
  bool bypass = false;  ///< nobody listens: accept instead of drop
  friend bool operator==(const Queue&, const Queue&) = default;
};
/// The same through the xtables target, for kernels without nft_queue. Chains of family ip, inet.
struct CompatQueue {
  std::uint16_t number = 0;
  std::uint16_t total = 1;
  bool bypass = false;
  friend bool operator==(const CompatQueue&, const CompatQueue&) = default;
};

/// An expression that this module does not know; read back only.
struct Unknown {
  std::string name{};
  friend bool operator==(const Unknown&, const Unknown&) = default;
};

using Expression =
    std::variant<MetaLoad, MetaSet, PayloadLoad, PayloadWrite, Compare, Bitwise, Byteorder, Numgen,
                 Hash, SetMatch, MapLoad, VerdictMap, ObjectMap, CountBy, Immediate, GiveVerdict,
                 CountHere, CountIn, Limit, Quota, Reject, Duplicate, Queue, CompatQueue, Unknown>;

struct Rule {
  TableId table{};
  std::string chain{};
  std::vector<Expression> expressions{};
  std::string comment{};     ///< at most 127 bytes, shown by nft(8)
  std::uint64_t handle = 0;  ///< the kernel's name for the rule; read back only
};

/// True when both say the same, whatever their handles and counts.
[[nodiscard]] bool same_rule(const Rule& a, const Rule& b) noexcept;

}  // namespace tinet::nft
