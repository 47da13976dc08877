#pragma once
/// What the kernel has counted, and for which faults. Counts are kept by the rules themselves in
/// one set, by link and number (registry.h); nothing that changes about a link resets them. Pure.

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "netns/nft/types.h"
#include "src/fabric/fabric.h"
#include "src/fabric/registry.h"

namespace tinet::fabric {

/// One element of the set.
struct Count {
  Link link;
  CountId id;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

/// nullopt for an element that is none of ours.
[[nodiscard]] std::optional<Count> count_of(const nft::Element& element);
/// The element's key.
[[nodiscard]] nft::Bytes count_key(Link link, CountId id);

/// Counts that the kernel does not hold any more, by link and number.
class Tally {
 public:
  /// Takes over what was read right before the kernel forgot it.
  void bank(const std::vector<Count>& counts);

  /// @param live what the kernel holds now
  [[nodiscard]] PacketCounts of_fault(FaultId fault, const std::vector<Count>& live,
                                      const Registry& registry) const;
  /// Of every link on which something was ever counted.
  [[nodiscard]] std::map<Link, PacketCounts> of_links(const std::vector<Count>& live,
                                                      const Registry& registry) const;

 private:
  struct Sum {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
  };
  using Sums = std::map<std::pair<Link, CountId>, Sum>;

  [[nodiscard]] Sums with(const std::vector<Count>& live) const;

  Sums banked_;
};

}  // namespace tinet::fabric
