/// The driver "tikv-region": which store leads most regions, as the PD leader counts them, or which
/// store leads one region, as its own peers say.

#include <algorithm>
#include <map>

#include "src/topology/json_text.h"
#include "src/topology/role_driver.h"

namespace tinet::detail {
namespace {

const std::map<std::string, std::string>& local_answer() {
  static const std::map<std::string, std::string> headers = {{"PD-Allow-follower-handle", "true"}};
  return headers;
}

RoleQuery stores_query(const RoleSource& source, const std::string& pd) {
  return {pd, source.service, "GET", "/pd/api/v1/stores", local_answer(), ""};
}

RoleQuery pd_region_query(const RoleSource& source, const std::string& pd,
                          const std::string& region) {
  return {pd, source.service, "GET", "/pd/api/v1/region/id/" + region, local_answer(), ""};
}

RoleQuery peer_query(const std::string& tikv, const std::string& region) {
  return {tikv, "status", "GET", "/region/" + region, {}, ""};
}

/// PD's own leader is found with PD's driver over the same answers.
std::string pd_leader(const ClusterPlan& plan, const RoleSource& source, const Answers& answers) {
  const RoleSource pd{"pd", source.component, source.service, source.component};
  const auto holders = pd_driver().resolve(plan, pd, {source.component + "-leader", {}}, answers);
  return holders.instances.empty() ? std::string{} : holders.instances.front();
}

struct Store {
  std::uint64_t id = 0;
  std::string instance;
  std::string state;
  std::uint64_t leaders = 0;
};

std::vector<Store> stores_of(const ClusterPlan& plan, const boost::json::value& document) {
  std::vector<Store> stores;
  const auto* entries = at_pointer(document, "/stores");
  if (entries == nullptr || !entries->is_array()) {
    return stores;
  }
  for (const auto& entry : entries->get_array()) {
    stores.push_back({number_at(entry, "/store/id").value_or(0),
                      instance_at(plan, text_at(entry, "/store/address")),
                      text_at(entry, "/store/state_name"),
                      number_at(entry, "/status/leader_count").value_or(0)});
  }
  std::sort(stores.begin(), stores.end(),
            [](const Store& a, const Store& b) { return a.id < b.id; });
  return stores;
}

/// Stores as the leading PD sees them, and what each PD has to say for people.
struct StoreView {
  std::string leader;
  std::vector<Store> stores;
  std::vector<std::string> answers;
};

StoreView store_view(const ClusterPlan& plan, const RoleSource& source, const Answers& answers) {
  StoreView view;
  view.leader = pd_leader(plan, source, answers);
  for (const auto* pd : members_of(plan, source.component)) {
    const auto query = stores_query(source, pd->name);
    const auto document = answers.json(query);
    if (!document) {
      view.answers.push_back(pd->name + ": " + answers.trouble(query));
    } else if (pd->name == view.leader) {
      view.stores = stores_of(plan, *document);
    } else {
      view.answers.push_back(pd->name + ": is not the leader");
    }
  }
  if (view.leader.empty()) {
    view.answers.emplace_back("there is no " + source.component + "-leader");
  }
  return view;
}

RoleHolders most_regions(const StoreView& view) {
  RoleHolders holders{{}, view.answers};
  const Store* best = nullptr;
  for (const auto& store : view.stores) {
    holders.answers.push_back(store.instance + ": leads " + std::to_string(store.leaders) +
                              " regions, " + store.state);
    // The count of a store that is gone only falls as other leaders report in.
    const bool counts = store.state == "Up" && store.leaders > 0 && !store.instance.empty();
    if (counts && (best == nullptr || store.leaders > best->leaders)) {
      best = &store;
    }
  }
  if (best != nullptr) {
    holders.instances.push_back(best->instance);
  }
  return holders;
}

/// The peers of one region, by their own answers.
struct RegionPeers {
  std::vector<Opinion> opinions;              ///< leader = peer id
  std::map<std::string, std::string> stores;  ///< peer id to store id
  std::size_t voters = 0;
};

RegionPeers ask_peers(const ClusterPlan& plan, const std::string& component,
                      const std::string& region, const Answers& answers) {
  RegionPeers peers;
  for (const auto* tikv : members_of(plan, component)) {
    const auto query = peer_query(tikv->name, region);
    Opinion opinion;
    opinion.member = tikv->name;
    const auto document = answers.json(query);
    if (!document) {
      opinion.text = answers.to(query).status == 404 ? "has no peer" : answers.trouble(query);
      peers.opinions.push_back(std::move(opinion));
      continue;
    }
    opinion.answered = true;
    opinion.term = number_at(*document, "/raft_status/hard_state/term").value_or(0);
    opinion.leader = text_at(*document, "/raft_status/soft_state/leader_id");
    opinion.leader = opinion.leader == "0" ? "" : opinion.leader;
    opinion.text = text_at(*document, "/raft_status/soft_state/raft_state") + " at term " +
                   std::to_string(opinion.term);
    const auto* list = at_pointer(*document, "/region_state/peers");
    if (list != nullptr && list->is_array()) {
      peers.voters = std::max(peers.voters, list->get_array().size());
      for (const auto& peer : list->get_array()) {
        peers.stores[text_at(peer, "/id")] = text_at(peer, "/store_id");
      }
    }
    peers.opinions.push_back(std::move(opinion));
  }
  return peers;
}

RoleHolders one_region(const ClusterPlan& plan, const RoleSource& source, const std::string& region,
                       const StoreView& view, const Answers& answers) {
  const auto peers = ask_peers(plan, source.prefix, region, answers);
  RoleHolders holders{{}, view.answers};
  bool any_peer = false;
  for (const auto& opinion : peers.opinions) {
    holders.answers.push_back(opinion.member + ": " + opinion.text);
    any_peer = any_peer || opinion.answered;
  }
  std::string store_id;
  if (any_peer) {
    const auto leader = elect(peers.opinions, peers.voters);
    const auto found = peers.stores.find(leader);
    store_id = found == peers.stores.end() ? "" : found->second;
  } else if (const auto document = answers.json(pd_region_query(source, view.leader, region))) {
    // No peer can be asked (its status port may be off): PD's last report has to do.
    store_id = text_at(*document, "/leader/store_id");
  }
  for (const auto& store : view.stores) {
    if (!store_id.empty() && std::to_string(store.id) == store_id && !store.instance.empty()) {
      holders.instances.push_back(store.instance);
    }
  }
  return holders;
}

std::vector<std::string> words(const RoleSource& source) {
  return {source.prefix + "-region-leader"};
}

void ask(const ClusterPlan& plan, const RoleSource& source, const RoleWord& word,
         std::vector<RoleQuery>& queries) {
  const RoleSource pd_source{"pd", source.component, source.service, source.component};
  pd_driver().ask(plan, pd_source, word, queries);
  for (const auto* pd : members_of(plan, source.component)) {
    ask_once(queries, stores_query(source, pd->name));
    if (!word.argument.empty()) {
      ask_once(queries, pd_region_query(source, pd->name, word.argument));
    }
  }
  if (!word.argument.empty()) {
    for (const auto* tikv : members_of(plan, source.prefix)) {
      ask_once(queries, peer_query(tikv->name, word.argument));
    }
  }
}

RoleHolders resolve(const ClusterPlan& plan, const RoleSource& source, const RoleWord& word,
                    const Answers& answers) {
  const auto view = store_view(plan, source, answers);
  return word.argument.empty() ? most_regions(view)
                               : one_region(plan, source, word.argument, view, answers);
}

}  // namespace

const RoleDriver& tikv_region_driver() {
  static const RoleDriver driver{"tikv-region", words, ask, resolve};
  return driver;
}

}  // namespace tinet::detail
