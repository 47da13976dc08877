/// The driver "tidb-owner": which TiDB owns schema changes. The owner is a key in PD's etcd; PD's
/// gateway answers such a read only with a quorum, so every answer is true. Without PD, the TiDBs
/// are asked.

#include <boost/json/serialize.hpp>

#include "src/topology/base64.h"
#include "src/topology/json_text.h"
#include "src/topology/role_driver.h"

namespace tinet::detail {
namespace {

RoleQuery range_query(const RoleSource& pd, const std::string& instance, std::string_view prefix,
                      bool oldest_only) {
  std::string end(prefix);
  ++end.back();
  boost::json::object body = {{"key", base64_encode(prefix)}, {"range_end", base64_encode(end)}};
  if (oldest_only) {
    body["sort_order"] = "ASCEND";
    body["sort_target"] = "CREATE";
    body["limit"] = 1;
  }
  return {instance, pd.service, "POST", "/v3/kv/range", {}, boost::json::serialize(body)};
}

/// Candidates queue up under this prefix; the oldest key is the owner's.
RoleQuery owner_query(const RoleSource& pd, const std::string& instance) {
  return range_query(pd, instance, "/tidb/ddl/fg/owner", true);
}

RoleQuery servers_query(const RoleSource& pd, const std::string& instance) {
  return range_query(pd, instance, "/tidb/server/info/", false);
}

RoleQuery info_query(const RoleSource& source, const std::string& instance) {
  return {instance, source.service, "GET", "/info", {}, ""};
}

RoleQuery all_info_query(const RoleSource& source, const std::string& instance) {
  return {instance, source.service, "GET", "/info/all", {}, ""};
}

const RoleSource* pd_source(const ClusterPlan& plan) {
  for (const auto& source : plan.roles) {
    if (source.driver == "pd") {
      return &source;
    }
  }
  return nullptr;
}

std::string decoded_at(const boost::json::value& document, std::string_view pointer) {
  return base64_decode(text_at(document, pointer)).value_or("");
}

/// Instance whose server info carries this id; empty when none does.
std::string instance_with_id(const ClusterPlan& plan, const boost::json::value& servers,
                             const std::string& id) {
  const auto* entries = at_pointer(servers, "/kvs");
  if (entries == nullptr || !entries->is_array()) {
    return {};
  }
  for (const auto& entry : entries->get_array()) {
    const auto key = decoded_at(entry, "/key");
    if (!key.ends_with("/" + id)) {
      continue;
    }
    if (const auto info = parse_json_text(decoded_at(entry, "/value"))) {
      return instance_at(plan, text_at(*info, "/ip"));
    }
  }
  return {};
}

/// The newest of PD's answers.
struct OwnerKey {
  bool answered = false;
  std::uint64_t revision = 0;
  std::string instance;
};

OwnerKey owner_by_pd(const ClusterPlan& plan, const Answers& answers,
                     std::vector<std::string>& texts) {
  OwnerKey newest;
  const auto* pd = pd_source(plan);
  if (pd == nullptr) {
    return newest;
  }
  for (const auto* member : members_of(plan, pd->component)) {
    const auto query = owner_query(*pd, member->name);
    const auto owner = answers.json(query);
    const auto servers = answers.json(servers_query(*pd, member->name));
    if (!owner || !servers) {
      texts.push_back(member->name + ": " + answers.trouble(query));
      continue;
    }
    // "uuid" or "uuid_operation".
    auto id = decoded_at(*owner, "/kvs/0/value");
    id = id.substr(0, id.find('_'));
    const auto instance = id.empty() ? std::string{} : instance_with_id(plan, *servers, id);
    texts.push_back(member->name + ": " +
                    (id.empty() ? "no owner" : "owner is " + (instance.empty() ? id : instance)));
    const auto revision = number_at(*owner, "/header/revision").value_or(0);
    if (!newest.answered || revision > newest.revision) {
      newest = {true, revision, instance};
    }
  }
  return newest;
}

/// The owner that all answering TiDBs agree on; empty when they do not.
std::string owner_by_tidb(const ClusterPlan& plan, const RoleSource& source,
                          const Answers& answers) {
  std::string agreed;
  for (const auto* member : members_of(plan, source.component)) {
    const auto all = answers.json(all_info_query(source, member->name));
    const auto id = all ? text_at(*all, "/owner_id") : std::string{};
    if (id.empty() || id.find_first_of("/~") != std::string::npos) {
      continue;
    }
    const auto instance = instance_at(plan, text_at(*all, "/all_servers_info/" + id + "/ip"));
    if (!agreed.empty() && agreed != instance) {
      return {};
    }
    agreed = instance;
  }
  return agreed;
}

std::vector<std::string> words(const RoleSource& source) {
  return {source.prefix + "-owner"};
}

void ask(const ClusterPlan& plan, const RoleSource& source, const RoleWord& /*word*/,
         std::vector<RoleQuery>& queries) {
  if (const auto* pd = pd_source(plan)) {
    for (const auto* member : members_of(plan, pd->component)) {
      ask_once(queries, owner_query(*pd, member->name));
      ask_once(queries, servers_query(*pd, member->name));
    }
  }
  for (const auto* member : members_of(plan, source.component)) {
    ask_once(queries, info_query(source, member->name));
    ask_once(queries, all_info_query(source, member->name));
  }
}

RoleHolders resolve(const ClusterPlan& plan, const RoleSource& source, const RoleWord& /*word*/,
                    const Answers& answers) {
  RoleHolders holders;
  const auto key = owner_by_pd(plan, answers, holders.answers);
  for (const auto* member : members_of(plan, source.component)) {
    const auto query = info_query(source, member->name);
    const auto info = answers.json(query);
    const bool owns = info && text_at(*info, "/is_owner") == "true";
    holders.answers.push_back(
        member->name + ": " +
        (info ? (owns ? "says it is" : "says it is not") : answers.trouble(query)));
  }
  const auto owner = key.answered ? key.instance : owner_by_tidb(plan, source, answers);
  if (!owner.empty()) {
    holders.instances.push_back(owner);
  }
  return holders;
}

}  // namespace

const RoleDriver& tidb_owner_driver() {
  static const RoleDriver driver{"tidb-owner", words, ask, resolve};
  return driver;
}

}  // namespace tinet::detail
