#pragma once
/// What a kernel holds for each link, read by somebody who knows nothing of the fabric that put it
/// there, and in a form in which two fabrics can be compared.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "netns/netem.h"
#include "netns/nft/connection.h"
#include "netns/nft/rule.h"
#include "src/wire/shape.h"
#include "tests/kernel/fabric_world.h"

namespace tinet::testing {

/// A class of a port, and its leaf.
struct ReadClass {
  std::uint64_t rate = 0;
  std::string leaf{};
  std::uint32_t limit = 0;
  std::optional<NetemSpec> netem{};
  friend bool operator==(const ReadClass&, const ReadClass&) = default;
};

/// One effect of a link's schedule.
struct ReadEffect {
  /// The rules of its treatment, with numbers of counts and shapes in the order in which they are
  /// met, which is the same for all fabrics.
  std::vector<std::vector<nft::Expression>> rules{};
  std::vector<ReadClass> classes{};              ///< of the port, in the order of those rules
  std::vector<std::optional<WireShape>> wire{};  ///< what the wire does, in that order
  /// What answers in the receiver's namespace, when packets are refused.
  std::vector<std::vector<nft::Expression>> refusals{};
  std::optional<std::chrono::seconds> ends_in{};  ///< to 100 s: a slow kernel sets out late
  friend bool operator==(const ReadEffect&, const ReadEffect&) = default;
};

using ReadSchedules = std::map<Link, std::vector<ReadEffect>>;

/// Reads the switch's tables and queues, and follows for each link what a packet of it would meet,
/// now and after each end.
/// @param start ends are told from there
/// @param foreign controls of the wires of other worlds in this process
[[nodiscard]] ReadSchedules read_schedules(World& world, MonoTime start,
                                           const std::set<int>& foreign = {});

/// For messages of tests.
[[nodiscard]] std::string to_text(const std::vector<ReadEffect>& schedule);

}  // namespace tinet::testing
