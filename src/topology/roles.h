#pragma once
/// Who holds which role: what to ask, and what the answers add up to. Pure: the supervisor does the
/// asking, from inside each instance's own namespace and with its own short timeout.
///
/// A role is never taken from the first answer. A leader counts when a majority of the configured
/// members names it at the same, highest such term; so a cut-off old leader that still believes in
/// itself loses, and so does a cut-off candidate that has raised its term.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "src/model/plan.h"
#include "src/model/selector.h"
#include "src/topology/readiness.h"

namespace tinet {

/// One request; answered by HttpAnswer.
struct RoleQuery {
  std::string instance;
  std::string service;
  std::string method = "GET";
  std::string path;
  std::map<std::string, std::string> headers;
  std::string body;
  friend bool operator==(const RoleQuery&, const RoleQuery&) = default;
};

struct RoleAnswer {
  RoleQuery query;
  HttpAnswer answer;
};

struct RoleResult {
  /// Per role word that was asked for; a vacant one has no instances but every member's answer.
  std::map<std::string, RoleHolders> holders;
  /// Per instance the roles it holds, sorted; for `status`.
  std::map<std::string, std::vector<std::string>> by_instance;
};

/// Names of drivers that a RoleSource may have.
[[nodiscard]] const std::vector<std::string>& role_drivers();

/// Role words that this cluster knows, e.g. {"pd-leader", "pd-follower", "tikv-region-leader"}.
[[nodiscard]] std::vector<std::string> known_roles(const ClusterPlan& plan);

/// The requests that resolve these words need, without duplicates; no words: all known roles.
/// @param words e.g. {"pd-leader", "tikv-region-leader:7"}
/// @throws Error Usage for an unknown role word (nearest as hint) or a malformed region id
[[nodiscard]] std::vector<RoleQuery> role_queries(const ClusterPlan& plan,
                                                  const std::vector<std::string>& words);

/// @param answers of role_queries() with the same words, in any order; missing ones count as
/// silence
/// @throws Error Usage as role_queries()
[[nodiscard]] RoleResult resolve_roles(const ClusterPlan& plan,
                                       const std::vector<std::string>& words,
                                       const std::vector<RoleAnswer>& answers);

}  // namespace tinet
