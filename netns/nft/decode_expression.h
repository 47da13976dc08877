#pragma once
/// The inverse of encode(Expression). Pure; internal to netns/nft.

#include <cstdint>

#include "netns/nft/rule.h"

struct nftnl_expr;

namespace tinet::nft {

/// Unknown for what this module does not write itself.
[[nodiscard]] Expression decode(const nftnl_expr* expression);

/// Inverse of verdict_code().
[[nodiscard]] Verdict::Kind decode_verdict(std::int32_t code) noexcept;

}  // namespace tinet::nft
