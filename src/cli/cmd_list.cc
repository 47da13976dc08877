#include <boost/json.hpp>

#include "src/api/cluster_handle.h"
#include "src/base/error.h"
#include "src/cli/commands.h"
#include "src/cli/json_view.h"
#include "src/cli/status_view.h"
#include "src/client/client.h"
#include "src/process/user.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

/// The cluster's own word on its state; a dead one, or one that is just starting, has none.
std::string state_of(const ClusterHandle& cluster) {
  if (!cluster.alive) {
    return "dead";
  }
  try {
    const Interrupt interrupt;
    return text_of(Client::connect(cluster, &interrupt).get("/v1/status"), "state");
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::Interrupted) {
      throw;
    }
    return "starting";
  }
}

int run_list(Context& context) {
  const UserIds user = invoking_user();
  json::array clusters;
  for (const auto& cluster : find_clusters(user.uid)) {
    const json::value state = read_state(cluster);
    json::object entry{{"tag", cluster.tag}, {"state", state_of(cluster)}};
    const std::string backend = text_of(state, "backend");
    entry["backend"] = backend.empty() ? (cluster.root_owned ? "netns" : "rootless") : backend;
    entry["owner"] = user.name.empty() ? std::to_string(user.uid) : user.name;
    entry["started_at_unix_ms"] = member_of(state, "started_at_unix_ms");
    entry["state_dir"] = cluster.path;
    clusters.push_back(std::move(entry));
  }
  if (context.globals.json) {
    context.print_json(clusters);
  } else if (clusters.empty()) {
    context.note("no cluster is running; 'tinet start' starts one");
  } else {
    context.print(list_text(clusters, context.color()));
  }
  return 0;
}

}  // namespace

void add_list(Command& root, Context& context) {
  Command& command = root.add("list", "list your clusters");
  command.examples = {"tinet list", "tinet list --json"};
  command.action = [&context] { return run_list(context); };
}

}  // namespace tinet::cli
