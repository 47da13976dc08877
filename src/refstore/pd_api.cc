#include "src/refstore/pd_api.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <boost/json.hpp>

#include "src/refstore/version.h"

namespace tinet::refstore {
namespace json = boost::json;
namespace {

constexpr std::string_view kApi = "/pd/api/v1";

HttpResponse document(const json::value& body, int status = 200) {
  return {.status = status, .body = json::serialize(body)};
}

json::object member_json(const PdMember& member) {
  json::array client_urls;
  for (const std::string& url : member.client_urls) {
    client_urls.push_back(json::string(url));
  }
  return {{"name", member.name},
          {"member_id", member.id},
          {"peer_urls", json::array{member.peer_url}},
          {"client_urls", std::move(client_urls)},
          {"binary_version", kVersion}};
}

std::optional<PdMember> visible_leader(const PdFacts& facts) {
  if (!facts.members->sees_leader(facts.now)) {
    return std::nullopt;
  }
  return facts.members->leader();
}

HttpResponse no_leader() {
  return error_response(503, "no leader");
}

HttpResponse members_response(const PdFacts& facts) {
  const auto leader = visible_leader(facts);
  if (!leader) {
    return no_leader();
  }
  json::array members;
  for (const PdMember& member : facts.members->list(facts.now)) {
    members.push_back(member_json(member));
  }
  return document(json::object{{"header", json::object{{"cluster_id", facts.cluster_id}}},
                               {"members", std::move(members)},
                               {"leader", member_json(*leader)},
                               {"etcd_leader", member_json(*leader)},
                               {"reference", true}});
}

HttpResponse leader_response(const PdFacts& facts) {
  const auto leader = visible_leader(facts);
  if (!leader) {
    return no_leader();
  }
  json::object body = member_json(*leader);
  body["reference"] = true;
  return document(body);
}

HttpResponse health_response(const PdFacts& facts) {
  json::array rows;
  for (const PdMember& member : facts.members->list(facts.now)) {
    json::object row = member_json(member);
    row["health"] = member.healthy;
    rows.push_back(std::move(row));
  }
  return document(rows);
}

HttpResponse status_response() {
  return document(json::object{{"version", kVersion}, {"reference", true}});
}

/// As etcd's gateway prints it: 64-bit integers are strings, and no leader is no field.
HttpResponse maintenance_status(const PdFacts& facts) {
  const std::string term = std::to_string(facts.term);
  json::object body{{"header", json::object{{"cluster_id", std::to_string(facts.cluster_id)},
                                            {"member_id", std::to_string(facts.members->self().id)},
                                            {"raft_term", term}}},
                    {"version", kVersion},
                    {"raftTerm", term},
                    {"reference", true}};
  if (const auto leader = visible_leader(facts)) {
    body["leader"] = std::to_string(leader->id);
  } else {
    body["errors"] = json::array{"no leader"};
  }
  return document(body);
}

int leader_count(const View& view, std::uint64_t store_id) {
  return view.primary.store_id == store_id ? 1 : 0;
}

int region_count(const View& view, std::uint64_t store_id) {
  return leader_count(view, store_id) + (view.backup.store_id == store_id ? 1 : 0);
}

json::object store_json(const PdFacts& facts, const StoreRecord& store) {
  json::array labels;
  for (const auto& [key, value] : store.info.labels) {
    labels.push_back(json::object{{"key", key}, {"value", value}});
  }
  const View& view = facts.views->view();
  const bool up = facts.views->is_up(store.address, facts.now);
  return {{"store", json::object{{"id", store.id},
                                 {"address", store.address},
                                 {"status_address", store.info.status_address},
                                 {"version", store.info.version},
                                 {"labels", std::move(labels)},
                                 {"state_name", up ? "Up" : "Disconnected"}}},
          {"status", json::object{{"leader_count", leader_count(view, store.id)},
                                  {"region_count", region_count(view, store.id)}}}};
}

HttpResponse stores_response(const PdFacts& facts) {
  json::array stores;
  for (const StoreRecord& store : facts.views->state().stores) {
    stores.push_back(store_json(facts, store));
  }
  return document(
      json::object{{"count", stores.size()}, {"stores", std::move(stores)}, {"reference", true}});
}

HttpResponse store_response(const PdFacts& facts, std::uint64_t id) {
  for (const StoreRecord& store : facts.views->state().stores) {
    if (store.id == id) {
      json::object body = store_json(facts, store);
      body["reference"] = true;
      return document(body);
    }
  }
  return error_response(404, "store " + std::to_string(id) + " not found");
}

json::object region_json(const View& view) {
  json::array peers;
  for (const Member* member : {&view.primary, &view.backup}) {
    if (!member->empty()) {
      peers.push_back(
          json::object{{"id", peer_id(member->store_id)}, {"store_id", member->store_id}});
    }
  }
  return {{"id", kRegionId},
          {"start_key", ""},
          {"end_key", ""},
          {"epoch", json::object{{"conf_ver", view.number}, {"version", 1}}},
          {"peers", std::move(peers)},
          {"leader", json::object{{"id", peer_id(view.primary.store_id)},
                                  {"store_id", view.primary.store_id}}},
          {"reference", true}};
}

HttpResponse regions_response(const PdFacts& facts, bool listed) {
  json::array regions;
  if (listed) {
    regions.push_back(region_json(facts.views->view()));
  }
  return document(json::object{
      {"count", regions.size()}, {"regions", std::move(regions)}, {"reference", true}});
}

HttpResponse region_stats(const PdFacts& facts) {
  const View& view = facts.views->view();
  json::object leaders;
  json::object peers;
  for (const StoreRecord& store : facts.views->state().stores) {
    const std::string id = std::to_string(store.id);
    if (const int count = leader_count(view, store.id); count > 0) {
      leaders[id] = count;
    }
    if (const int count = region_count(view, store.id); count > 0) {
      peers[id] = count;
    }
  }
  return document(json::object{{"count", 1},
                               {"store_leader_count", std::move(leaders)},
                               {"store_peer_count", std::move(peers)},
                               {"reference", true}});
}

/// The number behind `prefix`, when `path` is nothing else.
std::optional<std::uint64_t> id_behind(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) {
    return std::nullopt;
  }
  const std::string_view digits = path.substr(prefix.size());
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole ? std::optional(id) : std::nullopt;
}

/// What only the view service knows.
HttpResponse views_answer(const PdFacts& facts, std::string_view path) {
  const bool bootstrapped = facts.views->view().number > 0;
  if (path == "/cluster/status") {
    return document(json::object{{"is_initialized", bootstrapped},
                                 {"raft_bootstrap_time", nullptr},
                                 {"replication_status", ""},
                                 {"reference", true}});
  }
  if (!bootstrapped) {
    return document("TiKV cluster not bootstrapped, please start TiKV first", 500);
  }
  if (path == "/stores") {
    return stores_response(facts);
  }
  if (path == "/regions") {
    return regions_response(facts, true);
  }
  if (path == "/regions/check/miss-peer") {
    return regions_response(facts, facts.views->misses_peer(facts.now));
  }
  if (path == "/stats/region") {
    return region_stats(facts);
  }
  if (const auto id = id_behind(path, "/store/")) {
    return store_response(facts, *id);
  }
  if (const auto id = id_behind(path, "/region/id/")) {
    return *id == kRegionId ? document(region_json(facts.views->view()))
                            : error_response(404, "region not found");
  }
  return error_response(404, "the reference store does not answer this path");
}

}  // namespace

