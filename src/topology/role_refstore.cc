/// The driver "refstore": roles of the reference store. Its view service alone makes views, so its
/// view decides; when it does not answer, the servers' own newest view does.

#include <algorithm>

#include "src/topology/json_text.h"
#include "src/topology/role_driver.h"

namespace tinet::detail {
namespace {

/// Only the leading pd is the view service; the others answer 503.
RoleQuery view_query(const RoleSource& source, const std::string& instance) {
  return {instance, source.service, "GET", "/refstore/view", {}, ""};
}

RoleQuery leader_query(const RoleSource& source, const std::string& instance) {
  return {
      instance, source.service, "GET", "/pd/api/v1/leader", {{"PD-Allow-follower-handle", "true"}},
      ""};
}

RoleQuery state_query(const std::string& instance) {
  return {instance, "status", "GET", "/refstore/state", {}, ""};
}

/// The primary, the backup and the idle servers play TiKV's part.
std::vector<const InstancePlan*> servers_of(const ClusterPlan& plan) {
  return members_of(plan, "tikv");
}

bool about_pd(const RoleSource& source, const RoleWord& word) {
  return word.base == source.prefix + "-leader" || word.base == source.prefix + "-follower";
}

struct SeenView {
  std::uint64_t number = 0;
  std::string primary;  ///< instance
  std::string backup;
};

SeenView read_view(const ClusterPlan& plan, const boost::json::value& answer) {
  return {number_at(answer, "/view/number").value_or(0),
          instance_at(plan, text_at(answer, "/view/primary/address")),
          instance_at(plan, text_at(answer, "/view/backup/address"))};
}

std::string describe(const SeenView& view) {
  return "view " + std::to_string(view.number) + ", primary " +
         (view.primary.empty() ? "nobody" : view.primary) + ", backup " +
         (view.backup.empty() ? "nobody" : view.backup);
}

RoleHolders resolve_view(const ClusterPlan& plan, const RoleSource& source, bool wants_backup,
                         const Answers& answers) {
  RoleHolders holders;
  SeenView by_service;
  for (const auto* member : members_of(plan, source.component)) {
    const auto query = view_query(source, member->name);
    const auto view = answers.json(query);
    const auto seen = view ? read_view(plan, *view) : SeenView{};
    holders.answers.push_back(member->name + ": " +
                              (view ? describe(seen) : answers.trouble(query)));
    if (seen.number > by_service.number) {
      by_service = seen;
    }
  }
  SeenView by_servers;
  for (const auto* server : servers_of(plan)) {
    const auto query = state_query(server->name);
    const auto state = answers.json(query);
    const auto seen = state ? read_view(plan, *state) : SeenView{};
    holders.answers.push_back(
        server->name + ": " +
        (state ? text_at(*state, "/role") + ", " + describe(seen) : answers.trouble(query)));
    if (seen.number > by_servers.number) {
      by_servers = seen;
    }
  }
  const auto& decisive = by_service.number > 0 ? by_service : by_servers;
  const auto& holder = wants_backup ? decisive.backup : decisive.primary;
  if (!holder.empty()) {
    holders.instances.push_back(holder);
  }
  return holders;
}

RoleHolders resolve_pd(const ClusterPlan& plan, const RoleSource& source, bool wants_leader,
                       const Answers& answers) {
  std::vector<Opinion> opinions;
  for (const auto* member : members_of(plan, source.component)) {
    Opinion opinion;
    opinion.member = member->name;
    const auto query = leader_query(source, member->name);
    const auto leader = answers.json(query);
    opinion.answered = leader.has_value();
    opinion.leader = leader ? text_at(*leader, "/name") : "";
    opinion.text = !leader
                       ? answers.trouble(query)
                       : (opinion.leader.empty() ? "knows no leader" : "says " + opinion.leader);
    opinions.push_back(std::move(opinion));
  }
  return holders_from(opinions, wants_leader);
}

std::vector<std::string> words(const RoleSource& source) {
  return {source.prefix + "-leader", source.prefix + "-follower", "tikv-region-leader", "primary",
          "backup"};
}

void ask(const ClusterPlan& plan, const RoleSource& source, const RoleWord& word,
         std::vector<RoleQuery>& queries) {
  const bool pd = about_pd(source, word);
  for (const auto* member : members_of(plan, source.component)) {
    ask_once(queries, pd ? leader_query(source, member->name) : view_query(source, member->name));
  }
  if (!pd) {
    for (const auto* server : servers_of(plan)) {
      ask_once(queries, state_query(server->name));
    }
  }
}

RoleHolders resolve(const ClusterPlan& plan, const RoleSource& source, const RoleWord& word,
                    const Answers& answers) {
  if (about_pd(source, word)) {
    return resolve_pd(plan, source, word.base.ends_with("-leader"), answers);
  }
  return resolve_view(plan, source, word.base == "backup", answers);
}

}  // namespace

const RoleDriver& refstore_driver() {
  static const RoleDriver driver{"refstore", words, ask, resolve};
  return driver;
}

}  // namespace tinet::detail
