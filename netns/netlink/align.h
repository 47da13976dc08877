#pragma once
/// Netlink's four-byte alignment, once, without the kernel macros' mix of int and size_t.

#include <cstddef>

namespace tinet::netlink {

[[nodiscard]] constexpr std::size_t align4(std::size_t size) noexcept {
  return (size + 3U) & ~std::size_t{3U};
}

}  // namespace tinet::netlink
