#pragma once
/// Expressions, verdicts and registers -> libnftnl and the kernel's numbers. Pure; internal to
/// netns/nft.

#include <cstdint>

#include "netns/nft/handles.h"
#include "netns/nft/rule.h"

namespace tinet::nft {

/// @throws Error Operation for Unknown, which can only be read
[[nodiscard]] ExpressionPtr encode(const Expression& expression);

/// An element's or a set's own counter.
[[nodiscard]] ExpressionPtr encode_counter();

/// NF_ACCEPT, NFT_JUMP, ...
[[nodiscard]] int verdict_code(Verdict::Kind kind) noexcept;

/// Register numbers as the kernel writes them back: 16-byte registers where a slot begins one.
[[nodiscard]] std::uint32_t encode(Register slot) noexcept;

}  // namespace tinet::nft
