#pragma once
/// A state of the world as named facts, and what changed between two of them, one readable line
/// each: a test compares the list with the empty one, and its failure message is the list.

#include <map>
#include <string>
#include <vector>

namespace tinet::test {

/// "link eth0" -> "{...}", "sysctl net/ipv4/ip_forward" -> "0"
using Facts = std::map<std::string, std::string>;

/// "+ link x: ..." for a new fact, "- ..." for one that is gone, "~ name: old -> new" for a changed
/// one; in the order of the names.
[[nodiscard]] std::vector<std::string> changes(const Facts& before, const Facts& after);

}  // namespace tinet::test
