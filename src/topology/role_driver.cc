#include "src/topology/role_driver.h"

#include <algorithm>
#include <map>
#include <utility>

#include "src/topology/json_text.h"

namespace tinet::detail {

RoleWord split_role_word(std::string_view word) {
  const auto colon = word.find(':');
  if (colon == std::string_view::npos) {
    return {std::string(word), {}};
  }
  return {std::string(word.substr(0, colon)), std::string(word.substr(colon + 1))};
}

const HttpAnswer& Answers::to(const RoleQuery& query) const {
  static const HttpAnswer silence;
  const auto found = std::find_if(answers_.begin(), answers_.end(),
                                  [&](const auto& answer) { return answer.query == query; });
  return found == answers_.end() ? silence : found->answer;
}

std::optional<boost::json::value> Answers::json(const RoleQuery& query) const {
  const auto& answer = to(query);
  return answer.status == 200 ? parse_json_text(answer.body) : std::nullopt;
}

std::string Answers::trouble(const RoleQuery& query) const {
  const auto& answer = to(query);
  if (answer.status == 0) {
    return answer.error.empty() ? "no answer" : answer.error;
  }
  return answer.status == 200 ? "answer is not JSON" : "status " + std::to_string(answer.status);
}

std::string elect(const std::vector<Opinion>& opinions, std::size_t members) {
  std::map<std::pair<std::uint64_t, std::string>, std::size_t> votes;
  for (const auto& opinion : opinions) {
    if (opinion.answered && !opinion.leader.empty()) {
      ++votes[{opinion.term, opinion.leader}];
    }
  }
  // Ascending by term, and one term has at most one majority: the last one is the highest.
  std::string leader;
  for (const auto& [choice, count] : votes) {
    if (count > members / 2) {
      leader = choice.second;
    }
  }
  return leader;
}

RoleHolders holders_from(const std::vector<Opinion>& opinions, bool wants_leader) {
  const auto leader = elect(opinions, opinions.size());
  RoleHolders holders;
  for (const auto& opinion : opinions) {
    holders.answers.push_back(opinion.member + ": " + opinion.text);
    const bool leads = opinion.member == leader;
    if (!leader.empty() && leads == wants_leader && (leads || opinion.answered)) {
      holders.instances.push_back(opinion.member);
    }
  }
  return holders;
}

std::vector<const InstancePlan*> members_of(const ClusterPlan& plan, std::string_view component) {
  std::vector<const InstancePlan*> members;
  for (const auto& instance : plan.instances) {
    if (instance.component == component) {
      members.push_back(&instance);
    }
  }
  return members;
}

std::string instance_at(const ClusterPlan& plan, std::string_view address) {
  if (const auto scheme = address.find("://"); scheme != std::string_view::npos) {
    address.remove_prefix(scheme + 3);
  }
  const auto host = address.substr(0, address.find_first_of(":/"));
  for (const auto& instance : plan.instances) {
    if (to_string(instance.address) == host) {
      return instance.name;
    }
  }
  return {};
}

void ask_once(std::vector<RoleQuery>& queries, RoleQuery query) {
  if (std::find(queries.begin(), queries.end(), query) == queries.end()) {
    queries.push_back(std::move(query));
  }
}

}  // namespace tinet::detail
