/// The drivers "etcd-raft" and "pd": members of one Raft group with etcd's HTTP gateway. Both calls
/// used of it are answered by the member itself, also when it is cut off.

#include <map>

#include "src/topology/json_text.h"
#include "src/topology/role_driver.h"

namespace tinet::detail {
namespace {

RoleQuery status_query(const RoleSource& source, const std::string& instance) {
  return {instance, source.service, "POST", "/v3/maintenance/status", {}, "{}"};
}

RoleQuery members_query(const RoleSource& source, const std::string& instance) {
  return {instance, source.service, "POST", "/v3/cluster/member/list", {}, "{}"};
}

/// Without the header a follower forwards the question to the leader, and hangs in a partition.
RoleQuery pd_leader_query(const RoleSource& source, const std::string& instance) {
  return {
      instance, source.service, "GET", "/pd/api/v1/leader", {{"PD-Allow-follower-handle", "true"}},
      ""};
}

/// Names by member id. A leader that does not answer itself is known from the others' lists.
std::map<std::string, std::string> names_by_id(const ClusterPlan& plan, const RoleSource& source,
                                               const Answers& answers) {
  std::map<std::string, std::string> names;
  for (const auto* member : members_of(plan, source.component)) {
    if (const auto list = answers.json(members_query(source, member->name))) {
      const auto* entries = at_pointer(*list, "/members");
      if (entries != nullptr && entries->is_array()) {
        for (const auto& entry : entries->get_array()) {
          names.emplace(text_at(entry, "/ID"), text_at(entry, "/name"));
        }
      }
    }
  }
  for (const auto* member : members_of(plan, source.component)) {
    if (const auto status = answers.json(status_query(source, member->name))) {
      if (auto id = text_at(*status, "/header/member_id"); !id.empty()) {
        names[id] = member->name;
      }
    }
  }
  return names;
}

std::string describe(const Opinion& opinion) {
  const std::string term = opinion.term > 0 ? " (term " + std::to_string(opinion.term) + ")" : "";
  return (opinion.leader.empty() ? "knows no leader" : "says " + opinion.leader) + term;
}

Opinion raft_opinion(const RoleSource& source, const std::string& instance,
                     const std::map<std::string, std::string>& names, const Answers& answers) {
  Opinion opinion;
  opinion.member = instance;
  const auto query = status_query(source, instance);
  const auto status = answers.json(query);
  if (!status) {
    opinion.text = answers.trouble(query);
    return opinion;
  }
  opinion.answered = true;
  // The gateway prints 64-bit numbers as text and leaves zeros out: no leader, no field.
  opinion.term = number_at(*status, "/raftTerm").value_or(0);
  const auto id = text_at(*status, "/leader");
  if (!id.empty() && id != "0") {
    const auto name = names.find(id);
    opinion.leader = name == names.end() ? "member " + id : name->second;
  }
  opinion.text = describe(opinion);
  return opinion;
}

std::vector<std::string> leader_words(const RoleSource& source) {
  return {source.prefix + "-leader", source.prefix + "-follower"};
}

void ask_etcd(const ClusterPlan& plan, const RoleSource& source, const RoleWord& /*word*/,
              std::vector<RoleQuery>& queries) {
  for (const auto* member : members_of(plan, source.component)) {
    ask_once(queries, status_query(source, member->name));
    ask_once(queries, members_query(source, member->name));
  }
}

RoleHolders resolve_etcd(const ClusterPlan& plan, const RoleSource& source, const RoleWord& word,
                         const Answers& answers) {
  const auto names = names_by_id(plan, source, answers);
  std::vector<Opinion> opinions;
  for (const auto* member : members_of(plan, source.component)) {
    opinions.push_back(raft_opinion(source, member->name, names, answers));
  }
  return holders_from(opinions, word.base.ends_with("-leader"));
}

void ask_pd(const ClusterPlan& plan, const RoleSource& source, const RoleWord& /*word*/,
            std::vector<RoleQuery>& queries) {
  for (const auto* member : members_of(plan, source.component)) {
    ask_once(queries, status_query(source, member->name));
    ask_once(queries, pd_leader_query(source, member->name));
  }
}

/// PD's leader is elected on top of etcd's: its name comes from PD, the term from etcd.
RoleHolders resolve_pd(const ClusterPlan& plan, const RoleSource& source, const RoleWord& word,
                       const Answers& answers) {
  std::vector<Opinion> opinions;
  for (const auto* member : members_of(plan, source.component)) {
    Opinion opinion;
    opinion.member = member->name;
    const auto query = pd_leader_query(source, member->name);
    const auto leader = answers.json(query);
    const auto status = answers.json(status_query(source, member->name));
    opinion.answered = leader.has_value() || status.has_value();
    if (status) {
      opinion.term = number_at(*status, "/raftTerm").value_or(0);
    }
    if (leader) {
      opinion.leader = text_at(*leader, "/name");
    }
    opinion.text = opinion.answered ? describe(opinion) : answers.trouble(query);
    opinions.push_back(std::move(opinion));
  }
  return holders_from(opinions, word.base.ends_with("-leader"));
}

}  // namespace

const RoleDriver& etcd_driver() {
  static const RoleDriver driver{"etcd-raft", leader_words, ask_etcd, resolve_etcd};
  return driver;
}

const RoleDriver& pd_driver() {
  static const RoleDriver driver{"pd", leader_words, ask_pd, resolve_pd};
  return driver;
}

}  // namespace tinet::detail
