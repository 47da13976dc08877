#include "src/fabric/tally.h"

#include <algorithm>
#include <cstring>

#include "src/fabric/skeleton.h"

namespace tinet::fabric {

namespace {

/// Happenings, until all are known.
struct Happenings {
  PacketCounts counts;
  PacketCounts undone;

  void add(Happening what, std::uint64_t packets, std::uint64_t bytes);
  [[nodiscard]] PacketCounts settled() const {
    const auto less = [](std::uint64_t& count, std::uint64_t by) { count -= std::min(count, by); };
    PacketCounts settled = counts;
    less(settled.passed, undone.passed);
    less(settled.delayed, undone.delayed);
    less(settled.held, undone.held);
    return settled;
  }
};

void Happenings::add(Happening what, std::uint64_t packets, std::uint64_t bytes) {
  switch (what) {
    case Happening::Passed:
      counts.passed += packets;
      return;
    case Happening::Dropped:
      counts.dropped += packets;
      counts.bytes_dropped += bytes;
      return;
    case Happening::Rejected:
      counts.rejected += packets;
      return;
    case Happening::Delayed:
      counts.delayed += packets;
      return;
    case Happening::Held:
      counts.held += packets;
      return;
    case Happening::Duplicated:
      counts.duplicated += packets;
      return;
    case Happening::Corrupted:
      counts.corrupted += packets;
      return;
    case Happening::NotPassed:
      undone.passed += packets;
      return;
    case Happening::NotDelayed:
      undone.delayed += packets;
      return;
    case Happening::NotHeld:
      undone.held += packets;
      return;
  }
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
  Happenings all;
  for (const auto& [key, sum] : with(live)) {
    const Counted* counted = registry.counted(key.second);
    if (counted != nullptr && counted->counts_for != CountsFor::Link &&
        std::binary_search(counted->faults.begin(), counted->faults.end(), fault)) {
      all.add(counted->what, sum.packets, sum.bytes);
    }
  }
  return all.settled();
}

std::map<Link, PacketCounts> Tally::of_links(const std::vector<Count>& live,
                                             const Registry& registry) const {
  std::map<Link, Happenings> sums;
  for (const auto& [key, sum] : with(live)) {
    const Counted* counted = registry.counted(key.second);
    if (counted != nullptr && counted->counts_for != CountsFor::Faults) {
      sums[key.first].add(counted->what, sum.packets, sum.bytes);
    }
  }
  std::map<Link, PacketCounts> links;
  for (const auto& [link, sum] : sums) {
    links.emplace(link, sum.settled());
  }
  return links;
}

}  // namespace tinet::fabric
