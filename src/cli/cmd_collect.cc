#include <memory>

#include <boost/json.hpp>

#include "src/cli/cluster_access.h"
#include "src/cli/collect.h"
#include "src/cli/commands.h"
#include "src/client/client.h"

namespace tinet::cli {

namespace {

struct CollectOptions {
  std::string directory;
};

int run_collect(const CollectOptions& options, Context& context) {
  const Interrupt interrupt;
  const Client client = Client::connect(require_cluster(context), &interrupt);
  const std::string path = collect(client, options.directory, context);
  if (context.globals.json) {
    context.print_json(boost::json::value{{"directory", path}});
  } else {
    context.print(path + "\n");
  }
  return 0;
}

}  // namespace

void add_collect(Command& root, Context& context) {
  auto options = std::make_shared<CollectOptions>();
  Command& command =
      root.add("collect", "write all there is to know about the cluster to a directory");
  command.description =
      "Writes status, plan, faults, links, events, the doctor's report, all logs and the rendered "
      "configuration files, owned by you. The cluster goes on.";
  command.required("DIR", options->directory,
                   {.help = "made if missing", .completes = Completes::Directory});
  command.examples = {"tinet collect /tmp/report", "tinet -T second collect report"};
  command.action = [options, &context] { return run_collect(*options, context); };
}

}  // namespace tinet::cli
