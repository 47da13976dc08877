#pragma once
/// How the reference store names itself and its one region to those who expect a TiDB cluster.

#include <cstdint>

namespace tinet::refstore {

inline constexpr char kVersion[] = "v" TINET_VERSION "-tinet-reference-store";

/// The one region that the store looks like from PD's API.
inline constexpr std::uint64_t kRegionId = 2;

/// The region's peer on a store.
[[nodiscard]] constexpr std::uint64_t peer_id(std::uint64_t store_id) {
  return 1000 + store_id;
}

}  // namespace tinet::refstore
