#pragma once
/// Plain data -> libnftnl objects. Pure; internal to netns/nft.

#include <cstdint>
#include <span>

#include "netns/nft/handles.h"
#include "netns/nft/objects.h"
#include "netns/nft/rule.h"
#include "netns/nft/types.h"

namespace tinet::nft {

[[nodiscard]] TablePtr encode(const Table& table);
[[nodiscard]] ChainPtr encode(const Chain& chain);
[[nodiscard]] RulePtr encode(const Rule& rule);
[[nodiscard]] ObjectPtr encode(const Counter& counter);
[[nodiscard]] ObjectPtr encode(const LimitObject& named_limit);
[[nodiscard]] ObjectPtr encode(const QuotaObject& quota);
/// Only names the object, to delete it.
[[nodiscard]] ObjectPtr encode_object_name(const TableId& table, const std::string& name,
                                           MapKind kind);
/// NFT_OBJECT_COUNTER, ... of a map that names objects.
[[nodiscard]] std::uint32_t object_type(MapKind kind) noexcept;
[[nodiscard]] SetPtr encode(const SetSpec& set, std::uint32_t id);

/// Keys only name the elements (to delete them); Full carries everything.
enum class ElementPart { Full, Keys };
/// A set object that names the set and carries the elements.
[[nodiscard]] SetPtr encode_elements(const SetSpec& set, std::span<const Element> elements,
                                     ElementPart part);
/// Bytes that the element takes in a message, at most.
[[nodiscard]] std::size_t encoded_size_max(const Element& element) noexcept;

}  // namespace tinet::nft
