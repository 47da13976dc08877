#pragma once
/// Named objects of a table: state that rules and maps refer to by name, and that lives on while
/// the rules and elements which use it change. An object that something refers to cannot be deleted
/// (EBUSY); within one batch, delete what refers to it first.

#include <cstdint>
#include <string>

#include "netns/nft/types.h"

namespace tinet::nft {

/// A named counter.
struct Counter {
  TableId table{};
  std::string name{};
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const Counter&, const Counter&) = default;
};

/// A token bucket. Matches while under the rate; `over`: matches above it. As an expression of a
/// rule and as a named object.
struct Limit {
  std::uint64_t rate = 0;  ///< packets or bytes per unit
  std::uint64_t unit_seconds = 1;
  std::uint32_t burst = 5;  ///< packets or bytes on top of one unit's; at least 1 packet
  bool bytes = false;
  bool over = false;
  friend bool operator==(const Limit&, const Limit&) = default;
};

/// A limit that everything which names it shares. Its numbers cannot be changed: delete and add.
struct LimitObject {
  TableId table{};
  std::string name{};
  Limit limit{};
  friend bool operator==(const LimitObject&, const LimitObject&) = default;
};

/// A number of bytes that everything which names it uses up together. Matches until they have
/// passed; `over`: from then on.
struct QuotaObject {
  TableId table{};
  std::string name{};
  std::uint64_t bytes = 0;
  bool over = false;
  std::uint64_t consumed = 0;  ///< bytes used up; sent as the start, read back as it is now
  friend bool operator==(const QuotaObject&, const QuotaObject&) = default;
};

}  // namespace tinet::nft
