#pragma once
/// Is the kernel's table what it should be? Compares what was read back with the intent. Pure.

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "netns/nft/rule.h"
#include "netns/nft/types.h"
#include "src/fabric/difference.h"
#include "src/fabric/skeleton.h"

namespace tinet::fabric {

/// How far an element's end in the kernel may be from the fault's: the kernel's clock tick and the
/// time that a small change takes to get there.
inline constexpr std::chrono::milliseconds kEndTolerance{100};

/// Elements that the kernel must hold, by map and link.
using ExpectedElements = std::map<MapId, std::map<Link, Element>>;

/// Of all links in `applied`: deciding and stale ones.
[[nodiscard]] ExpectedElements expected_elements(const Applied& applied);
/// Of "targets" and "classes".
[[nodiscard]] std::vector<nft::Element> expected_targets(const Installed& installed);
[[nodiscard]] std::vector<nft::Element> expected_classes(const Installed& installed);

/// When a map was read, and how far ends may be off.
struct ReadTime {
  MonoTime now;
  std::chrono::milliseconds end_tolerance = kEndTolerance;
};

/// What is wrong with a map of verdicts or marks, one text each: elements that are missing, lead
/// elsewhere, end at another time, or should not be there. Elements may be gone a little before or
/// live a little after their end.
/// @param read the whole map, as it was at `time`
[[nodiscard]] std::vector<std::string> compare_elements(const MapId& map,
                                                        const std::map<Link, Element>& expected,
                                                        const std::vector<nft::Element>& read,
                                                        const std::vector<std::string>& ports,
                                                        const ReadTime& time);

/// Sets, chains and rules of the table, as read back from the kernel or as they should be.
struct TableContent {
  std::vector<nft::SetSpec> sets;
  std::vector<nft::Chain> chains;
  std::vector<nft::Rule> rules;
};

/// What the kernel must hold besides elements.
[[nodiscard]] TableContent expected_content(const Skeleton& skeleton, const Installed& installed);

/// What is wrong with maps' declarations, chains and rules.
[[nodiscard]] std::vector<std::string> compare_content(const TableContent& expected,
                                                       const TableContent& read);

/// What is wrong with the rules of one chain.
[[nodiscard]] std::vector<std::string> compare_rules(const std::string& chain,
                                                     const std::vector<nft::Rule>& expected,
                                                     const std::vector<nft::Rule>& read);

/// What is wrong with a map whose elements have no timeouts.
[[nodiscard]] std::vector<std::string> compare_fixed(const nft::SetSpec& spec,
                                                     const std::vector<nft::Element>& expected,
                                                     const std::vector<nft::Element>& read);

}  // namespace tinet::fabric
