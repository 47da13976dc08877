#include "src/fabric/tally.h"

#include <algorithm>
#include <cstring>

#include "src/fabric/skeleton.h"

namespace tinet::fabric {

namespace {

void add(PacketCounts& to, Happening what, std::uint64_t packets, std::uint64_t bytes) {
  switch (what) {
    case Happening::Seen:
      to.passed += packets;
      return;
    case Happening::Dropped:
      to.dropped += packets;
      to.bytes_dropped += bytes;
      return;
    case Happening::Rejected:
      to.rejected += packets;
      return;
    case Happening::Delayed:
      to.delayed += packets;
      return;
    case Happening::Duplicated:
      to.duplicated += packets;
      return;
    case Happening::Corrupted:
      to.corrupted += packets;
      return;
  }
}

/// Until here `passed` is what was looked at.
void settle(PacketCounts& counts) {
  counts.passed -= std::min(counts.passed, counts.dropped);
}

}  // namespace

std::optional<Count> count_of(const nft::Element& element) {
  constexpr std::size_t kLinkSize = 8;
  if (element.key.size() != kLinkSize + sizeof(std::uint32_t) || !element.counts) {
    return std::nullopt;
  }
  const auto link = link_of_key({element.key.begin(), element.key.begin() + kLinkSize});
  if (!link) {
    return std::nullopt;
  }
  Count count{*link, {}, element.counts->packets, element.counts->bytes};
  std::memcpy(&count.id.value, element.key.data() + kLinkSize, sizeof count.id.value);
  return count;
}

nft::Bytes count_key(Link link, CountId id) {
  return nft::KeyBuilder()
      .index(port_index(link.from))
      .index(port_index(link.to))
      .u32(id.value)
      .take();
}

void Tally::bank(const std::vector<Count>& counts) {
  banked_ = with(counts);
}

Tally::Sums Tally::with(const std::vector<Count>& live) const {
  Sums sums = banked_;
  for (const Count& count : live) {
    Sum& sum = sums[{count.link, count.id}];
    sum.packets += count.packets;
    sum.bytes += count.bytes;
  }
  return sums;
}

PacketCounts Tally::of_fault(FaultId fault, const std::vector<Count>& live,
                             const Registry& registry) const {
  PacketCounts counts;
  for (const auto& [key, sum] : with(live)) {
    const Counted* counted = registry.counted(key.second);
    if (counted != nullptr &&
        std::binary_search(counted->faults.begin(), counted->faults.end(), fault)) {
      add(counts, counted->what, sum.packets, sum.bytes);
    }
  }
  settle(counts);
  return counts;
}

std::map<Link, PacketCounts> Tally::of_links(const std::vector<Count>& live,
                                             const Registry& registry) const {
  std::map<Link, PacketCounts> links;
  for (const auto& [key, sum] : with(live)) {
    if (const Counted* counted = registry.counted(key.second)) {
      add(links[key.first], counted->what, sum.packets, sum.bytes);
    }
  }
  for (auto& [link, counts] : links) {
    settle(counts);
  }
  return links;
}

}  // namespace tinet::fabric