bool is_local_path(std::string_view path) {
  constexpr std::array<std::string_view, 6> kLocal = {
      "/pd/api/v1/health",  "/pd/api/v1/status", "/pd/api/v1/ping",
      "/pd/api/v1/version", "/health",           "/v3/maintenance/status"};
  return std::find(kLocal.begin(), kLocal.end(), path) != kLocal.end();
}

HttpResponse pd_answer(const PdFacts& facts, const HttpRequest& request) {
  if (request.path == "/v3/maintenance/status") {
    return maintenance_status(facts);
  }
  if (request.path == "/health") {
    const bool healthy = facts.members->sees_leader(facts.now);
    return document(json::object{{"health", healthy ? "true" : "false"}, {"reference", true}},
                    healthy ? 200 : 503);
  }
  if (!request.path.starts_with(kApi)) {
    return error_response(404, "the reference store does not answer this path");
  }
  const std::string_view path = std::string_view(request.path).substr(kApi.size());
  if (path == "/ping") {
    return {};
  }
  if (path == "/version" || path == "/status") {
    return status_response();
  }
  if (path == "/health") {
    return health_response(facts);
  }
  if (path == "/members") {
    return members_response(facts);
  }
  if (path == "/leader") {
    return leader_response(facts);
  }
  return facts.views == nullptr ? no_leader() : views_answer(facts, path);
}

}  // namespace tinet::refstore
