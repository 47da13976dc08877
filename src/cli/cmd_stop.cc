#include <memory>

#include <boost/json.hpp>

#include "src/api/cluster_handle.h"
#include "src/api/requests.h"
#include "src/base/error.h"
#include "src/cli/cluster_access.h"
#include "src/cli/collect.h"
#include "src/cli/commands.h"
#include "src/cli/data_dir.h"
#include "src/cli/json_view.h"
#include "src/cli/stop_cluster.h"
#include "src/client/client.h"
#include "src/process/user.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

struct StopOptions {
  bool all = false;
  bool keep_data = false;
  bool force = false;
  std::string save;
  bool must_exist = false;
};

std::vector<ClusterHandle> chosen_clusters(const StopOptions& options, const Context& context) {
  std::vector<ClusterHandle> chosen;
  for (auto& cluster : find_clusters(invoking_user().uid)) {
    if (cluster.alive && (options.all || cluster.tag == context.globals.tag)) {
      chosen.push_back(std::move(cluster));
    }
  }
  return chosen;
}

json::value stop_one(const ClusterHandle& cluster, const StopOptions& options, Context& context) {
  const Interrupt interrupt;
  const Client client = Client::connect(cluster, &interrupt);
  if (!options.save.empty()) {
    const std::string directory = options.all ? options.save + "/" + cluster.tag : options.save;
    context.note("saved to '" + collect(client, directory, context) + "'");
  }
  const std::string data_dir = text_of(client.get("/v1/plan"), "data_dir");
  json::value last = stop_cluster(client, {options.keep_data, options.force});
  if (options.keep_data) {
    mark_kept(invoking_user(), data_dir);
    context.note("the data stays in '" + data_dir + "'");
  }
  if (!context.globals.json) {
    context.note("stopped cluster '" + cluster.tag + "'");
  }
  return last;
}

int nothing_to_stop(const StopOptions& options, Context& context) {
  const std::string which =
      options.all ? "no cluster is running" : "no cluster '" + context.globals.tag + "' is running";
  if (options.must_exist) {
    throw_conflict(which, "'tinet list' shows your clusters");
  }
  context.note(which + ", nothing to stop");
  if (context.globals.json) {
    context.print_json(options.all ? json::value(json::array{})
                                   : json::value{{"tag", context.globals.tag},
                                                 {"state", "stopped"},
                                                 {"instances", json::array{}},
                                                 {"faults", json::array{}}});
  }
  return 0;
}

int run_stop(const StopOptions& options, Context& context) {
  const auto clusters = chosen_clusters(options, context);
  if (clusters.empty()) {
    return nothing_to_stop(options, context);
  }
  json::array documents;
  for (const auto& cluster : clusters) {
    documents.push_back(stop_one(cluster, options, context));
  }
  // All of them are stopped before one that left something is an error.
  for (const auto& last : documents) {
    require_all_removed(last);
  }
  if (context.globals.json) {
    context.print_json(options.all ? json::value(std::move(documents)) : documents.front());
  }
  return 0;
}

}  // namespace

void add_stop(Command& root, Context& context) {
  auto options = std::make_shared<StopOptions>();
  Command& command = root.add("stop", "stop the cluster and remove everything it made");
  command.flag("-a,--all", options->all, "stop all of your clusters");
  command.flag("--keep-data", options->keep_data, "keep the data for the next start");
  command.flag("--force", options->force, "kill at once instead of asking the processes to end");
  command.option("--save", options->save,
                 {.value = "DIR",
                  .help = "write logs, configs, status, events and faults there first",
                  .completes = Completes::Directory});
  command.flag("--must-exist", options->must_exist, "status 4 when there is nothing to stop");
  command.examples = {"tinet stop", "tinet stop --all --save /tmp/report"};
  command.action = [options, &context] { return run_stop(*options, context); };
}

}  // namespace tinet::cli
