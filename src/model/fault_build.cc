#include "src/model/fault_build.h"

#include <algorithm>
#include <map>
#include <utility>

#include "src/base/error.h"

namespace tinet {

void set_clauses(Fault& fault, const ScopedLinks& scoped, const LinkAction& action) {
  fault.links = scoped.links;
  fault.clauses.clear();
  for (const auto& match : scoped.matches) {
    fault.clauses.push_back({match, action});
  }
  fault.clause_of = fault.clauses.size() > 1 ? scoped.match_of : std::vector<std::uint32_t>{};
}

void set_clauses(Fault& fault, const ScopedLinks& scoped, const LinkActions& actions) {
  fault.links = scoped.links;
  fault.clauses.clear();
  fault.clause_of.clear();
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> known;
  for (std::size_t i = 0; i < scoped.links.size(); ++i) {
    const auto at = std::lower_bound(actions.links.begin(), actions.links.end(), scoped.links[i]);
    TINET_ASSERT(at != actions.links.end() && *at == scoped.links[i]);
    const auto action = actions.action_of[static_cast<std::size_t>(at - actions.links.begin())];
    const auto [clause, added] = known.try_emplace(
        {scoped.match_of[i], action}, static_cast<std::uint32_t>(fault.clauses.size()));
    if (added) {
      fault.clauses.push_back({scoped.matches[scoped.match_of[i]], actions.actions[action]});
    }
    fault.clause_of.push_back(clause->second);
  }
  if (fault.clauses.size() == 1) {
    fault.clause_of.clear();
  }
}

void give_id(Fault& fault, FaultId id) {
  fault.id = id;
  for (auto& clause : fault.clauses) {
    clause.match.owner = clause.match.remembers() ? id : FaultId{};
  }
}

void halve_round_trip(LinkAction& action) {
  if (action.delay) {
    action.delay->delay /= 2;
    action.delay->jitter /= 2;
  }
}

bool has_chance(const LinkAction& action) {
  return action.loss.value > 0 || action.lost_replies.value > 0 || !action.bursts.empty() ||
         action.duplicate.value > 0 || action.corrupt.value > 0 || action.reorder.value > 0 ||
         (action.delay && action.delay->jitter.count() > 0);
}

std::optional<MonoTime> end_of_train(const Flap& flap) {
  if (flap.times == 0) {
    return std::nullopt;
  }
  return flap.start + flap.times * (flap.down + flap.up) - flap.up;
}

}  // namespace tinet
