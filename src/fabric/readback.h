#pragma once
/// Reads the switch's table from the kernel and compares it with what it is meant to hold.

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "netns/nft/connection.h"
#include "src/fabric/difference.h"
#include "src/fabric/skeleton.h"

namespace tinet::fabric {

/// The table and the intent.
struct TableView {
  nft::Connection& connection;
  const Skeleton& skeleton;
  const Installed& installed;
  const std::vector<std::string>& ports;
};

/// What is wrong with what a change has changed: elements, and the rules, targets and classes that
/// came with it. What it left alone is not looked at where that would take longer than the change.
/// @param end_tolerance how far ends may be off, beside the time that reading takes
/// @throws Error when the kernel can't be asked
[[nodiscard]] std::vector<std::string> check_change(const TableView& view,
                                                    const Difference& difference, MonoTime now,
                                                    std::chrono::milliseconds end_tolerance);

/// How much one audit looks at.
struct AuditSize {
  /// Maps of more links are not listed: that would take longer than asking for every key.
  std::size_t listed_max = 60'000;
  /// Links of such maps that are looked at in one go: about a tenth of a second.
  std::size_t links = 20'000;
};

/// What is wrong with the table. Of maps that are too large to be listed (the kernel's time for it
/// grows with the square of their size) a part is looked at, with every call the next one.
/// @param progress where the parts have got to: an empty link at first, then as it was left
/// @throws Error
[[nodiscard]] std::vector<std::string> check_table(const TableView& view, MonoTime now,
                                                   std::chrono::milliseconds end_tolerance,
                                                   Link& progress, const AuditSize& size = {});

}  // namespace tinet::fabric
