#include <memory>

#include <boost/json.hpp>

#include "src/api/cluster_handle.h"
#include "src/cli/commands.h"
#include "src/cli/data_dir.h"
#include "src/cli/json_view.h"
#include "src/process/user_files.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

struct CleanupOptions {
  bool dry_run = false;
};

struct Found {
  const char* kind;
  std::string path;
};

std::vector<Found> clean(const UserIds& user, bool dry_run) {
  std::vector<Found> found;
  std::vector<std::string> alive;
  for (const auto& cluster : find_clusters(user.uid)) {
    if (cluster.alive) {
      alive.push_back(cluster.tag);
    } else if (dry_run || remove_dead_cluster(cluster)) {
      found.push_back({"state", cluster.path});
    }
  }
  for (const auto& path : leftover_data(user, alive)) {
    if (!dry_run) {
      remove_tree({.user = user, .limit = std::chrono::minutes(10)}, path);
    }
    found.push_back({"data", path});
  }
  return found;
}

int run_cleanup(const CleanupOptions& options, Context& context) {
  const auto found = clean(invoking_user(), options.dry_run);
  if (context.globals.json) {
    json::array removed;
    for (const auto& entry : found) {
      removed.push_back({{"kind", entry.kind}, {"path", entry.path}});
    }
    context.print_json(json::value{{"dry_run", options.dry_run}, {"removed", std::move(removed)}});
    return 0;
  }
  for (const auto& entry : found) {
    const std::string verb = options.dry_run ? "would remove " : "removed ";
    context.print(verb + entry.kind + " " + entry.path + "\n");
  }
  if (found.empty()) {
    context.note("nothing to clean up");
  }
  return 0;
}

}  // namespace

void add_cleanup(Command& root, Context& context) {
  auto options = std::make_shared<CleanupOptions>();
  Command& command = root.add("cleanup", "remove what dead clusters left behind");
  command.description =
      "Removes state directories of clusters whose supervisor is gone, and data that nobody wanted "
      "to keep. Running clusters and kept data stay as they are.";
  command.flag("--dry-run", options->dry_run, "only list what would be removed");
  command.examples = {"tinet cleanup --dry-run", "sudo tinet cleanup"};
  command.action = [options, &context] { return run_cleanup(*options, context); };
}

}  // namespace tinet::cli
