#pragma once
/// What a role driver is, and what drivers share: the index of answers and the vote. A driver is
/// three functions without state: which words it knows, what to ask for one, who holds one.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "src/topology/roles.h"

namespace tinet::detail {

/// "tikv-region-leader:7" in two parts.
struct RoleWord {
  std::string base;
  std::string argument;  ///< "7"; empty when there is none
};
[[nodiscard]] RoleWord split_role_word(std::string_view word);

/// The answers by query.
class Answers {
 public:
  explicit Answers(const std::vector<RoleAnswer>& answers) : answers_(answers) {}
  /// The answer to this query; silence when it was not asked or did not come back.
  [[nodiscard]] const HttpAnswer& to(const RoleQuery& query) const;
  /// The body as JSON when the answer has status 200.
  [[nodiscard]] std::optional<boost::json::value> json(const RoleQuery& query) const;
  /// Why there is no JSON: "status 503", "connection refused", "no answer".
  [[nodiscard]] std::string trouble(const RoleQuery& query) const;

 private:
  const std::vector<RoleAnswer>& answers_;
};

/// What one member says about the leader.
struct Opinion {
  std::string member;
  bool answered = false;
  std::uint64_t term = 0;
  std::string leader;  ///< empty: knows none
  std::string text;    ///< for people
};

/// The leader that a majority of all `members` names at one term, the highest such term; empty when
/// there is none. Silence is no vote, but counts as a member.
[[nodiscard]] std::string elect(const std::vector<Opinion>& opinions, std::size_t members);

/// Holders of "PREFIX-leader" or "PREFIX-follower": a follower is every other member that answered.
[[nodiscard]] RoleHolders holders_from(const std::vector<Opinion>& opinions, bool wants_leader);

struct RoleDriver {
  std::string_view name;
  std::vector<std::string> (*words)(const RoleSource& source);
  void (*ask)(const ClusterPlan& plan, const RoleSource& source, const RoleWord& word,
              std::vector<RoleQuery>& queries);
  RoleHolders (*resolve)(const ClusterPlan& plan, const RoleSource& source, const RoleWord& word,
                         const Answers& answers);
};

[[nodiscard]] const RoleDriver& etcd_driver();
[[nodiscard]] const RoleDriver& pd_driver();
[[nodiscard]] const RoleDriver& tikv_region_driver();
[[nodiscard]] const RoleDriver& tidb_owner_driver();
[[nodiscard]] const RoleDriver& refstore_driver();

/// Instances of a component, in index order.
[[nodiscard]] std::vector<const InstancePlan*> members_of(const ClusterPlan& plan,
                                                          std::string_view component);
/// The instance with this address, given as "IP", "IP:PORT" or a URL; empty when there is none.
[[nodiscard]] std::string instance_at(const ClusterPlan& plan, std::string_view address);
/// Adds a query once.
void ask_once(std::vector<RoleQuery>& queries, RoleQuery query);

}  // namespace tinet::detail
