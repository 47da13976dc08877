#pragma once
/// A Match as conditions of nftables rules. Pure.

#include <cstdint>
#include <vector>

#include "netns/nft/rule.h"
#include "src/model/action.h"

namespace tinet::fabric {

using Expressions = std::vector<nft::Expression>;

/// Appends.
Expressions& operator<<(Expressions& to, Expressions more);

/// The packet is meant when all expressions of one of the lists match. An empty list alone: every
/// packet. Uses all registers.
[[nodiscard]] std::vector<Expressions> conditions_of(const Match& match);

/// `iif . oif` in registers 0 and 1.
[[nodiscard]] Expressions link_key_load();
/// Matches a transport protocol (IPPROTO_*).
[[nodiscard]] Expressions is_protocol(std::uint8_t protocol);
/// Matches an Ethernet type (ETH_P_*).
[[nodiscard]] Expressions is_ether_type(std::uint16_t type);
/// Matches TCP segments whose flags under `mask` are `flags`.
[[nodiscard]] Expressions tcp_flags(std::uint8_t mask, std::uint8_t flags);
/// Matches a port of the transport header: offset 0 source, 2 destination.
[[nodiscard]] Expressions port_is(std::uint32_t offset, std::uint16_t port);
/// Matches when the bits of the mark under `mask` are `value`.
[[nodiscard]] Expressions mark_is(std::uint32_t mask, std::uint32_t value);
/// Matches when any bit of the mark under `mask` is set.
[[nodiscard]] Expressions mark_has(std::uint32_t mask);
/// Replaces the bits of the mark under `mask` by `value`.
[[nodiscard]] Expressions mark_set(std::uint32_t mask, std::uint32_t value);
/// Matches with a probability; uses register 0. Of the packets that get there, the same ones match
/// for the same seed: the kernel's own random numbers cannot be started anew, so packets are
/// counted and their numbers hashed.
[[nodiscard]] Expressions by_chance(Ppm probability, std::uint32_t seed);
/// Matches when the number of less than a million in register `from` is below the probability.
[[nodiscard]] Expressions is_below(nft::Register from, Ppm probability);

inline constexpr std::uint32_t kSourcePort = 0;
inline constexpr std::uint32_t kDestinationPort = 2;
inline constexpr std::uint8_t kTcpSyn = 0x02;
inline constexpr std::uint8_t kTcpRst = 0x04;
inline constexpr std::uint8_t kTcpAck = 0x10;

}  // namespace tinet::fabric
